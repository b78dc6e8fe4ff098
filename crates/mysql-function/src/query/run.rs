//! A statement runs, as text or as the server has parsed it.

use mysql_async::prelude::Queryable;
use mysql_async::{Error as Failure, Statement as Prepared};
use sql_function::RESPONSE_LIMIT;
use sql_function::{Error, ExecResult, Fate, Mode, Rows, Statement, is_reusable, refusal};

use super::{Connection, Failed, SAVEPOINT};
use crate::failure;
use crate::literal::Whole;
use crate::rows::{has_float, read};

impl Connection {
    /// Runs a statement as text, together with what goes ahead of it.
    pub(super) async fn run_text(
        &mut self,
        statement: &Statement,
        whole: &Whole,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let ahead = self.ahead(Some(statement.mode), statement.timeout);
        let rounded = {
            let mut result = self.send(&ahead, &whole.sql).await.map_err(|error| match error {
                Failed::Ahead(error) => failure::command("preparing the session", error)
                    .fated(Fate::NotRun)
                    .loses_connection(),
                Failed::Itself(error) => failure::query(statement, error),
            })?;
            if statement.mode == Mode::Write || !has_float(&result) {
                return read(&mut result, statement, whole, rows).await;
            }
            // To be read to its end in any case, and refused where it is too large.
            let mut rounded = Rows::new(statement.max_rows, RESPONSE_LIMIT);
            read(&mut result, statement, whole, &mut rounded).await.map(drop)
        };
        rounded?;
        self.floats().insert(statement.name.clone());
        let prepared = self.conn.prep(&*whole.sql).await;
        let prepared = prepared.map_err(|error| failure::query(statement, error))?;
        self.run_prepared(statement, prepared, whole, rows).await
    }

    /// Runs a statement that the server has parsed.
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
            // It has no answer, and so leaves the server's last word about the session alone.
            let closed = self.conn.close(prepared).await;
            closed.map_err(|error| failure::query(statement, error))?;
        }
        outcome
    }

    /// Looks whether the transaction is still the one that a procedure, or what else may commit, was
    /// part of. An error does not tell, and neither does the server's status.
    pub(super) async fn check_savepoint(&mut self, statement: &Statement) -> Result<(), Error> {
        let released = self.conn.query_drop(format!("RELEASE SAVEPOINT {SAVEPOINT}")).await;
        match released {
            Ok(()) => Ok(()),
            Err(Failure::Server(error)) if error.code == 1305 => Err(failure::committed(statement)),
            Err(error) => Err(failure::command("RELEASE SAVEPOINT", error)),
        }
    }

    /// Looks whether a statement left the transaction it was part of, or left one open behind it.
    pub(super) async fn check_transaction(&mut self, statement: &Statement) -> Result<(), Error> {
        match (self.transaction.is_some(), self.look()) {
            (true, Some(false)) => Err(failure::committed(statement)),
            // The connection is not used again. Until it ends, the server would hold locks.
            (false, Some(true)) => {
                let rolled_back = sql_function::Connection::rollback(self).await;
                rolled_back.map_err(|error| error.fated(Fate::Unknown))?;
                Err(refusal::left_open(statement))
            }
            _ => Ok(()),
        }
    }
}
