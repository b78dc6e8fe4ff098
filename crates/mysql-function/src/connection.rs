//! An open connection, what is known of its session, and how commands are sent on it.

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
use crate::session::{IDENTITY, limit, transactions};

/// Has LAST_INSERT_ID() say what it says in a new session.
const FORGET: &str = "DO LAST_INSERT_ID(0)";

/// The names of the reads that return a FLOAT, as far as it is known.
pub(crate) type Floats = Arc<Mutex<BTreeSet<String>>>;

/// An open connection.
pub(crate) struct Connection {
    pub(crate) conn: CloseOnDrop,
    pub(crate) address: IpAddr,
    /// What a session begins with.
    pub(crate) startup: Arc<[String]>,
    pub(crate) floats: Floats,
    pub(crate) through_proxy: bool,
    /// The transaction that is open, and what it may do.
    pub(crate) transaction: Option<Mode>,
    /// How long the session lets statements run, where that is not the server's own setting.
    pub(crate) timeout: Option<Duration>,
    /// What a backslash in quotes is, as the server said last.
    pub(crate) backslash_escapes: bool,
    /// The server's `max_allowed_packet`, once it was asked.
    pub(crate) max_packet: Option<usize>,
    /// Whether rows were changed since the session began: LAST_INSERT_ID and what triggers set are
    /// left.
    pub(crate) changed: bool,
    /// Whether this invocation has run anything.
    pub(crate) begun: bool,
    /// Whether the next statement must not see what an earlier invocation left.
    pub(crate) forget: bool,
    /// Whether locks of the function's own may be held.
    pub(crate) locks: bool,
    /// Who the session was before anything ran that may leave traces in it.
    pub(crate) identity: Option<String>,
}

/// What names a connection on its server: a thread at an address.
pub(crate) struct CancelHandle {
    pub(crate) address: IpAddr,
    pub(crate) thread: u32,
}

/// Where statements that were sent in one packet failed.
pub(crate) enum Failed {
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
    pub(crate) fn look(&mut self) -> Option<bool> {
        let status = self.conn.last_ok_packet()?.status_flags();
        self.backslash_escapes = !status.contains(StatusFlags::SERVER_STATUS_NO_BACKSLASH_ESCAPES);
        Some(status.contains(StatusFlags::SERVER_STATUS_IN_TRANS))
    }

    /// What has to go ahead of a statement, so that the session lets it do what its mode says and no
    /// more, for as long as it may. The mode is told each time: it costs nothing.
    pub(crate) fn ahead(&mut self, mode: Option<Mode>, timeout: Option<Duration>) -> Vec<String> {
        let mode =
            mode.filter(|_| self.transaction.is_none()).map(|mode| transactions(mode).to_owned());
        let limit = (self.timeout != timeout).then(|| limit(timeout));
        self.timeout = timeout;
        let forget = std::mem::take(&mut self.forget).then(|| FORGET.to_owned());
        mode.into_iter().chain(limit).chain(forget).collect()
    }

    /// Sends statements in one packet. Gives the result of the last one.
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
    pub(crate) async fn ask<T: FromRow>(
        &mut self,
        what: &'static str,
        ahead: &[String],
        sql: &str,
    ) -> Result<Option<T>, Error> {
        let failed = |error| failure::command(what, error);
        let row = {
            let mut result = self.send(ahead, sql).await.map_err(|error| match error {
                Failed::Ahead(error) => failed(error).with_fate(Fate::NotRun).loses_connection(),
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
    pub(crate) async fn command(&mut self, what: &'static str, sql: &str) -> Result<(), Error> {
        let ahead = self.ahead(None, None);
        self.ask::<Row>(what, &ahead, sql).await.map(drop)
    }

    /// The session of a new login, on the same connection.
    pub(crate) async fn reset(&mut self) -> Result<(), Error> {
        const WHAT: &str = "the reset of the session";
        let lost = |why: &str| Error::new(Kind::ConnectionLost, loggable!("{WHAT} {why}"));
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
