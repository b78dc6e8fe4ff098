//! What this crate knows of an engine's server program.

use engine::Engine;

/// The server program of an engine.
pub(crate) trait ServerProgram {
    /// The environment variable that says which server program to run.
    fn variable(self) -> &'static str;
    /// The names of the program. MariaDB called its own `mysqld` before 10.4.
    fn programs(self) -> &'static [&'static str];
    /// The Debian and Ubuntu package, up to the version that some releases append.
    fn package(self) -> &'static str;
    /// Whether `text`, a server's or a client's answer to `--version`, is of this engine.
    fn answers(self, text: &str) -> bool;
}

impl ServerProgram for Engine {
    fn variable(self) -> &'static str {
        match self {
            Self::MySql => "LOCAL_RDS_MYSQLD",
            Self::MariaDb => "LOCAL_RDS_MARIADBD",
            Self::Postgres => "LOCAL_RDS_POSTGRES",
        }
    }

    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::MySql => &["mysqld"],
            Self::MariaDb => &["mariadbd", "mysqld"],
            Self::Postgres => &["postgres"],
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::MySql => "mysql-server-core",
            Self::MariaDb => "mariadb-server-core",
            Self::Postgres => "postgresql",
        }
    }

    fn answers(self, text: &str) -> bool {
        match self {
            Self::MySql => text.contains(" Ver ") && !text.contains("MariaDB"),
            Self::MariaDb => text.contains("MariaDB"),
            Self::Postgres => text.contains("(PostgreSQL)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
