//! The database engines: their names, ports, and the function that serves each. It is what every band
//! of the workspace has in common, and has no dependencies.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// MySQL and Aurora MySQL.
    MySql,
    /// MariaDB, which speaks MySQL's protocol.
    MariaDb,
    /// PostgreSQL and Aurora PostgreSQL.
    Postgres,
}

impl Engine {
    /// All engines, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::MySql, Self::MariaDb, Self::Postgres];

    /// The name in command lines and host names: `mysql`, `mariadb` or `postgres`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
            Self::Postgres => "postgres",
        }
    }

    /// The name as its makers write it: `MySQL`, `MariaDB` or `PostgreSQL`.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// The port of an endpoint, unless its database was made with another.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::MySql | Self::MariaDb => 3306,
            Self::Postgres => 5432,
        }
    }

    /// The function that serves the engine: the name of its package and its program.
    #[must_use]
    pub const fn function(self) -> &'static str {
        match self {
            Self::MySql | Self::MariaDb => "mysql-function",
            Self::Postgres => "postgres-function",
        }
    }

    /// The folder of the function's statements in a folder of all statements, such as
    /// `deploy/statements`.
    #[must_use]
    pub const fn statements(self) -> &'static str {
        match self {
            Self::MySql | Self::MariaDb => "mysql",
            Self::Postgres => "postgres",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Engine {
    type Err = UnknownEngine;

    /// Reads [`Engine::name`], or what RDS calls the engine (`aurora-mysql`, `aurora-postgresql`).
    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        match name {
            "mysql" | "aurora-mysql" => Ok(Self::MySql),
            "mariadb" => Ok(Self::MariaDb),
            "postgres" | "aurora-postgresql" => Ok(Self::Postgres),
            _ => Err(UnknownEngine(name.to_owned())),
        }
    }
}

/// A name that is no engine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownEngine(String);

impl fmt::Display for UnknownEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown engine {:?}; use mysql, mariadb or postgres", self.0)
    }
}

impl Error for UnknownEngine {}

#[cfg(test)]
mod tests {
    use super::Engine;

    #[test]
    fn names_are_read_as_they_are_written() {
        for engine in Engine::ALL {
            assert_eq!(engine.to_string().parse(), Ok(engine));
        }
        assert_eq!("aurora-postgresql".parse(), Ok(Engine::Postgres));
        let error = "MySQL".parse::<Engine>().unwrap_err();
        assert_eq!(error.to_string(), "unknown engine \"MySQL\"; use mysql, mariadb or postgres");
    }
}
