//! The three database engines.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// A database engine that local servers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Engine {
    /// MySQL, 8.0 or later.
    MySql,
    /// MariaDB, 10.5 or later.
    MariaDb,
    /// PostgreSQL, built with PAM and OpenSSL.
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

    /// The environment variable that says which server program to run.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::MySql => "LOCAL_RDS_MYSQLD",
            Self::MariaDb => "LOCAL_RDS_MARIADBD",
            Self::Postgres => "LOCAL_RDS_POSTGRES",
        }
    }

    /// The names of the server program. MariaDB called its own `mysqld` before 10.4.
    pub(crate) const fn programs(self) -> &'static [&'static str] {
        match self {
            Self::MySql => &["mysqld"],
            Self::MariaDb => &["mariadbd", "mysqld"],
            Self::Postgres => &["postgres"],
        }
    }

    /// The Debian and Ubuntu package of the server, up to the version that some releases append.
    pub(crate) const fn package(self) -> &'static str {
        match self {
            Self::MySql => "mysql-server-core",
            Self::MariaDb => "mariadb-server-core",
            Self::Postgres => "postgresql",
        }
    }

    /// Whether `text`, a server program's answer to `--version`, is of this engine.
    pub(crate) fn answers(self, text: &str) -> bool {
        match self {
            Self::MySql => text.contains(" Ver ") && !text.contains("MariaDB"),
            Self::MariaDb => text.contains("MariaDB"),
            Self::Postgres => text.starts_with("postgres (PostgreSQL)"),
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

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        Self::ALL
            .into_iter()
            .find(|engine| engine.name() == name)
            .ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}

/// A name that is none of the three engines'.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownEngine(String);

impl fmt::Display for UnknownEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no engine is called {:?}: take mysql, mariadb or postgres", self.0)
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
        let error = "MySQL".parse::<Engine>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no engine is called \"MySQL\": take mysql, mariadb or postgres"
        );
    }

    #[test]
    fn a_version_tells_the_engines_apart() {
        let mysql = "/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))";
        let mariadb = "mysqld  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64";
        let postgres = "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)";
        for (text, engine) in
            [(mysql, Engine::MySql), (mariadb, Engine::MariaDb), (postgres, Engine::Postgres)]
        {
            let answering: Vec<_> = Engine::ALL.into_iter().filter(|e| e.answers(text)).collect();
            assert_eq!(answering, [engine]);
        }
    }
}
