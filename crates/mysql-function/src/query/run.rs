//! Runs a statement as text or prepared, and checks its transaction afterwards.

use mysql_async::prelude::Queryable;
use mysql_async::{Error as Failure, Statement as Prepared};
use sql_function::RESPONSE_LIMIT;
use sql_function::{Error, ExecResult, Fate, Kind, Rows, Statement, is_reusable, refusal};

use super::SAVEPOINT;
use crate::connection::{Connection, Failed};
use crate::literal::Whole;
use crate::rows::{Floats, has_float, read};
use crate::{failure, side_effects};

impl Connection {
    /// Runs a statement as text, together with the statements that prepare the session.
    pub(super) async fn run_text(
        &mut self,
        statement: &Statement,
        whole: &Whole,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let through_proxy = self.through_proxy;
        let ahead = self.preparation(Some(statement.mode), statement.timeout);
        let rounded = {
            let sent = self.send(&ahead, &whole.sql).await;
            let mut result = sent.map_err(|error| failed(statement, error, through_proxy))?;
            if !(side_effects::is_repeatable(statement) && has_float(&result)) {
                return read(&mut result, statement, whole, rows, Floats::Rounded, through_proxy)
                    .await;
            }
            // Read to its end in any case, and refused if it is too large. The values are not used.
            let mut rounded = Rows::new(statement.max_rows, RESPONSE_LIMIT);
            read(&mut result, statement, whole, &mut rounded, Floats::Exact, through_proxy)
                .await
                .map(drop)
        };
        rounded?;
        self.floats().insert(statement.name.clone());
        self.spent = true;
        let prepared = self.conn.prep(&*whole.sql).await;
        let prepared = prepared.map_err(|error| failure::query(statement, error, through_proxy))?;
        self.run_prepared(statement, prepared, whole, rows).await
    }

    /// Runs a statement as text in a transaction of its own, which is rolled back if the statement
    /// fails or its columns are refused.
    pub(super) async fn run_alone(
        &mut self,
        statement: &Statement,
        whole: &Whole,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let through_proxy = self.through_proxy;
        let mut ahead = self.preparation(Some(statement.mode), statement.timeout);
        ahead.push("START TRANSACTION".to_owned());
        let outcome = match self.send(&ahead, &whole.sql).await {
            Ok(mut result) => {
                read(&mut result, statement, whole, rows, Floats::Rounded, through_proxy).await
            }
            Err(error) => Err(failed(statement, error, through_proxy)),
        };
        let done = match outcome {
            // As without a proxy: what is too large to be returned was written.
            Err(error)
                if error.fate() == Fate::CarriedOut && error.kind() == Kind::ResultTooLarge =>
            {
                Err(error)
            }
            // The connection is closed, and the server rolls back.
            outcome if !is_reusable(&outcome) => return outcome,
            Err(error) => {
                let rolled_back = sql_function::Connection::rollback(self).await;
                return Err(match (rolled_back, error.fate()) {
                    (Err(_), _) => error.with_fate(Fate::Unknown).loses_connection(),
                    (Ok(true), Fate::Unknown | Fate::CarriedOut) => error.with_fate(Fate::NotRun),
                    (Ok(_), _) => error,
                });
            }
            outcome => outcome,
        };
        sql_function::Connection::commit(self).await?;
        done
    }

    /// Runs a prepared statement.
    pub(super) async fn run_prepared(
        &mut self,
        statement: &Statement,
        prepared: Prepared,
        whole: &Whole,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let through_proxy = self.through_proxy;
        if through_proxy {
            tracing::warn!(
                statement = statement.name,
                "a result with a FLOAT is read from a prepared statement, which pins the RDS \
                 Proxy's connection: CAST(… AS DOUBLE) in the statement avoids that"
            );
        }
        let outcome = match self.conn.exec_iter(&prepared, ()).await {
            Ok(mut result) => {
                read(&mut result, statement, whole, rows, Floats::Exact, through_proxy).await
            }
            Err(error) => Err(failure::query(statement, error, through_proxy)),
        };
        if is_reusable(&outcome) {
            // It has no answer, so the status of the last answer stays.
            let closed = self.conn.close(prepared).await;
            closed.map_err(|error| failure::query(statement, error, through_proxy))?;
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
            Err(error) => Err(failure::command("RELEASE SAVEPOINT", error, self.through_proxy)),
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

/// The error of a statement that was sent after those that prepare the session.
fn failed(statement: &Statement, error: Failed, through_proxy: bool) -> Error {
    match error {
        Failed::Ahead(error) => failure::command("preparing the session", error, through_proxy)
            .with_fate(Fate::NotRun)
            .loses_connection(),
        Failed::Itself(error) => failure::query(statement, error, through_proxy),
    }
}
