//! The initial settings of a server's sessions: RDS's, or those of an owner who changed them.

use std::iter;
use std::str::FromStr;

/// The settings that a server starts with. A [`setting`](crate::Builder::setting) overrides them, except
/// those that [`Untidy`](Self::Untidy) gives to PostgreSQL's IAM user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// An RDS instance with the default parameters.
    ///
    /// On MySQL and MariaDB `sql_mode` is `NO_ENGINE_SUBSTITUTION`: the server is not strict, and
    /// truncates values that do not fit. AWS publishes no value. A user of RDS for MySQL 5.7 and 8.0
    /// reports this one (`awsdocs/amazon-rds-user-guide#160`); `rails/rails#58350` reports an empty
    /// one, which is not strict either. For MySQL 8.4 and MariaDB there is no published source, and
    /// the same value is used. The time zone is UTC. Everything else is the engine's default, such as
    /// the server's character set: latin1 on MariaDB before 11.6.
    #[default]
    Rds,
    /// An instance with parameters that change a session unless the client sets what it needs. A
    /// client that does gets the same answers as from [`Rds`](Self::Rds), as long as its statements
    /// fit in a packet.
    ///
    /// MySQL and MariaDB: an empty `sql_mode`, no autocommit, chained transactions, latin1 on the
    /// server and by `init_connect` for the client, packets of 1 MB, selects of two rows.
    /// PostgreSQL: the IAM user's role is read-only, searches its own schema first, and has other
    /// output formats for dates, intervals, bytes and floats.
    Untidy,
}

/// RDS's settings, on the command line of MySQL and MariaDB.
const MYSQL_RDS: &[&str] = &["--sql-mode=NO_ENGINE_SUBSTITUTION", "--default-time-zone=+00:00"];

const MYSQL_UNTIDY: &[&str] = &[
    "--sql-mode=",
    "--default-time-zone=+00:00",
    "--autocommit=0",
    "--completion-type=CHAIN",
    "--character-set-server=latin1",
    "--max-allowed-packet=1M",
    // The last setting is not one of the command line.
    "--init-connect=SET NAMES latin1; SET SESSION sql_select_limit = 2",
];

/// The administrator's settings on MySQL and MariaDB, whatever the server's. The server does not run
/// `init_connect` for administrators.
pub(crate) const MYSQL_ADMINISTRATOR: &str =
    "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', autocommit = 1, completion_type = NO_CHAIN";

/// The settings of PostgreSQL's IAM user. Unqualified names are found in `public`, but tables are not
/// created there.
const POSTGRES_UNTIDY: &[&str] = &[
    "search_path = own, public",
    "default_transaction_read_only = on",
    "default_transaction_isolation = 'repeatable read'",
    "statement_timeout = '50s'",
    "datestyle = 'SQL, DMY'",
    "intervalstyle = 'sql_standard'",
    "bytea_output = 'escape'",
    "extra_float_digits = 0",
];

impl Profile {
    /// Arguments for the server programs of MySQL and MariaDB.
    pub(crate) fn mysql_arguments(self) -> &'static [&'static str] {
        match self {
            Profile::Rds => MYSQL_RDS,
            Profile::Untidy => MYSQL_UNTIDY,
        }
    }

    /// SQL that sets up PostgreSQL's IAM user, `user`.
    pub(crate) fn postgres_role(self, user: &str) -> String {
        match self {
            Profile::Rds => String::new(),
            Profile::Untidy => {
                let schema = format!("CREATE SCHEMA own AUTHORIZATION {user};\n");
                let alter = |setting| format!("ALTER ROLE {user} SET {setting};\n");
                iter::once(schema).chain(POSTGRES_UNTIDY.iter().map(alter)).collect()
            }
        }
    }
}

impl FromStr for Profile {
    type Err = String;

    /// Reads `rds` or `untidy`.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "rds" => Ok(Profile::Rds),
            "untidy" => Ok(Profile::Untidy),
            _ => Err(format!("unknown profile {name:?}; use rds or untidy")),
        }
    }
}
