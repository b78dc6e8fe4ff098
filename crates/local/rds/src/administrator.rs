//! The administrator's connection to a running server, whatever its engine.
//!
//! It is made while the server is set up, and nobody can make another one.

use std::io;

use crate::{mysql, postgres};

/// One row: each value in the server's text, or none for NULL.
pub type Row = Vec<Option<String>>;

/// A connection of the administrator's.
pub(crate) enum Administrator {
    MySql(mysql::Administrator),
    Postgres(postgres::Administrator),
}

impl Administrator {
    /// Runs the statements in `sql`, and gives the rows of all of them.
    ///
    /// # Errors
    /// The first statement that fails.
    pub(crate) fn run(&mut self, sql: &str) -> io::Result<Vec<Row>> {
        match self {
            Self::MySql(administrator) => administrator.run(sql),
            Self::Postgres(administrator) => administrator.run(sql),
        }
    }
}
