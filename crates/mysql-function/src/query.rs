//! Runs statements.
//!
//! A read, or a write that returns no rows, is sent as text with its parameters as
//! [literals](crate::literal), together with the statements that prepare the session: one round
//! trip. Other writes are prepared first, so that their columns are known before they run, and so
//! is a read that returns a FLOAT, which the text protocol rounds.
//!
//! A prepared statement pins an RDS Proxy. There, a write that may return rows is sent as text in a
//! transaction of its own, which is rolled back if its columns are refused, and a CALL as text
//! alone. Only a read that returns a FLOAT is still prepared.

mod run;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row, Statement as Prepared};
use sql_function::diagnose::ServerInfo;
use sql_function::{
    Description, Error, ExecResult, Fate, Kind, Mode, Param, Rows, Scalar, Statement, is_reusable,
    loggable, pinning, sql,
};
use std::collections::BTreeSet;
use std::sync::{MutexGuard, PoisonError};

use crate::connection::{CancelHandle, Connection, Failed};
use crate::literal::Whole;
use crate::rows::named;
use crate::session::{MAX_PACKET, PREPARE, transactions};
use crate::{describe, failure, literal, server_info, side_effects, topology, unsupported};

/// Every server accepts packets of this size, unless `max_allowed_packet` is extremely low. An RDS
/// Proxy pins a session that sends a longer one.
const ALWAYS_TAKEN: usize = 16 << 10;
/// More than the statements before a statement take.
const AHEAD: usize = 256;
/// The savepoint that is lost when a procedure ends its transaction, even if it begins another.
pub(crate) const SAVEPOINT: &str = "rds_iam_lambda";

/// A statement with its parameters, ready to run.
pub enum Bound {
    /// Sent as text.
    Text(Whole),
    /// Sent as text in a transaction of its own.
    Alone(Whole),
    /// Prepared, with its text.
    Prepared(Prepared, Whole),
}

/// How a statement is sent.
#[derive(Clone, Copy)]
enum Way {
    Text,
    Alone,
    Prepared,
}

