//! The connections of an execution environment: opened before the first event or on demand, reused
//! by later events, and dropped when they may be out of sync.
//!
//! Lambda sends one event at a time, so there is one connection. Lambda Managed Instances send
//! several at once, and there are at most as many connections as events.
//!
//! An invocation takes a connection out of the [`Pool`] and returns it only if it is known to be in
//! sync with the server. A connection that is dropped by a timeout, a canceled future or a panic is
//! therefore never used again.

use serde::Serialize;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

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
/// How long closing the connections may take, unless Lambda kills the process sooner.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);

/// How an invocation got its connection, for its response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Obtained {
    /// Whether an earlier invocation used it.
    pub reused: bool,
    /// How long opening it took, in milliseconds; 0 if it is reused. The first invocation reports
    /// the login during initialization.
    pub connect_ms: f64,
}

/// A connection that is in sync with the server.
struct Idle<C> {
    connection: C,
    /// Time of day, because the monotonic clock may stop while an environment is frozen.
    since: SystemTime,
    obtained: Obtained,
}

/// A connection that belongs to one invocation until it is dropped or [released](Pool::release).
pub(crate) struct Lease<C> {
    /// The connection.
    pub connection: C,
    /// How the invocation got it.
    pub obtained: Obtained,
    /// Its place among the connections that invocations may have at once.
    pub permit: OwnedSemaphorePermit,
}

/// The connections of an execution environment.
pub(crate) struct Pool<C: Connector> {
    connector: C,
    /// Used last in, first out.
    idle: Mutex<Vec<Idle<C::Connection>>>,
    /// One permit for each connection that invocations may have at once.
    free: Arc<Semaphore>,
    random: Random,
}

impl<C: Connector> Pool<C> {
    /// A pool without connections, for `at_once` invocations at a time.
    pub(crate) fn new(connector: C, at_once: NonZeroUsize, random: Random) -> Pool<C> {
        let free = Arc::new(Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS)));
        Pool { connector, idle: Mutex::default(), free, random }
    }

    /// The login of its connections.
    pub(crate) fn login(&self) -> &Login {
        self.connector.login()
    }

    /// Opens its connections.
    pub(crate) fn connector(&self) -> &C {
        &self.connector
    }

    /// Opens a connection before the first event. A denied login is not retried here: the first
    /// event has more time.
    ///
    /// # Errors
    /// Those of [`Connector::connect`]. The next [`acquire`](Pool::acquire) tries again.
    pub(crate) async fn warm_up(&self, deadline: Deadline) -> Result<(), Error> {
        let idle = self.connect(deadline, false).await?;
        self.idle().push(idle);
        Ok(())
    }

    /// A connection for one invocation that runs `statements`: an idle one, or a new one if there
    /// is none, it is closed, or its session does not [suit](Connection::suits) them. Return it
    /// with [`release`](Pool::release).
    ///
    /// # Errors
    /// Those of [`Connector::connect`].
    pub(crate) async fn acquire(
        &self,
        statements: &[&Statement],
        deadline: Deadline,
    ) -> Result<Lease<C::Connection>, Error> {
        let waiting = || timed_out("the wait for a connection that another invocation uses");
        let permit = deadline.wait(self.free.clone().acquire_owned()).await.ok_or_else(waiting)?;
        let permit = permit.map_err(|_closed| {
            Error::new(Kind::ConnectionLost, "the execution environment is shutting down")
                .advice("send the event again: nothing was run")
        })?;
        let last = self.idle().pop();
        if let Some(mut idle) = last.filter(|idle| idle.connection.suits(statements)) {
            if self.is_alive(&mut idle, deadline).await {
                let Idle { connection, obtained, .. } = idle;
                return Ok(Lease { connection, obtained, permit });
            }
            tracing::debug!("the idle connection is closed; connecting again");
        }
        let Idle { connection, obtained, .. } = self.connect(deadline, true).await?;
        Ok(Lease { connection, obtained, permit })
    }

    /// Returns a connection that is in sync with the server.
    pub(crate) fn release(&self, lease: Lease<C::Connection>) {
        let obtained = Obtained { reused: true, connect_ms: 0.0 };
        let (connection, since) = (lease.connection, self.now());
        self.idle().push(Idle { connection, since, obtained });
    }

    /// Closes all idle connections within the time that is `left`. No more are acquired afterwards.
    pub(crate) async fn close(&self, left: Duration) {
        self.free.close();
        let idle = std::mem::take(&mut *self.idle());
        let count = idle.len();
        let leave = async {
            for idle in idle {
                idle.connection.close().await;
            }
        };
        let in_time = timeout(CLOSE_LIMIT.min(left), leave).await.is_ok();
        tracing::info!(connections = count, in_time, "closed the connections");
    }

    /// Whether the connection is usable: checked in one round trip, unless it was used a moment
    /// ago.
    async fn is_alive(&self, idle: &mut Idle<C::Connection>, deadline: Deadline) -> bool {
        if idle.connection.is_closed() {
            return false;
        }
        // If the clock was set back, check.
        let unused = self.now().duration_since(idle.since).unwrap_or(CHECK_AFTER);
        unused < CHECK_AFTER || {
            let check = deadline.at_most(Some(CHECK_LIMIT));
            check.bound(|| "the connection check".into(), idle.connection.check()).await.is_ok()
        }
    }

    /// Opens a connection. A denied login is tried again if `retry_denied`.
    async fn connect(
        &self,
        deadline: Deadline,
        retry_denied: bool,
    ) -> Result<Idle<C::Connection>, Error> {
        let start = Instant::now();
        let connection = log_in(&self.connector, self.random, deadline, retry_denied).await?;
        let obtained = Obtained { reused: false, connect_ms: millis(start.elapsed()) };
        Ok(Idle { connection, since: self.now(), obtained })
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C::Connection>>> {
        // Nothing panics while it holds the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> SystemTime {
        (self.login().clock)()
    }
}
