//! PostgreSQL.

use super::grant::Grants;
use super::name::{Kind, quoted};
use crate::Failure;

/// PostgreSQL cuts longer names off (NAMEDATALEN, 64 with the NUL at the end).
const LONGEST: usize = 63;

pub(crate) fn statements(
    user: &str,
    database: &str,
    schema: &str,
    grants: &Grants,
) -> Result<String, Failure> {
    // https://www.postgresql.org/docs/17/sql-createrole.html
    if user.starts_with("pg_") || matches!(user, "public" | "none") {
        return Err(format!("the user {user:?} has a name that PostgreSQL keeps to itself").into());
    }
    let name = |name, what| quoted(name, '"', Kind { what, longest: LONGEST, bytes: true });
    let (role, database, schema) =
        (name(user, "user")?, name(database, "database")?, name(schema, "schema")?);
    let tag = dollar_quote(&role);
    let privileges = grants.list();
    // A serial column takes its numbers from a sequence.
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
-- Run it in the database, as the master user. It may be run again.
-- A role of this name that has a password can no longer log in with it: rds_iam takes precedence.
DO {tag} BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END {tag};
ALTER ROLE {role} LOGIN;
GRANT rds_iam TO {role};
GRANT CONNECT ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT {privileges} ON ALL TABLES IN SCHEMA {schema} TO {role};
-- Tables that are made later, by the role that runs this.
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {privileges} ON TABLES TO {role};
{sequences}"
    ))
}

/// A dollar quote that does not occur in `text`.
fn dollar_quote(text: &str) -> String {
    let mut tag = "$make$".to_owned();
    while text.contains(&tag) {
        tag.insert(1, 'x');
    }
    tag
}
