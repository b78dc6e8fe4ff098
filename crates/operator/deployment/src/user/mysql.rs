//! MySQL and MariaDB.

use engine::Engine;

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
    // In GRANT, `_` and `%` are wildcards in the name of a database.
    let pattern = database.replace('\\', r"\\").replace('_', r"\_").replace('%', r"\%");
    let pattern = format!("`{}`", pattern.replace('`', "``"));
    let privileges = grants.list();
    Ok(format!(
        "\
-- Run this as a user with CREATE USER, such as the master user. It can be run again.
-- An existing user of this name keeps its password and cannot log in with IAM.
CREATE USER IF NOT EXISTS {user}@`%` IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS';
ALTER USER {user}@`%` REQUIRE SSL;
GRANT {privileges} ON {pattern}.* TO {user}@`%`;
"
    ))
}
