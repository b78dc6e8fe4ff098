//! Statements in, rows out.
//!
//! A read, and a write that returns no rows, goes as text with its parameters as
//! [literals](crate::literal), together with what its session needs: one round trip. Whatever else
//! writes and may return rows is prepared first, so that its columns are known before it runs; and so
//! is a read that returns a FLOAT, which text would round.

mod run;

use mysql_async::consts::StatusFlags;
use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{
    Conn, Error as Failure, QueryResult, Row, Statement as Prepared, TextProtocol, from_row_opt,
};
use sql_function::diagnose::ServerInfo;
use sql_function::{
    Error, ExecResult, Fate, Kind, Mode, Param, Rows, Statement, is_reusable, named,
};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::close_on_drop::CloseOnDrop;
use crate::literal::Whole;
use crate::rows::describe;
use crate::session::{IDENTITY, MAX_PACKET, limit, transactions};
use crate::{failure, literal, server_info, side_effects, unsupported};

/// No server takes less than this in one packet, but one that was set up to take hardly anything.
const ALWAYS_TAKEN: usize = 16 << 10;
/// What goes ahead of a statement takes less.
const AHEAD: usize = 256;
/// Is gone when a procedure ended the transaction it was part of, also when it began another.
pub(crate) const SAVEPOINT: &str = "rds_iam_lambda";
/// How long the server may take to prepare a statement for a diagnosis, where it keeps to it.
const PREPARE: Duration = Duration::from_secs(5);
/// Has LAST_INSERT_ID() say what it says in a new session.
const FORGET: &str = "DO LAST_INSERT_ID(0)";

/// The names of the reads that return a FLOAT, as far as it is known.
pub(crate) type Floats = Arc<Mutex<BTreeSet<String>>>;

/// An open connection.
pub(crate) struct Connection {
    conn: CloseOnDrop,
    address: IpAddr,
    /// What a session begins with.
    startup: Arc<[String]>,
    floats: Floats,
    through_proxy: bool,
    /// The transaction that is open, and what it may do.
    transaction: Option<Mode>,
    /// How long the session lets statements run, where that is not the server's own setting.
    timeout: Option<Duration>,
    /// What a backslash in quotes is, as the server said last.
    backslash_escapes: bool,
    /// The server's `max_allowed_packet`, once it was asked.
    max_packet: Option<usize>,
    /// Whether rows were changed since the session began: LAST_INSERT_ID and what triggers set are
    /// left.
    changed: bool,
    /// Whether this invocation has run anything.
    begun: bool,
    /// Whether the next statement must not see what an earlier invocation left.
    forget: bool,
    /// Whether locks of the function's own may be held.
    locks: bool,
    /// Who the session was before anything ran that may leave traces in it.
    identity: Option<String>,
}

/// What names a connection on its server: a thread at an address.
pub(crate) struct CancelHandle {
    pub(crate) address: IpAddr,
    pub(crate) thread: u32,
}

/// A statement with its parameters, ready to run.
pub(crate) enum Bound {
    /// As text.
    Text(Whole),
    /// As the server has parsed it. The text is for preparing it anew.
    Prepared(Prepared, Whole),
}

/// Where a flight of several statements failed.
enum Failed {
    /// The server refused what goes ahead of the last one, which has not run.
    Ahead(Failure),
    /// The last one failed, or it is not known which.
    Itself(Failure),
}

impl Connection {
    /// A connection to the server at `address`, whose session has just begun with `startup`, and has
    /// this `status`.
    pub(crate) fn new(
        conn: Conn,
        status: StatusFlags,
        address: IpAddr,
        startup: Arc<[String]>,
        floats: Floats,
        through_proxy: bool,
    ) -> Connection {
        Connection {
            conn: CloseOnDrop::new(conn),
            address,
            startup,
            floats,
            through_proxy,
            transaction: None,
            timeout: None,
            backslash_escapes: !status.contains(StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES),
            max_packet: None,
            changed: false,
            begun: false,
            forget: false,
            locks: false,
            identity: None,
        }
    }

