//! Statements in, rows out.
//!
//! A read, and a write that returns no rows, goes as text with its parameters as
//! [literals](crate::literal), together with what its session needs: one round trip. Whatever else
//! writes and may return rows is prepared first, so that its columns are known before it runs; and so
//! is a read that returns a FLOAT, which text would round.

mod run;

use mysql_async::prelude::Queryable;
use mysql_async::{Row, Statement as Prepared};
use sql_function::diagnose::ServerInfo;
use sql_function::{Error, ExecResult, Kind, Mode, Param, Rows, Statement, is_reusable, loggable};
use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use crate::connection::{CancelHandle, Connection, Failed};
use crate::literal::Whole;
use crate::rows::describe;
use crate::session::{IDENTITY, MAX_PACKET, transactions};
use crate::{failure, literal, server_info, side_effects, unsupported};

/// No server takes less than this in one packet, but one that was set up to take hardly anything.
const ALWAYS_TAKEN: usize = 16 << 10;
/// What goes ahead of a statement takes less.
const AHEAD: usize = 256;
/// Is gone when a procedure ended the transaction it was part of, also when it began another.
pub(crate) const SAVEPOINT: &str = "rds_iam_lambda";
/// How long the server may take to prepare a statement for a diagnosis, where it keeps to it.
const PREPARE: Duration = Duration::from_secs(5);

/// A statement with its parameters, ready to run.
pub(crate) enum Bound {
    /// As text.
    Text(Whole),
    /// As the server has parsed it. The text is for preparing it anew.
    Prepared(Prepared, Whole),
}

impl Connection {
    /// Refuses what is longer than the server takes: it would end the connection.
    async fn check_length(&mut self, statement: &Statement, sql: &str) -> Result<(), Error> {
        let length = sql.len() + AHEAD;
        if length <= ALWAYS_TAKEN {
            return Ok(());
        }
        let taken = match self.max_packet {
            Some(taken) => taken,
            None => {
                let ask = self.ask("max_allowed_packet", &[], "SELECT @@max_allowed_packet");
                let taken: Option<usize> = ask.await?;
                *self.max_packet.insert(taken.unwrap_or(MAX_PACKET))
            }
        };
        if length <= taken.min(MAX_PACKET) {
            return Ok(());
        }
        Err(failure::too_long(
            &loggable!("statement {:?} with its parameters", statement.name),
            taken,
        ))
    }

    /// Whether a statement is to be prepared: see the top of this file. One that returns no rows of a
    /// table's need not be, and some cannot: MySQL answers `SET GLOBAL` with a broken packet.
    fn is_prepared(&self, statement: &Statement, leaves: bool) -> bool {
        const RETURNS_ROWS: [&str; 5] = ["CALL", "SELECT", "TABLE", "VALUES", "WITH"];
        match statement.mode {
            Mode::Write if statement.changes_rows() => statement.has_word("RETURNING"),
            Mode::Write => RETURNS_ROWS.contains(&&*statement.main_verb()),
            // To run it twice would not do.
            Mode::Read => leaves || self.floats().contains(&statement.name),
        }
    }

    /// Whether the transaction that is open may be over after `statement`, or be another one.
    fn may_end_transaction(&self, statement: &Statement) -> bool {
        self.transaction.is_some() && !statement.is_atomic() && side_effects::leaves(statement)
    }