impl Connection {
    /// Refuses a statement that is longer than the server accepts, which would close the
    /// connection.
    async fn check_length(&mut self, statement: &Statement, sql: &str) -> Result<(), Error> {
        let length = sql.len() + AHEAD;
        if length <= ALWAYS_TAKEN {
            return Ok(());
        }
        let taken = match self.max_packet {
            Some(taken) => taken,
            None => {
                let ask =
                    self.query_first("max_allowed_packet", &[], "SELECT @@max_allowed_packet");
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

    /// Refuses an instant that the server would not convert to the session's time zone, but write
    /// in UTC: one beyond its range of `TIMESTAMP`.
    async fn check_instants(
        &mut self,
        statement: &Statement,
        params: &[Param],
    ) -> Result<(), Error> {
        // The range of every version.
        const RANGE: std::ops::Range<&str> = "1970-01-01T00:00:01".."2038-01-19T03:14:07";
        for (declared, param) in statement.declared.iter().zip(params) {
            let Param::Text(utc) = param else { continue };
            if declared.param_type.scalar != Scalar::Timestamp || RANGE.contains(&&**utc) {
                continue;
            }
            let (mut here, mut there) = (String::new(), String::new());
            literal::write_instant(&mut here, utc);
            literal::write_utc(&mut there, utc);
            let sql = format!(
                "SELECT {here} <> {there} OR @@session.time_zone IN ('UTC', '+00:00') \
                 OR (@@session.time_zone = 'SYSTEM' AND @@system_time_zone = 'UTC')"
            );
            let is_exact: Option<Option<i64>> =
                self.query_first("the session's time zone", &[], &sql).await?;
            if is_exact.flatten() != Some(1) {
                let message = loggable!(
                    "parameter {:?} of {:?} is an instant that the server cannot convert to the \
                     session's time zone",
                    declared.name,
                    statement.name
                );
                return Err(Error::new(Kind::Statement, message).advice(
                    "send an instant between 1970 and 2038, set the time zone of the parameter group to \
                     UTC, or declare the parameter as text and send date and time as the column has them",
                ));
            }
        }
        Ok(())
    }

    /// Has the server parse `sql`, which stands for `statement`, as a prepared statement.
    ///
    /// On MySQL 9.7 and MariaDB 10.11, preparing a statement does not run any of it. If it does
    /// elsewhere, a read cannot change anything, and a write is rolled back; a read-only
    /// transaction would refuse it.
    pub(crate) async fn parse(&mut self, statement: &Statement, sql: &str) -> Result<(), Error> {
        self.spent = true;
        let mut text = String::new();
        literal::write_quoted(&mut text, sql, self.backslash_escapes);
        // As SQL, because the driver's own call would read `:name` as a placeholder.
        let sql = format!("PREPARE rds_iam FROM {text}; DEALLOCATE PREPARE rds_iam");
        let mut ahead = self.preparation(Some(statement.mode), Some(PREPARE));
        ahead.push("START TRANSACTION".to_owned());
        let outcome = match self.send(&ahead, &sql).await {
            Ok(result) => result.drop_result().await,
            Err(Failed::Ahead(error) | Failed::Itself(error)) => Err(error),
        };
        let rolled_back = self.command("the end of the preparation", "ROLLBACK").await;
        match outcome {
            Err(error) if failure::cannot_be_prepared(&error) => rolled_back,
            outcome => {
                outcome.map_err(|error| failure::query(statement, error, self.through_proxy))?;
                rolled_back
            }
        }
    }

    /// How a statement is sent: see the top of this file. Statements that return no rows need not be
    /// prepared, and some cannot: MySQL answers `SET GLOBAL` with a malformed packet.
    fn way(&self, statement: &Statement, leaves: bool) -> Way {
        const RETURNS_ROWS: [&str; 5] = ["CALL", "SELECT", "TABLE", "VALUES", "WITH"];
        let is_prepared = match statement.mode {
            Mode::Write if statement.changes_rows() => statement.has_word("RETURNING"),
            Mode::Write => RETURNS_ROWS.contains(&&*statement.main_verb()),
            // One with side effects must not be run twice.
            Mode::Read => leaves || self.floats().contains(&statement.name),
        };
        match statement.mode {
            _ if !is_prepared => Way::Text,
            _ if !self.through_proxy => Way::Prepared,
            Mode::Read if !leaves => Way::Prepared,
            Mode::Write if statement.is_atomic() && self.transaction.is_none() => Way::Alone,
            // An event's transaction is rolled back as a whole. A CALL may commit midway.
            _ => Way::Text,
        }
    }

    /// Whether an RDS Proxy pins the session that sends the statement, or the statement changes the
    /// session: then a new one is cheaper than to find out what the proxy keeps of it.
    fn spends(&self, statement: &Statement, whole: &Whole, way: Way) -> bool {
        const CHANGES: [&str; 3] = ["HANDLER", "SET", "USE"];
        matches!(way, Way::Prepared)
            || whole.sql.len() + AHEAD > ALWAYS_TAKEN
            || CHANGES.contains(&&*statement.verb())
            || pinning::reason(statement, sql::MYSQL).is_some()
    }

    /// Whether `statement` may end the open transaction.
    fn may_end_transaction(&self, statement: &Statement) -> bool {
        self.transaction.is_some() && !statement.is_atomic() && side_effects::leaves(statement)
    }

    fn floats(&self) -> MutexGuard<'_, BTreeSet<String>> {
        // Nothing panics while it holds the lock.
        self.floats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl sql_function::Connection for Connection {
    type CancelHandle = CancelHandle;
    type Bound<'a> = Bound;
    type Client = Conn;

    fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { address: self.address, thread: self.session.thread }
    }

    fn is_closed(&self) -> bool {
        self.conn.is_disconnected()
    }

    fn read_only(&self) -> Option<&'static str> {
        self.session.read_only.filter(|_| !self.through_proxy)
    }

    async fn writer(&mut self) -> Result<Option<String>, Error> {
        topology::writer(self).await
    }

    async fn check(&mut self) -> Result<(), Error> {
        // `restore` has already restored the session.
        let ping = self.conn.ping().await;
        ping.map_err(|error| {
            failure::command("the connection check", error, self.through_proxy).loses_connection()
        })
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
                return Err(unsupported::unrestricted_read(statement));
            }
            _ => {}
        }
        let whole = if self.backslash_escapes {
            literal::sql(statement, params)?
        } else {
            literal::sql(&statement.without_backslash_escapes()?, params)?
        };
        self.check_length(statement, &whole.sql).await?;
        self.check_instants(statement, params).await?;
        let leaves = side_effects::leaves(statement);
        let way = self.way(statement, leaves);
        self.spent |= self.through_proxy && self.spends(statement, &whole, way);
        let first = !std::mem::replace(&mut self.begun, true);
        if first && leaves && self.changed && !self.locks {
            // Otherwise it could see what a trigger of an earlier invocation set.
            self.reset().await?;
            if let Some(mode) = self.transaction {
                sql_function::Connection::begin(self, mode).await?;
            }
        }
        // Behind a proxy, the server's connection may be one on which another client has inserted.
        self.reset_insert_id = first && (self.changed || self.through_proxy);
        self.changed |= statement.changes_rows();
        if leaves || matches!(way, Way::Prepared) {
            if self.may_end_transaction(statement) {
                self.command("SAVEPOINT", &format!("SAVEPOINT {SAVEPOINT}")).await?;
            }
            let ahead = self.preparation(Some(statement.mode), statement.timeout);
            const WHAT: &str = "preparing the session";
            if leaves && self.identity.is_none() {
                // If this fails, the reset will find a different identity.
                self.identity = Some(String::new());
                let ask = format!("SELECT {}", self.session.identity());
                self.identity = self.query_first(WHAT, &ahead, &ask).await?;
            } else {
                self.query_first::<Row>(WHAT, &ahead, "DO 0").await?;
            }
            // A proxy may run the statement on another of the server's connections.
            self.reset_insert_id = first && self.through_proxy;
        }
        match way {
            Way::Text => return Ok(Bound::Text(whole)),
            Way::Alone => return Ok(Bound::Alone(whole)),
            Way::Prepared => {}
        }
        if unsupported::is_rewritten(&whole.sql) {
            return Err(unsupported::rewritten(statement));
        }
        match self.conn.prep(&*whole.sql).await {
            Ok(prepared) => {
                // Before it runs: a write whose result is refused must not be executed.
                let described = statement
                    .check_params(prepared.num_params().into(), 0)
                    .and_then(|()| rows.describe(named(&prepared.columns(), statement, &whole)));
                if let Err(error) = described {
                    let _ = self.conn.close(prepared).await; // or with the session
                    return Err(error);
                }
                Ok(Bound::Prepared(prepared, whole))
            }
            Err(error) if failure::cannot_be_prepared(&error) => Ok(Bound::Text(whole)),
            Err(error) => Err(failure::query(statement, error, self.through_proxy)),
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
            Bound::Alone(whole) => self.run_alone(statement, &whole, rows).await,
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
        let ahead = self.preparation(None, None);
        let begun = match self.send(&ahead, sql).await {
            Ok(result) => result.drop_result().await,
            Err(Failed::Ahead(error) | Failed::Itself(error)) => Err(error),
        };
        begun.map_err(|error| failure::begin(mode, sql, error, self.through_proxy))?;
        self.transaction = Some(mode);
        if self.update_status() == Some(true) {
            Ok(())
        } else {
            Err(failure::unexpected_status(sql))
        }
    }

    async fn commit(&mut self) -> Result<(), Error> {
        self.transaction = None;
        // Regardless of completion_type.
        let ahead = self.preparation(None, None);
        let committed = match self.send(&ahead, "COMMIT AND NO CHAIN NO RELEASE").await {
            Ok(result) => result.drop_result().await.map_err(Failed::Itself),
            Err(failed) => Err(failed),
        };
        self.update_status();
        let through_proxy = self.through_proxy;
        let committed = committed.map_err(|failed| match failed {
            Failed::Ahead(error) => {
                failure::command("COMMIT", error, through_proxy).with_fate(Fate::NotRun)
            }
            Failed::Itself(error) => failure::commit(error, through_proxy),
        });
        let committed = match committed {
            Err(error) if error.kind() == Kind::ServerReadOnly => {
                Err(self.rolled_back(error).await)
            }
            committed => committed,
        };
        committed.map_err(Error::loses_connection)
    }

    async fn rollback(&mut self) -> Result<bool, Error> {
        self.transaction = None;
        let rolled_back = self.command("ROLLBACK", "ROLLBACK AND NO CHAIN NO RELEASE").await;
        rolled_back.map_err(Error::loses_connection)?;
        if self.update_status() == Some(false) {
            // ER_WARNING_NOT_COMPLETE_ROLLBACK
            Ok(self.conn.get_warnings() == 0)
        } else {
            Err(failure::unexpected_status("ROLLBACK"))
        }
    }

    async fn try_lock(&mut self, name: &str) -> Result<bool, Error> {
        self.locks = true;
        let mut text = String::new();
        literal::write_text(&mut text, name);
        // A lock's name has at most 64 characters and is server-wide. So it includes the database's
        // name, and is hashed.
        let sql = format!(
            "SELECT GET_LOCK(CONCAT('rds-iam-lambda/', \
             LEFT(SHA2(CONCAT(DATABASE(), '/', {text}), 256), 40)), 0)"
        );
        let ahead = self.preparation(None, None);
        let taken: Option<Option<i64>> = self.query_first("GET_LOCK", &ahead, &sql).await?;
        Ok(taken.flatten() == Some(1))
    }

    async fn restore(&mut self) -> Result<(), Error> {
        self.begun = false;
        if self.through_proxy && (self.spent || self.locks) {
            if self.locks {
                // The proxy may keep the server's connection.
                self.command("releasing the locks", "DO RELEASE_ALL_LOCKS()").await?;
            }
            // A new session is not pinned.
            let message = "a pinned session is not restored through an RDS Proxy";
            return Err(Error::new(Kind::ConnectionLost, message));
        }
        if self.identity.is_some() {
            return self.reset().await;
        }
        if self.locks {
            self.command("releasing the locks", "DO RELEASE_ALL_LOCKS()").await?;
            self.locks = false;
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), Error> {
        self.command("preparing the session", transactions(Mode::Write)).await
    }

    fn client(&self) -> &Conn {
        &self.conn
    }

    fn client_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }

    async fn close(self) {
        self.conn.disconnect().await;
    }
}

impl sql_function::Examine for Connection {
    async fn server_info(&mut self) -> Result<ServerInfo, Error> {
        self.command("the diagnosis", transactions(Mode::Read)).await?;
        server_info::query(&mut self.conn)
            .await
            .map_err(|error| failure::command("the diagnosis", error, self.through_proxy))
    }

    async fn prepare(&mut self, statement: &Statement) -> Result<(), Error> {
        describe::check(self, statement).await
    }

    async fn pins(&mut self, statement: &Statement) -> Option<&'static str> {
        describe::pins(self, statement).await
    }

    async fn version(&mut self) -> Result<String, Error> {
        describe::version(self).await
    }

    async fn describe(&mut self, statement: &Statement) -> Result<Description, Error> {
        describe::describe(self, statement).await
    }
}
