//! MySQL and MariaDB.

use aws_cli::Engine;

use super::grant::Grants;
use super::name::{Kind, quoted};
use crate::Failure;

const DATABASE: Kind = Kind { what: "database", longest: 64, bytes: false };

pub(crate) fn statements(
    engine: Engine,
    user: &str,
    database: &str,
    grants: &Grants,
) -> Result<String, Failure> {
    // https://mariadb.com/kb/en/identifier-names/, https://dev.mysql.com/doc/refman/8.4/en/user-names.html
    let longest = if engine == Engine::MariaDb { 80 } else { 32 };
    let user = quoted(user, '`', Kind { what: "user", longest, bytes: false })?;
    quoted(database, '`', DATABASE)?;
    // Where a privilege is granted, `_` and `%` are wildcards in the database's name.
    let pattern = database.replace('\\', r"\\").replace('_', r"\_").replace('%', r"\%");
    let pattern = format!("`{}`", pattern.replace('`', "``"));
    let privileges = grants.list();
    Ok(format!(
        "\
-- Run it as a user who may make users, such as the master user. It may be run again.
-- A user of this name who has a password keeps it, and cannot log in with IAM.
CREATE USER IF NOT EXISTS {user}@`%` IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';
ALTER USER {user}@`%` REQUIRE SSL;
GRANT {privileges} ON {pattern}.* TO {user}@`%`;
"
    ))
}
