//! Privileges, from a list.

use engine::Engine;

use crate::Failure;

/// Privileges on the tables of a database, as the server writes them.
pub(crate) struct Grants(Vec<&'static str>);

impl Grants {
    /// The privileges with commas between, as GRANT takes them.
    pub(crate) fn list(&self) -> String {
        self.0.join(", ")
    }

    /// Whether `privilege` is among them, or all are.
    pub(crate) fn has(&self, privilege: &str) -> bool {
        self.0.iter().any(|own| *own == privilege || *own == ALL)
    }
}

const ALL: &str = "ALL PRIVILEGES";

/// <https://dev.mysql.com/doc/refman/8.4/en/grant.html>, those of a database;
/// <https://mariadb.com/kb/en/grant/> has them too.
const MYSQL: &[&str] = &[
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "EXECUTE",
    "SHOW VIEW",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "CREATE",
    "ALTER",
    "DROP",
    "INDEX",
    "REFERENCES",
    "TRIGGER",
    "EVENT",
    "CREATE VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    ALL,
];

/// <https://www.postgresql.org/docs/17/sql-grant.html>, those of a table.
const POSTGRES: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", ALL];

/// Reads privileges with commas between, in any case: `select, insert`.
///
/// # Errors
/// One is not a privilege of the engine.
pub(crate) fn parse_grants(engine: Engine, text: &str) -> Result<Grants, Failure> {
    let known = match engine {
        Engine::MySql | Engine::MariaDb => MYSQL,
        Engine::Postgres => POSTGRES,
    };
    let mut grants = Vec::new();
    for part in text.split(',') {
        let words: Vec<_> = part.split_whitespace().map(str::to_ascii_uppercase).collect();
        let privilege = match words.join(" ").as_str() {
            "ALL" => ALL.to_owned(),
            other => other.to_owned(),
        };
        let Some(privilege) = known.iter().find(|known| **known == privilege) else {
            return Err(format!(
                "unknown privilege {:?}; {engine} has {}",
                part.trim(),
                known.join(", ")
            )
            .into());
        };
        if !grants.contains(privilege) {
            grants.push(*privilege);
        }
    }
    Ok(Grants(grants))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_privileges_of_the_list_are_accepted() {
        let read = |engine, text| parse_grants(engine, text).map(|grants| grants.list());
        assert_eq!(read(Engine::MySql, "select,  Insert,select").unwrap(), "SELECT, INSERT");
        assert_eq!(
            read(Engine::MariaDb, "create  temporary tables").unwrap(),
            "CREATE TEMPORARY TABLES"
        );
        assert_eq!(read(Engine::Postgres, "all").unwrap(), "ALL PRIVILEGES");
        for pasted in ["", "SELECT,", "SELECT ON *.* TO x; --", "SUPER", "TRUNCATE"] {
            let error = read(Engine::MySql, pasted).unwrap_err().to_string();
            assert!(error.contains("; mysql has SELECT, "), "{error}");
        }
        assert!(read(Engine::Postgres, "EVENT").is_err());
    }
}
