//! An open connection, the state of its session, and how commands are sent.

use mysql_async::consts::StatusFlags;
use mysql_async::prelude::{FromRow, Queryable};
use mysql_async::{Conn, Error as Failure, QueryResult, Row, TextProtocol, from_row_opt};
use sql_function::{Error, Fate, Kind, Mode, loggable};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::close_on_drop::CloseOnDrop;
use crate::failure;
use crate::session::{Session, limit, transactions};

/// Resets LAST_INSERT_ID() to its value in a new session.
const RESET_INSERT_ID: &str = "DO LAST_INSERT_ID(0)";

/// The names of reads that are known to return a FLOAT.
pub(crate) type Floats = Arc<Mutex<BTreeSet<String>>>;

/// An open connection.
pub struct Connection {
    pub(crate) conn: CloseOnDrop,
    pub(crate) address: IpAddr,
    pub(crate) session: Session,
    /// The statements that set up a session.
    pub(crate) startup: Arc<[String]>,
    pub(crate) floats: Floats,
    pub(crate) through_proxy: bool,
    /// The mode of the open transaction.
    pub(crate) transaction: Option<Mode>,
    /// The session's time limit for statements, if it is not the server's default.
    pub(crate) timeout: Option<Duration>,
    /// Whether backslashes escape, by the server's last status.
    pub(crate) backslash_escapes: bool,
    /// The server's `max_allowed_packet`, once it was queried.
    pub(crate) max_packet: Option<usize>,
    /// Whether rows were changed since the last reset: LAST_INSERT_ID and effects of triggers
    /// remain.
    pub(crate) changed: bool,
    /// Whether this invocation has run a statement.
    pub(crate) begun: bool,
    /// Whether LAST_INSERT_ID must be reset before the next statement.
    pub(crate) reset_insert_id: bool,
    /// Whether the function's own locks may be held.
    pub(crate) locks: bool,
    /// Whether an RDS Proxy has pinned the session, or only a new one is without what a statement
    /// left.
    pub(crate) spent: bool,
    /// The session's user and role before the first statement that may have side effects on it.
    pub(crate) identity: Option<String>,
}

/// Identifies a connection on its server: an address and a connection id.
pub struct CancelHandle {
    pub(crate) address: IpAddr,
    pub(crate) thread: u64,
}

/// Which of several statements in one packet failed.
pub(crate) enum Failed {
    /// One before the last. The last one was not run.
    Ahead(Failure),
    /// The last one, or it is not known which.
    Itself(Failure),
}

impl Connection {
    /// A connection to the server at `address`, whose session was just set up with `startup`.
    pub(crate) fn new(
        conn: Conn,
        session: Session,
        status: StatusFlags,
        address: IpAddr,
        startup: Arc<[String]>,
        floats: Floats,
        through_proxy: bool,
    ) -> Connection {
        Connection {
            conn: CloseOnDrop::new(conn),
            address,
            session,
            startup,
            floats,
            through_proxy,
            transaction: None,
            timeout: None,
            backslash_escapes: !status.contains(StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES),
            max_packet: None,
            changed: false,
            begun: false,
            reset_insert_id: false,
            locks: false,
            spent: false,
            identity: None,
        }
    }

    /// Reads the status in the server's last answer: whether a transaction is open. `None` after an
    /// error.
    pub(crate) fn update_status(&mut self) -> Option<bool> {
        let status = self.conn.last_ok_packet()?.status_flags();
        self.backslash_escapes = !status.contains(StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES);
        Some(status.contains(StatusFlags::SERVER_STATUS_IN_TRANS))
    }

    /// The statements that must precede one of this mode and time limit. The mode is always
    /// included: it costs no round trip.
    pub(crate) fn preparation(
        &mut self,
        mode: Option<Mode>,
        timeout: Option<Duration>,
    ) -> Vec<String> {
        let mode =
            mode.filter(|_| self.transaction.is_none()).map(|mode| transactions(mode).to_owned());
        let timeout = timeout.filter(|_| !self.through_proxy);
        let limit = (self.timeout != timeout).then(|| limit(timeout));
        self.timeout = timeout;
        let reset = std::mem::take(&mut self.reset_insert_id).then(|| RESET_INSERT_ID.to_owned());
        mode.into_iter().chain(limit).chain(reset).collect()
    }