    /// Looks at what the server said of the session with its last answer: whether a transaction is
    /// open. An error says nothing.
    fn look(&mut self) -> Option<bool> {
        let status = self.conn.last_ok_packet()?.status_flags();
        self.backslash_escapes = !status.contains(StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES);
        Some(status.contains(StatusFlags::SERVER_STATUS_IN_TRANS))
    }

    /// What has to go ahead of a statement, so that the session lets it do what its mode says and no
    /// more, for as long as it may. The mode is told each time: it costs nothing.
    fn ahead(&mut self, mode: Option<Mode>, timeout: Option<Duration>) -> Vec<String> {
        let mode =
            mode.filter(|_| self.transaction.is_none()).map(|mode| transactions(mode).to_owned());
        let limit = (self.timeout != timeout).then(|| limit(timeout));
        self.timeout = timeout;
        let forget = std::mem::take(&mut self.forget).then(|| FORGET.to_owned());
        mode.into_iter().chain(limit).chain(forget).collect()
    }

    /// Sends statements in one packet. Gives the result of the last one.
    async fn send(
        &mut self,
        ahead: &[String],
        sql: &str,
    ) -> Result<QueryResult<'_, 'static, TextProtocol>, Failed> {
        let mut text = ahead.join("; ");
        if !text.is_empty() {
            text += "; ";
        }
        text += sql;
        // All of it is in one packet: only the server's own answer says that the last one has not run.
        let failed = |at: usize, failure| match failure {
            Failure::Server(_) if at < ahead.len() => Failed::Ahead(failure),
            failure => Failed::Itself(failure),
        };
        let mut result = self.conn.query_iter(text).await.map_err(|error| failed(0, error))?;
        for at in 0..ahead.len() {
            // Each has a result without columns, and the next one's follows. An error in its place is
            // the answer to asking for more.
            result.next().await.map_err(|error| failed(at, error))?;
            if result.columns().is_none() {
                result.next().await.map_err(|error| failed(at + 1, error))?;
            }
        }
        Ok(result)
    }

    /// The first row that a command of the function's own gives, with what goes ahead of it.
    async fn ask<T: FromRow>(
        &mut self,
        what: &'static str,
        ahead: &[String],
        sql: &str,
    ) -> Result<Option<T>, Error> {
        let failed = |error| failure::command(what, error);
        let row = {
            let mut result = self.send(ahead, sql).await.map_err(|error| match error {
                Failed::Ahead(error) => failed(error).fated(Fate::NotRun).loses_connection(),
                Failed::Itself(error) => failed(error),
            })?;
            let row = result.next().await.map_err(failed)?;
            result.drop_result().await.map_err(failed)?;
            row
        };
        self.look();
        Ok(row.and_then(|row| from_row_opt(row).ok()))
    }

    /// Runs a command of the function's own.
    async fn command(&mut self, what: &'static str, sql: &str) -> Result<(), Error> {
        let ahead = self.ahead(None, None);
        self.ask::<Row>(what, &ahead, sql).await.map(drop)
    }

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
        Err(failure::too_long(&named!("statement {:?} with its parameters", statement.name), taken))
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

    fn floats(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        // No code panics while it holds the lock.
        self.floats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of a new login, on the same connection.
    async fn reset(&mut self) -> Result<(), Error> {
        const WHAT: &str = "the reset of the session";
        let lost = |why: &str| Error::new(Kind::ConnectionLost, named!("{WHAT} {why}"));
        match self.conn.reset().await {
            Ok(true) => {}
            Ok(false) => return Err(lost("is not known to the server")),
            Err(error) => return Err(failure::command(WHAT, error).loses_connection()),
        }
        let startup = self.conn.query_drop(self.startup.join("; ")).await;
        startup.map_err(|error| failure::command(WHAT, error).loses_connection())?;
        self.look();
        self.timeout = None;
        (self.changed, self.forget, self.locks) = (false, false, false);
        if let Some(identity) = self.identity.take() {
            let sql = format!("{IDENTITY}, @@init_connect");
            let now = self.ask::<(String, String)>(WHAT, &[], &sql);
            match now.await.map_err(Error::loses_connection)? {
                // What init_connect does is done at a login alone.
                Some((now, init)) if now == identity && init.is_empty() => {}
                _ => return Err(lost("leaves a role, or what init_connect does")),
            }
        }
        Ok(())
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
