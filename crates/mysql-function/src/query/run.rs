//! Runs a statement as text or prepared, and checks its transaction afterwards.

use mysql_async::prelude::Queryable;
use mysql_async::{Error as Failure, Statement as Prepared};
use sql_function::RESPONSE_LIMIT;
use sql_function::{Error, ExecResult, Fate, Mode, Rows, Statement, is_reusable, refusal};

use super::SAVEPOINT;
use crate::connection::{Connection, Failed};
use crate::failure;
use crate::literal::Whole;
use crate::rows::{has_float, read};

impl Connection {
    /// Runs a statement as text, together with the statements that prepare the session.
    pub(super) async fn run_text(
        &mut self,
        statement: &Statement,
        whole: &Whole,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let ahead = self.preparation(Some(statement.mode), statement.timeout);
        let rounded = {
            let mut result = self.send(&ahead, &whole.sql).await.map_err(|error| match error {
                Failed::Ahead(error) => failure::command("preparing the session", error)
                    .with_fate(Fate::NotRun)
                    .loses_connection(),
                Failed::Itself(error) => failure::query(statement, error),
            })?;
            if statement.mode == Mode::Write || !has_float(&result) {
                return read(&mut result, statement, whole, rows).await;
            }
            // Read to its end in any case, and refused if it is too large.
            let mut rounded = Rows::new(statement.max_rows, RESPONSE_LIMIT);
            read(&mut result, statement, whole, &mut rounded).await.map(drop)
        };
        rounded?;
        self.floats().insert(statement.name.clone());
        let prepared = self.conn.prep(&*whole.sql).await;
        let prepared = prepared.map_err(|error| failure::query(statement, error))?;
        self.run_prepared(statement, prepared, whole, rows).await
    }

    /// Runs a prepared statement.
    pub(super) async fn run_prepared(
        &mut self,
        statement: &Statement,
        prepared: Prepared,
        whole: &Whole,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let outcome = match self.conn.exec_iter(&prepared, ()).await {
            Ok(mut result) => read(&mut result, statement, whole, rows).await,
            Err(error) => Err(failure::query(statement, error)),
        };
        if is_reusable(&outcome) {
            // It has no answer, so the status of the last answer stays.
            let closed = self.conn.close(prepared).await;
            closed.map_err(|error| failure::query(statement, error))?;
        }
        outcome
    }

    /// Checks that a statement that may commit did not end its transaction. Neither an error nor
    /// the server's status tells if it began another.
    pub(super) async fn check_savepoint(&mut self, statement: &Statement) -> Result<(), Error> {
        let released = self.conn.query_drop(format!("RELEASE SAVEPOINT {SAVEPOINT}")).await;
        match released {
            Ok(()) => Ok(()),
            Err(Failure::Server(error)) if error.code == 1305 => Err(failure::committed(statement)),
            Err(error) => Err(failure::command("RELEASE SAVEPOINT", error)),
        }
    }

    /// Checks that a statement did not end its transaction or leave one open.
    pub(super) async fn check_transaction(&mut self, statement: &Statement) -> Result<(), Error> {
        match (self.transaction.is_some(), self.update_status()) {
            (true, Some(false)) => Err(failure::committed(statement)),
            // The connection is not reused. Until it is closed, the server would hold locks.
            (false, Some(true)) => {
                let rolled_back = sql_function::Connection::rollback(self).await;
                rolled_back.map_err(|error| error.with_fate(Fate::Unknown))?;
                Err(refusal::left_open(statement))
            }
            _ => Ok(()),
        }
    }
}
