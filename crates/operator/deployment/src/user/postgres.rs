//! PostgreSQL.

use super::grant::Grants;
use super::name::{Kind, quoted};
use crate::Failure;

/// PostgreSQL truncates longer names (NAMEDATALEN is 64, with the terminating NUL).
const LONGEST: usize = 63;

pub(crate) fn statements(
    user: &str,
    database: &str,
    schema: &str,
    grants: &Grants,
) -> Result<String, Failure> {
    // https://www.postgresql.org/docs/17/sql-createrole.html
    if user.starts_with("pg_") || matches!(user, "public" | "none") {
        return Err(format!("the user name {user:?} is reserved by PostgreSQL").into());
    }
    let name = |name, what| quoted(name, '"', Kind { what, longest: LONGEST, bytes: true });
    let (role, database, schema) =
        (name(user, "user")?, name(database, "database")?, name(schema, "schema")?);
    let tag = dollar_quote(&role);
    let privileges = grants.list();
    // A serial column needs its sequence.
    let sequences = if grants.has("INSERT") {
        format!(
            "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role};\n\
             ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role};\n"
        )
    } else {
        String::new()
    };
    Ok(format!(
        "\
-- Run this in the database, as the master user. It can be run again.
-- An existing role of this name can no longer log in with its password: rds_iam takes precedence.
DO {tag} BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END {tag};
ALTER ROLE {role} LOGIN;
GRANT rds_iam TO {role};
GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT {privileges} ON ALL TABLES IN SCHEMA {schema} TO {role};
-- Tables that the role that runs this creates later.
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {privileges} ON TABLES TO {role};
{sequences}"
    ))
}

/// A dollar quote that `text` does not contain.
fn dollar_quote(text: &str) -> String {
    let mut tag = "$make$".to_owned();
    while text.contains(&tag) {
        tag.insert(1, 'x');
    }
    tag
}