    fn floats(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // No code panics while it holds the lock.
        self.floats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl sql_function::Connection for Connection {
    type CancelHandle = CancelHandle;
    type Bound<'a> = Bound;

    fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { address: self.address, thread: self.conn.id() }
    }

    fn is_closed(&self) -> bool {
        self.conn.is_disconnected()
    }

    async fn check(&mut self) -> Result<(), Error> {
        // The session is that of a new login already: see `restore`.
        let ping = self.conn.ping().await;
        ping.map_err(|error| failure::command("the connection check", error).loses_connection())
    }

    async fn bind(
        &mut self,
        statement: &Statement,
        params: &[Param],
        rows: &mut Rows,
    ) -> Result<Bound, Error> {
        match self.transaction {
            Some(_) if unsupported::is_commit(statement) => {
                return Err(unsupported::commits(statement));
            }
            Some(Mode::Write)
                if statement.mode == Mode::Read && !side_effects::only_reads(statement) =>
            {
                return Err(unsupported::unheld(statement));
            }
            _ => {}
        }
        let whole = if self.backslash_escapes {
            literal::sql(statement, params)?
        } else {
            literal::sql(&statement.without_backslash_escapes()?, params)?
        };
        self.check_length(statement, &whole.sql).await?;
        let leaves = side_effects::leaves(statement);
        let is_prepared = self.is_prepared(statement, leaves);
        let first = !std::mem::replace(&mut self.begun, true);
        if first && leaves && self.changed && !self.locks {
            // What a trigger of an earlier invocation set could be seen.
            self.reset().await?;
            if let Some(mode) = self.transaction {
                sql_function::Connection::begin(self, mode).await?;
            }
        }
        self.forget = first && self.changed;
        self.changed |= statement.changes_rows();
        if leaves || is_prepared {
            if self.may_end_transaction(statement) {
                self.command("SAVEPOINT", &format!("SAVEPOINT {SAVEPOINT}")).await?;
            }
            let ahead = self.ahead(Some(statement.mode), statement.timeout);
            const WHAT: &str = "preparing the session";
            if leaves && self.identity.is_none() {
                // Should this fail, a reset finds another one.
                self.identity = Some(String::new());
                self.identity = self.ask(WHAT, &ahead, IDENTITY).await?;
            } else {
                self.ask::<Row>(WHAT, &ahead, "DO 0").await?;
            }
        }
        if !is_prepared {
            return Ok(Bound::Text(whole));
        }
        if unsupported::is_rewritten(&whole.sql) {
            return Err(unsupported::rewritten(statement));
        }
        match self.conn.prep(&*whole.sql).await {
            Ok(prepared) => {
                // Before it runs: a write whose result is refused must not have happened.
                let described = statement
                    .check_params(prepared.num_params().into(), 0)
                    .and_then(|()| rows.describe(describe(&prepared.columns(), statement, &whole)));
                if let Err(error) = described {
                    let _ = self.conn.close(prepared).await; // it ends with the session at the latest
                    return Err(error);
                }
                Ok(Bound::Prepared(prepared, whole))
            }
            Err(error) if failure::cannot_be_prepared(&error) => Ok(Bound::Text(whole)),
            Err(error) => Err(failure::query(statement, error)),
        }
    }

    async fn run(
        &mut self,
        statement: &Statement,
        bound: Self::Bound<'_>,
        rows: &mut Rows,
    ) -> Result<ExecResult, Error> {
        let outcome = match bound {
            Bound::Text(whole) => self.run_text(statement, &whole, rows).await,
            Bound::Prepared(prepared, whole) => {
                self.run_prepared(statement, prepared, &whole, rows).await
            }
        };
        if self.may_end_transaction(statement) && is_reusable(&outcome) {
            self.check_savepoint(statement).await?;
        }
        let done = outcome?;
        self.check_transaction(statement).await?;
        Ok(done)
    }

    async fn begin(&mut self, mode: Mode) -> Result<(), Error> {
        let sql = match mode {
            Mode::Read => "START TRANSACTION READ ONLY",
            Mode::Write => "START TRANSACTION READ WRITE",
        };
        let ahead = self.ahead(None, None);
        let begun = match self.send(&ahead, sql).await {
            Ok(result) => result.drop_result().await,
            Err(Failed::Ahead(error) | Failed::Itself(error)) => Err(error),
        };
        begun.map_err(|error| failure::begin(mode, sql, error))?;
        self.transaction = Some(mode);
        if self.look() == Some(true) { Ok(()) } else { Err(failure::other_state(sql)) }
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.transaction = None;
        // Whatever completion_type says.
        let committed = self.command("COMMIT", "COMMIT AND NO CHAIN NO RELEASE").await;
        committed.map_err(Error::loses_connection)
    }

    async fn rollback(&mut self) -> Result<(), Error> {
        self.transaction = None;
        let rolled_back = self.command("ROLLBACK", "ROLLBACK AND NO CHAIN NO RELEASE").await;
        rolled_back.map_err(Error::loses_connection)?;
        if self.look() == Some(false) { Ok(()) } else { Err(failure::other_state("ROLLBACK")) }
    }

    async fn try_lock(&mut self, name: &str) -> Result<bool, Error> {
        self.locks = true;
        let mut text = String::new();
        literal::write_text(&mut text, name);
        // A lock's name is limited to 64 characters and is the whole server's: the database's name
        // goes into it, and a hash keeps it short.
        let sql = format!(
            "SELECT GET_LOCK(CONCAT('rds-iam-lambda/', \
             LEFT(SHA2(CONCAT(DATABASE(), '/', {text}), 256), 40)), 0)"
        );
        let ahead = self.ahead(None, None);
        let taken: Option<Option<i64>> = self.ask("GET_LOCK", &ahead, &sql).await?;
        Ok(taken.flatten() == Some(1))
    }

    async fn restore(&mut self) -> Result<(), Error> {
        self.begun = false;
        if self.through_proxy && (self.identity.is_some() || self.locks) {
            // It is pinned to a connection of the proxy's, which another one is not.
            let message = "a session is not restored through an RDS Proxy";
            return Err(Error::new(Kind::ConnectionLost, message));
        }
        if self.identity.is_some() {
            return self.reset().await;
        }
        if self.locks {
            self.command("giving back the locks", "DO RELEASE_ALL_LOCKS()").await?;
            self.locks = false;
        }
        Ok(())
    }

    async fn close(self) {
        self.conn.leave().await;
    }
}

impl sql_function::Examine for Connection {
    async fn server_info(&mut self) -> Result<ServerInfo, Error> {
        self.command("the diagnosis", transactions(Mode::Read)).await?;
        server_info::query(&mut self.conn)
            .await
            .map_err(|error| failure::command("the diagnosis", error))
    }

    /// Preparing runs nothing of a statement on MySQL 9.7 and MariaDB 10.11. Should it elsewhere, a
    /// read can change nothing, and of a write, which a transaction that only reads does not take,
    /// nothing lasts.
    async fn prepare(&mut self, statement: &Statement) -> Result<(), Error> {
        let mut text = String::new();
        literal::write_quoted(&mut text, &statement.sql, self.backslash_escapes);
        // As SQL: the driver's own call takes `:name` for a placeholder.
        let sql = format!("PREPARE rds_iam FROM {text}; DEALLOCATE PREPARE rds_iam");
        let mut ahead = self.ahead(Some(statement.mode), Some(PREPARE));
        ahead.push("START TRANSACTION".to_owned());
        let outcome = match self.send(&ahead, &sql).await {
            Ok(result) => result.drop_result().await,
            Err(Failed::Ahead(error) | Failed::Itself(error)) => Err(error),
        };
        let rolled_back = self.command("the diagnosis", "ROLLBACK").await;
        match outcome {
            Err(error) if failure::cannot_be_prepared(&error) => rolled_back,
            outcome => {
                outcome.map_err(|error| failure::query(statement, error))?;
                rolled_back
            }
        }
    }
}