    /// Sends statements in one packet. Returns the result of the last one.
    pub(crate) async fn send(
        &mut self,
        ahead: &[String],
        sql: &str,
    ) -> Result<QueryResult<'_, 'static, TextProtocol>, Failed> {
        let mut text = ahead.join("; ");
        if !text.is_empty() {
            text += "; ";
        }
        text += sql;
        // Only an answer of the server shows that the last one was not run.
        let failed = |at: usize, failure| match failure {
            Failure::Server(_) if at < ahead.len() => Failed::Ahead(failure),
            failure => Failed::Itself(failure),
        };
        let mut result = self.conn.query_iter(text).await.map_err(|error| failed(0, error))?;
        for at in 0..ahead.len() {
            // Each has a result without columns. Reading the next result fails if its statement
            // failed.
            result.next().await.map_err(|error| failed(at, error))?;
            if result.columns().is_none() {
                result.next().await.map_err(|error| failed(at + 1, error))?;
            }
        }
        Ok(result)
    }

    /// The first row of one of the function's own commands, after the statements `ahead`.
    pub(crate) async fn query_first<T: FromRow>(
        &mut self,
        what: &'static str,
        ahead: &[String],
        sql: &str,
    ) -> Result<Option<T>, Error> {
        let through_proxy = self.through_proxy;
        let failed = |error| failure::command(what, error, through_proxy);
        let row = {
            let mut result = self.send(ahead, sql).await.map_err(|error| match error {
                Failed::Ahead(error) => failed(error).with_fate(Fate::NotRun).loses_connection(),
                Failed::Itself(error) => failed(error),
            })?;
            let row = result.next().await.map_err(failed)?;
            result.drop_result().await.map_err(failed)?;
            row
        };
        self.update_status();
        Ok(row.and_then(|row| from_row_opt(row).ok()))
    }

    /// The error of a COMMIT that the server refused because it takes no more writes. It has rolled the
    /// transaction back, but keeps what was written to tables without transactions, which must not be
    /// written again. A proxy may send the question to another server.
    pub(crate) async fn rolled_back(&mut self, error: Error) -> Error {
        /// `ER_WARNING_NOT_COMPLETE_ROLLBACK`
        const NOT_COMPLETE: u32 = 1196;
        if self.through_proxy {
            return error;
        }
        let warnings = self.conn.query::<(String, u32, String), _>("SHOW WARNINGS").await;
        match warnings {
            Ok(warnings) if warnings.iter().all(|(_, code, _)| *code != NOT_COMPLETE) => error,
            Ok(_) | Err(_) => error
                .with("; what was written to tables without transactions was not rolled back")
                .with_fate(Fate::Unknown),
        }
    }

    /// Runs one of the function's own commands.
    pub(crate) async fn command(&mut self, what: &'static str, sql: &str) -> Result<(), Error> {
        let ahead = self.preparation(None, None);
        self.query_first::<Row>(what, &ahead, sql).await.map(drop)
    }

    /// Replaces the session with a new one on the same connection (COM_RESET_CONNECTION).
    pub(crate) async fn reset(&mut self) -> Result<(), Error> {
        const WHAT: &str = "the session reset";
        let lost = |why: &str| Error::new(Kind::ConnectionLost, loggable!("{WHAT} {why}"));
        match self.conn.reset().await {
            Ok(true) => {}
            Ok(false) => return Err(lost("is not supported by the server")),
            Err(error) => {
                return Err(failure::command(WHAT, error, self.through_proxy).loses_connection());
            }
        }
        let startup = self.conn.query_drop(self.startup.join("; ")).await;
        startup.map_err(|error| {
            failure::command(WHAT, error, self.through_proxy).loses_connection()
        })?;
        self.update_status();
        self.timeout = None;
        (self.changed, self.reset_insert_id, self.locks) = (false, false, false);
        if let Some(identity) = self.identity.take() {
            let sql = format!("SELECT {}, @@init_connect", self.session.identity());
            let now = self.query_first::<(String, String)>(WHAT, &[], &sql);
            match now.await.map_err(Error::loses_connection)? {
                // init_connect runs only at a login.
                Some((now, init)) if now == identity && init.is_empty() => {}
                _ => return Err(lost("does not restore the role, or the effects of init_connect")),
            }
        }
        Ok(())
    }
}
