//! An open connection and the state of its session.

use sql_function::{Declared, Error, Mode, ParamType, Scalar, Statement};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client, Error as Failure, Statement as Prepared};

use crate::ahead::Ahead;
use crate::close_on_drop::ConnectionTask;
use crate::failure;
use crate::session::{Defaults, RESET, Sent, State};

/// An open connection.
pub struct Connection {
    pub(crate) client: Client,
    pub(crate) task: ConnectionTask,
    pub(crate) address: IpAddr,
    /// Whether the endpoint is an RDS Proxy, which pins a session that is changed or reset.
    pub(crate) through_proxy: bool,
    /// What may run in the flight of its preparation; `None` through an RDS Proxy.
    pub(crate) ahead: Option<Arc<Ahead>>,
    /// The prepared statements, by name.
    pub(crate) prepared: HashMap<String, Prepared>,
    /// The statements that this invocation prepared: they cannot be out of date.
    pub(crate) fresh: HashSet<String>,
    pub(crate) transaction: Option<Mode>,
    pub(crate) state: State,
    /// Whether locks of the session may be held.
    pub(crate) locks: bool,
    /// Whether the role's own setting makes its transactions read-only by default.
    pub(crate) role_reads: bool,
    /// Why the server accepts no writes, by what it said at the login.
    pub(crate) read_only: Option<&'static str>,
    /// The custom settings that were set in the session.
    pub(crate) custom: BTreeSet<String>,
}

/// Identifies a connection on its server: an address, a process id and a secret key.
pub struct CancelHandle {
    pub(crate) address: IpAddr,
    pub(crate) token: CancelToken,
}

impl Connection {
    /// A new connection to the server at `address`, through an RDS Proxy if nothing runs `ahead`.
    pub(crate) fn new(
        client: Client,
        task: ConnectionTask,
        address: IpAddr,
        ahead: Option<Arc<Ahead>>,
        defaults: Defaults,
    ) -> Connection {
        let Defaults { role_reads, read_only } = defaults;
        Connection {
            client,
            task,
            address,
            through_proxy: ahead.is_none(),
            ahead,
            prepared: HashMap::new(),
            fresh: HashSet::new(),
            transaction: None,
            state: State::New,
            locks: false,
            role_reads,
            read_only,
            custom: BTreeSet::new(),
        }
    }

    pub(crate) async fn prepared(&mut self, statement: &Statement) -> Result<Prepared, Error> {
        if let Some(prepared) = self.prepared.get(&statement.name) {
            return Ok(prepared.clone());
        }
        match self.prepare_anew(statement).await {
            Ok(prepared) => {
                self.prepared.insert(statement.name.clone(), prepared.clone());
                self.fresh.insert(statement.name.clone());
                Ok(prepared)
            }
            Err(failure) => {
                // The driver's own prepared queries for types are lost too.
                let lost = failure::is_forgotten(&failure);
                let error = failure::query(statement, failure, self.through_proxy);
                Err(if lost { error.stale().loses_connection() } else { error })
            }
        }
    }

    /// Has the server parse `statement`, with the [`types`] of its parameters.
    pub(crate) async fn prepare_anew(&self, statement: &Statement) -> Result<Prepared, Failure> {
        self.client.prepare_typed(&statement.sql, &types(statement)).await
    }

    /// Forgets the prepared statements and the types.
    pub(crate) fn forget(&mut self) {
        self.prepared.clear();
        self.client.clear_type_cache();
    }

    /// `commands` that end an event's work, followed by those that restore the session.
    pub(crate) fn closing(&self, commands: &str) -> String {
        match (self.through_proxy, commands) {
            (true, _) => commands.to_owned(),
            (false, "") => RESET.to_owned(),
            (false, _) => format!("{commands}; {RESET}"),
        }
    }

    /// Handles the answer to [`closing`](Self::closing) commands, of which `own` are before the
    /// reset. Returns whether a transaction is still open.
    ///
    /// # Errors
    /// One of those commands failed. A failed reset is no error: what was executed is permanent.
    pub(crate) fn closed(&mut self, sent: Sent, own: usize) -> Result<bool, Failure> {
        if sent.done < own
            && let Some(error) = sent.error
        {
            return Err(error);
        }
        if self.through_proxy {
            return Ok(false);
        }
        let (state, open) = sent.state();
        if !matches!(self.state, State::Lost(_)) {
            self.state = state;
        }
        Ok(open)
    }

    /// Marks the session as changed.
    pub(crate) fn mark_changed(&mut self) {
        if self.state == State::New {
            self.state = State::Changed;
        }
    }
}

/// The types of the declared parameters. The server infers them, except that an instant is a
/// `timestamptz`: a `timestamp` would ignore its offset.
pub(crate) fn types(statement: &Statement) -> Vec<Type> {
    let of = |declared: &Declared| match declared.param_type {
        ParamType { scalar: Scalar::Timestamp, is_array: false, .. } => Type::TIMESTAMPTZ,
        ParamType { scalar: Scalar::Timestamp, is_array: true, .. } => Type::TIMESTAMPTZ_ARRAY,
        _ => Type::UNKNOWN,
    };
    statement.declared.iter().map(of).collect()
}
