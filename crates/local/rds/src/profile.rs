//! The settings that sessions on a server begin with: RDS's, or those of an owner who chose others.

use std::iter;
use std::str::FromStr;

/// The settings that a server starts with. A [`setting`](crate::Builder::setting) comes on top, but
/// does not override what [`Untidy`](Self::Untidy) sets for PostgreSQL's IAM user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// An RDS instance whose owner has set nothing.
    ///
    /// On MySQL and MariaDB `sql_mode` is `NO_ENGINE_SUBSTITUTION`: the server is not strict, and
    /// cuts a value that does not fit. AWS publishes no value. This one is what a user of RDS for
    /// MySQL 5.7 and 8.0 reports (`awsdocs/amazon-rds-user-guide#160`); `rails/rails#58350` reports
    /// an empty one, which is not strict either. For MySQL 8.4 and MariaDB there is no published
    /// source: the same value was taken for all. The time zone is UTC. All else that a session
    /// begins with is the engine's own default, such as the server's character set: latin1 on
    /// MariaDB before 11.6.
    #[default]
    Rds,
    /// An instance whose owner has set what changes a session unless the client states what it
    /// wants. A client that does so gets the answers that it gets from [`Rds`](Self::Rds), as long
    /// as what it sends fits a packet.
    ///
    /// MySQL and MariaDB: an empty `sql_mode`, no autocommit, chained transactions, latin1 on the
    /// server and by `init_connect` for the client, packets of 1 MB, selects of two rows.
    /// PostgreSQL: the IAM user's role is read-only, finds its own schema first, and has other
    /// forms for dates, intervals, bytes and floats.
    Untidy,
}

/// RDS's, on the command line of MySQL and MariaDB.
const MYSQL_RDS: &[&str] = &["--sql-mode=NO_ENGINE_SUBSTITUTION", "--default-time-zone=+00:00"];

const MYSQL_UNTIDY: &[&str] = &[
    "--sql-mode=",
    "--default-time-zone=+00:00",
    "--autocommit=0",
    "--completion-type=CHAIN",
    "--character-set-server=latin1",
    "--max-allowed-packet=1M",
    // The last has no form on the command line.
    "--init-connect=SET NAMES latin1; SET SESSION sql_select_limit = 2",
];

/// The administrator's settings on MySQL and MariaDB, whatever the server's. `init_connect` is not
/// run for an administrator.
pub(crate) const MYSQL_ADMINISTRATOR: &str =
    "SET SESSION sql_mode = 'NO_ENGINE_SUBSTITUTION', autocommit = 1, completion_type = NO_CHAIN";

/// Of PostgreSQL's IAM user. Tables that are named without a schema are found in `public`, but not
/// made there.
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
    /// Arguments of MySQL's and MariaDB's server programs.
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
            _ => Err(format!("{name:?} is no profile: there are rds and untidy")),
        }
    }
}
