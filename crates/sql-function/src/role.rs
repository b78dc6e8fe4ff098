//! The connections to the servers of one endpoint: to the writer's, or to the readers'.
//!
//! There is at most one for each event that runs at once. A connection is taken out for work, and put back
//! only if it is known to be in sync with the server.

use serde::Serialize;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::deadline::{Deadline, millis, timed_out};
use crate::driver::{Connection, Connector};
use crate::error::{Error, Kind};
use crate::log_in::{Random, log_in};
use crate::login::Login;
use crate::statement::Statement;

/// A connection that was idle for this long is checked before it is used: the environment may have
/// been frozen, and the server may have closed it.
const CHECK_AFTER: Duration = Duration::from_secs(1);
/// How long that check may take before the connection counts as closed.
const CHECK_LIMIT: Duration = Duration::from_secs(1);

/// How an invocation got its connection, for its response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Obtained {
    /// Whether an earlier invocation used it.
    pub reused: bool,
    /// How long opening it took, in milliseconds; 0 if it is reused. The first invocation reports
    /// the login during initialization.
    pub connect_ms: f64,
}

impl Obtained {
    /// From an earlier invocation.
    pub(crate) const REUSED: Obtained = Obtained { reused: true, connect_ms: 0.0 };
}

/// A connection that is in sync with the server.
pub(crate) struct Open<C: Connector> {
    /// The connection.
    pub connection: C::Connection,
    /// What opened it, and can cancel what runs on it.
    pub connector: Arc<C>,
    /// How the invocation gets it.
    pub obtained: Obtained,
    /// Why its server takes no writes, as far as is known.
    pub read_only: Option<&'static str>,
    /// When another server was looked for in vain that does.
    pub sought: Option<SystemTime>,
}

impl<C: Connector> Open<C> {
    /// A connection that `connector` has opened since `start`.
    pub(crate) fn new(connection: C::Connection, connector: Arc<C>, start: Instant) -> Open<C> {
        let obtained = Obtained { reused: false, connect_ms: millis(start.elapsed()) };
        let read_only = connection.read_only();
        Open { connection, connector, obtained, read_only, sought: None }
    }
}

/// A connection that nobody uses.
struct Idle<C: Connector> {
    open: Open<C>,
    /// Time of day, because the monotonic clock may stop while an environment is frozen.
    since: SystemTime,
}

/// The connections to the servers of one endpoint.
pub(crate) struct Role<C: Connector> {
    connector: Arc<C>,
    /// Used last in, first out.
    idle: Mutex<Vec<Idle<C>>>,
    /// One permit for each connection that invocations may have at once.
    free: Arc<Semaphore>,
    random: Random,
}

impl<C: Connector> Role<C> {
    /// No connections yet, for `at_once` invocations at a time.
    pub(crate) fn new(connector: C, at_once: NonZeroUsize, random: Random) -> Role<C> {
        let free = Arc::new(Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS)));
        Role { connector: Arc::new(connector), idle: Mutex::default(), free, random }
    }

    /// The login at the endpoint.
    pub(crate) fn login(&self) -> &Login {
        self.connector.login()
    }

    /// Opens connections to the endpoint.
    pub(crate) fn connector(&self) -> &Arc<C> {
        &self.connector
    }

    /// Whether a connection leads where the endpoint has led, and not to a writer that was found elsewhere.
    pub(crate) fn has_opened(&self, open: &Open<C>) -> bool {
        Arc::ptr_eq(&open.connector, &self.connector)
    }

    /// A random number.
    pub(crate) fn random(&self) -> u64 {
        (self.random)()
    }

    /// Waits for a place among the connections that invocations may have at once.
    ///
    /// # Errors
    /// [`Kind::Timeout`]; [`Kind::ConnectionLost`] if the environment is shutting down.
    pub(crate) async fn permit(&self, deadline: Deadline) -> Result<OwnedSemaphorePermit, Error> {
        let waiting = || timed_out("the wait for a connection that another invocation uses");
        let permit = deadline.wait(self.free.clone().acquire_owned()).await.ok_or_else(waiting)?;
        permit.map_err(|_closed| {
            Error::new(Kind::ConnectionLost, "the execution environment is shutting down")
                .advice("send the event again: nothing was run")
        })
    }

    /// The last idle connection that is `wanted`, or else the last one, if it is alive and its session
    /// [suits](Connection::suits) the statements.
    pub(crate) async fn idle(
        &self,
        statements: &[&Statement],
        wanted: impl Fn(&Open<C>) -> bool,
        deadline: Deadline,
    ) -> Option<Open<C>> {
        let last = self.take(wanted).filter(|idle| idle.open.connection.suits(statements));
        self.alive(last?, deadline).await
    }

    /// Opens a connection. A denied login is tried again if `retry_denied`.
    ///
    /// # Errors
    /// Those of [`Connector::connect`].
    pub(crate) async fn log_in(
        &self,
        deadline: Deadline,
        retry_denied: bool,
    ) -> Result<Open<C>, Error> {
        let start = Instant::now();
        // Boxed: its future is large, and a warm event does not need it.
        let connection = Box::pin(log_in(&*self.connector, self.random, deadline, retry_denied));
        let connection = connection.await?;
        Ok(Open::new(connection, self.connector.clone(), start))
    }

    /// Keeps a connection for the next work.
    pub(crate) fn put(&self, open: Open<C>) {
        let since = self.now();
        self.lock().push(Idle { open, since });
    }

    /// Closes the idle connections to servers that take no writes.
    pub(crate) fn forget_read_only(&self) {
        self.lock().retain(|idle| idle.open.read_only.is_none());
    }

    /// Accepts no more work. Returns the idle connections.
    pub(crate) fn close(&self) -> Vec<C::Connection> {
        self.free.close();
        std::mem::take(&mut *self.lock()).into_iter().map(|idle| idle.open.connection).collect()
    }

    /// The time of day.
    pub(crate) fn now(&self) -> SystemTime {
        (self.login().clock)()
    }

    fn take(&self, wanted: impl Fn(&Open<C>) -> bool) -> Option<Idle<C>> {
        let mut idle = self.lock();
        match idle.iter().rposition(|idle| wanted(&idle.open)) {
            Some(at) => Some(idle.remove(at)),
            None => idle.pop(),
        }
    }

    /// The connection, if it is usable: checked in one round trip, unless it was used a moment ago.
    async fn alive(&self, idle: Idle<C>, deadline: Deadline) -> Option<Open<C>> {
        let Idle { mut open, since } = idle;
        // If the clock was set back, check.
        let unused = self.now().duration_since(since).unwrap_or(CHECK_AFTER);
        let check = deadline.at_most(Some(CHECK_LIMIT));
        let is_alive = !open.connection.is_closed()
            && (unused < CHECK_AFTER
                || check
                    .bound(|| "the connection check".into(), open.connection.check())
                    .await
                    .is_ok());
        if !is_alive {
            tracing::debug!("the idle connection is closed; connecting again");
        }
        is_alive.then_some(open)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        // Nothing panics while it holds the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
