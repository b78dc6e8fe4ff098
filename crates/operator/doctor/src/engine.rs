//! Which of the two functions to run.

use std::str::FromStr;

use crate::Failure;

/// The protocol that a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// MySQL, MariaDB and Aurora MySQL.
    MySql,
    /// PostgreSQL and Aurora PostgreSQL.
    Postgres,
}

impl Engine {
    /// The function's program.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Engine::MySql => "mysql-function",
            Engine::Postgres => "postgres-function",
        }
    }

    /// The folder of its statements, in `deploy/statements`.
    pub(crate) fn statements(self) -> &'static str {
        match self {
            Engine::MySql => "mysql",
            Engine::Postgres => "postgres",
        }
    }

    /// The engine's port, unless a database was made with another.
    pub(crate) fn default_port(self) -> u16 {
        match self {
            Engine::MySql => 3306,
            Engine::Postgres => 5432,
        }
    }

    /// The engine whose port `port` is, as a setting.
    pub(crate) fn of_port(port: &str) -> Result<Engine, Failure> {
        let all = [Engine::MySql, Engine::Postgres];
        let engine = all.into_iter().find(|engine| engine.default_port().to_string() == port);
        engine.ok_or_else(|| {
            format!("name the engine, --engine mysql or postgres: port {port:?} is neither's")
                .into()
        })
    }
}

impl FromStr for Engine {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Engine, Failure> {
        match name {
            "mysql" | "mariadb" | "aurora-mysql" => Ok(Engine::MySql),
            "postgres" | "aurora-postgresql" => Ok(Engine::Postgres),
            _ => Err(format!("no function is for {name:?}: mysql, mariadb or postgres").into()),
        }
    }
}
