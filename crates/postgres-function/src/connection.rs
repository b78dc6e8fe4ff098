//! An open connection, and what is known of its session.

use sql_function::{Error, Mode, Statement};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use tokio_postgres::{CancelToken, Client, Error as Failure, Statement as Prepared};

use crate::close_on_drop::ConnectionTask;
use crate::failure;
use crate::session::{RESET, Sent, State};

/// An open connection. A statement that reads runs in a read-only transaction of its own.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) task: ConnectionTask,
    pub(crate) address: IpAddr,
    /// Whether an RDS Proxy is in between: what sets a session, or resets it, would keep the server's
    /// connection for this one alone.
    pub(crate) proxied: bool,
    /// What the server has parsed, by the statement's name.
    pub(crate) prepared: HashMap<String, Prepared>,
    /// What of it this invocation had parsed: it cannot be out of date.
    pub(crate) fresh: HashSet<String>,
    pub(crate) transaction: Option<Mode>,
    pub(crate) state: State,
    /// Whether the role's transactions begin read-only, by its own setting.
    pub(crate) role_reads: bool,
    /// The settings of the users' own that the session has had.
    pub(crate) custom: BTreeSet<String>,
}

/// What names a connection on its server: a process at an address, and its secret key.
pub(crate) struct CancelHandle {
    pub(crate) address: IpAddr,
    pub(crate) token: CancelToken,
}

impl Connection {
    /// A connection to the server at `address`, whose session has just begun.
    pub(crate) fn new(
        client: Client,
        task: ConnectionTask,
        address: IpAddr,
        proxied: bool,
        role_reads: bool,
    ) -> Connection {
        Connection {
            client,
            task,
            address,
            proxied,
            prepared: HashMap::new(),
            fresh: HashSet::new(),
            transaction: None,
            state: State::New,
            role_reads,
            custom: BTreeSet::new(),
        }
    }

    pub(crate) async fn prepared(&mut self, statement: &Statement) -> Result<Prepared, Error> {
        if let Some(prepared) = self.prepared.get(&statement.name) {
            return Ok(prepared.clone());
        }
        match self.client.prepare(&statement.sql).await {
            Ok(prepared) => {
                self.prepared.insert(statement.name.clone(), prepared.clone());
                self.fresh.insert(statement.name.clone());
                Ok(prepared)
            }
            Err(failure) => {
                // The driver's own questions about types are gone with the rest.
                let lost = failure::is_forgotten(&failure);
                let error = failure::query(statement, failure);
                Err(if lost { error.stale().loses_connection() } else { error })
            }
        }
    }

    /// Forgets what the server has parsed, and which types there are.
    pub(crate) fn forget(&mut self) {
        self.prepared.clear();
        self.client.clear_type_cache();
    }

    /// `commands` that end an event's work, and what restores the session after them.
    pub(crate) fn closing(&self, commands: &str) -> String {
        match (self.proxied, commands) {
            (true, _) => commands.to_owned(),
            (false, "") => RESET.to_owned(),
            (false, _) => format!("{commands}; {RESET}"),
        }
    }

    /// Takes in the answer to a [`closing`](Self::closing) of `own` commands: whether a transaction is
    /// open after all.
    ///
    /// # Errors
    /// One of those commands failed. When the server only did not restore the session, what it
    /// carried out stays.
    pub(crate) fn closed(&mut self, sent: Sent, own: usize) -> Result<bool, Failure> {
        if sent.done < own
            && let Some(error) = sent.error
        {
            return Err(error);
        }
        if self.proxied {
            return Ok(false);
        }
        let (state, open) = sent.state();
        if !matches!(self.state, State::Lost(_)) {
            self.state = state;
        }
        Ok(open)
    }

    /// The session is no longer that of a new login.
    pub(crate) fn changes(&mut self) {
        if self.state == State::New {
            self.state = State::Changed;
        }
    }
}
