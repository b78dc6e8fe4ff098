//! The connections of an execution environment: opened ahead of the first event or when one is
//! needed, reused by later events, and thrown away on the first doubt.
//!
//! Lambda sends one event at a time, and there is one connection. Lambda Managed Instances send
//! several side by side: there are as many connections as events then, and never more.
//!
//! An invocation takes a connection out of the [`Pool`] and hands it back only when it is known
//! to be in step with the server. One that is dropped on the way, by a time-out, a cancelled future
//! or a panic, is therefore never used again.

use serde::Serialize;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};

use crate::backoff::Backoff;
use crate::deadline::{Deadline, millis, ran_out};
use crate::driver::{Connection, Connector};
use crate::error::{Error, Kind};
use crate::login::Login;
use crate::named;
use crate::statement::Statement;

/// Gives a random number, uniform over all of `u64`. Lambda's boundary passes the real one.
pub(crate) type Random = fn() -> u64;

/// A connection unused for this long is checked before its next use: the environment may have been
/// frozen meanwhile, and the server may have gone.
const IDLE: Duration = Duration::from_secs(1);
/// How long that check may take before the connection counts as dead.
const CHECK: Duration = Duration::from_secs(1);
/// A denied login waits this long before its only other try, and then as long as the retry of that
/// number: RDS's cap counts logins by the second, and a login beyond it looks like one denied.
const DENIED: (Duration, u32) = (Duration::from_secs(1), 3);
/// How long closing the connections may take, and less where less is left before Lambda kills the
/// process.
const LEAVE: Duration = Duration::from_millis(300);

/// How an invocation came by its connection, as its response tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Obtained {
    /// Whether an earlier invocation used it too.
    pub reused: bool,
    /// How long opening it took, in milliseconds; 0 when it is reused. The first invocation of an
    /// environment reports the login made while it initialised.
    pub connect_ms: f64,
}

/// A connection that is in step with the server.
struct Idle<C> {
    connection: C,
    /// By the time of day: the other clock may stand still while an environment is frozen.
    since: SystemTime,
    obtained: Obtained,
}

/// A connection that is one invocation's, until it is dropped or [handed back](Pool::release).
pub(crate) struct Lease<'a, C> {
    /// The connection.
    pub connection: C,
    /// How it was come by.
    pub obtained: Obtained,
    _permit: SemaphorePermit<'a>,
}

/// The connections of an execution environment.
pub(crate) struct Pool<C: Connector> {
    connector: C,
    /// The one used last is at the end, and used first.
    idle: Mutex<Vec<Idle<C::Connection>>>,
    /// One permit for each connection that an invocation may have.
    free: Semaphore,
    random: Random,
}

impl<C: Connector> Pool<C> {
    /// A session that has yet to connect, for so many invocations at once.
    pub(crate) fn new(connector: C, at_once: NonZeroUsize, random: Random) -> Pool<C> {
        let free = Semaphore::new(at_once.get().min(Semaphore::MAX_PERMITS));
        Pool { connector, idle: Mutex::default(), free, random }
    }

    /// The login that this session makes.
    pub(crate) fn login(&self) -> &Login {
        self.connector.login()
    }

    /// The engine's way to log in.
    pub(crate) fn connector(&self) -> &C {
        &self.connector
    }

    /// Connects ahead of the first event, which would try a denied login again: it has the time.
    ///
    /// # Errors
    /// Those of [`Connector::connect`]. The next [`acquire`](Pool::acquire) tries again.
    pub(crate) async fn warm_up(&self, deadline: Deadline) -> Result<(), Error> {
        let idle = self.connect(deadline, false).await?;
        self.idle().push(idle);
        Ok(())
    }

    /// A connection, for one invocation that runs `statements`: an open one, or a new one when there is
    /// none, it has gone, or its session does not [suit](Connection::suits) them. Hand it back with
    /// [`release`](Pool::release).
    ///
    /// # Errors
    /// Those of [`Connector::connect`].
    pub(crate) async fn acquire(
        &self,
        statements: &[&Statement],
        deadline: Deadline,
    ) -> Result<Lease<'_, C::Connection>, Error> {
        let waiting = || ran_out("the wait for a connection that another invocation has");
        let permit = deadline.wait(self.free.acquire()).await.ok_or_else(waiting)?;
        let permit = permit.map_err(|_closed| {
            Error::new(Kind::ConnectionLost, "the environment is being shut down")
                .advice("send the event again: nothing was run")
        })?;
        let last = self.idle().pop();
        if let Some(mut idle) = last.filter(|idle| idle.connection.suits(statements)) {
            if self.is_alive(&mut idle, deadline).await {
                let Idle { connection, obtained, .. } = idle;
                return Ok(Lease { connection, obtained, _permit: permit });
            }
            tracing::debug!("the idle connection has gone, connecting again");
        }
        let Idle { connection, obtained, .. } = self.connect(deadline, true).await?;
        Ok(Lease { connection, obtained, _permit: permit })
    }

    /// Takes back a connection that is in step with the server.
    pub(crate) fn release(&self, lease: Lease<'_, C::Connection>) {
        let obtained = Obtained { reused: true, connect_ms: 0.0 };
        let (connection, since) = (lease.connection, self.now());
        self.idle().push(Idle { connection, since, obtained });
    }

    /// Closes every connection that no invocation has, in the time that is `left`. None is given out
    /// afterwards.
    pub(crate) async fn close(&self, left: Duration) {
        self.free.close();
        let idle = std::mem::take(&mut *self.idle());
        let count = idle.len();
        let leave = async {
            for idle in idle {
                idle.connection.close().await;
            }
        };
        let in_time = timeout(LEAVE.min(left), leave).await.is_ok();
        tracing::info!(connections = count, in_time, "closed the connections");
    }

    /// Whether the connection can be used: one round trip, unless it was used a moment ago.
    async fn is_alive(&self, idle: &mut Idle<C::Connection>, deadline: Deadline) -> bool {
        if idle.connection.is_closed() {
            return false;
        }
        // A clock that was set back in the meantime tells nothing.
        let unused = self.now().duration_since(idle.since).unwrap_or(IDLE);
        unused < IDLE || {
            let check = deadline.at_most(Some(CHECK));
            check.bound(|| "the connection check".into(), idle.connection.check()).await.is_ok()
        }
    }

    /// Logs in. What passes by itself is tried again as long as there is time, and a denial once if
    /// `denied_again`, with credentials that are asked for anew.
    async fn connect(
        &self,
        deadline: Deadline,
        mut denied_again: bool,
    ) -> Result<Idle<C::Connection>, Error> {
        let start = Instant::now();
        let mut retries = 0;
        let mut last = None;
        loop {
            let error = match self.connector.connect(deadline).await {
                Ok(connection) => {
                    let obtained = Obtained { reused: false, connect_ms: millis(start.elapsed()) };
                    return Ok(Idle { connection, since: self.now(), obtained });
                }
                Err(error) => root_error(last, error, deadline.left()),
            };
            let is_denied = error.kind() == Kind::LoginDenied;
            let again = error.is_transient() || (is_denied && denied_again);
            let (pause, number) = if is_denied { DENIED } else { (Duration::ZERO, retries) };
            let left = deadline.left().saturating_sub(pause);
            let wait = Backoff::LOGIN.delay(number, (self.random)(), left);
            let Some(wait) = wait.filter(|_| again) else { return Err(tried(error, retries)) };
            let wait = pause + wait;
            if is_denied {
                denied_again = false;
                self.login().signer.renew_credentials().await;
            }
            tracing::debug!(
                error_type = error.error_type(),
                error = error.log(),
                wait_ms = millis(wait),
                "the login failed, trying again"
            );
            last = Some(error);
            deadline.wait(sleep(wait)).await;
            retries += 1;
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C::Connection>>> {
        // No code panics while it holds the lock.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> SystemTime {
        (self.login().clock)()
    }
}

/// The `last` attempt's error or this one's. What the server said before tells more than that time
/// ran out afterwards, in whichever step that was.
fn root_error(last: Option<Error>, error: Error, left: Duration) -> Error {
    match last {
        Some(last) if error.kind() == Kind::Timeout || left.is_zero() => last,
        _ => error,
    }
}

/// The error of the last attempt, after so many retries.
fn tried(error: Error, retries: u32) -> Error {
    match retries {
        0 => error,
        _ => error.with(named!(" ({} attempts)", retries + 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_not_hidden_by_a_second_try_that_had_no_time() {
        let denied = || Some(Error::new(Kind::LoginDenied, "denied"));
        let silent = || Error::new(Kind::ConnectTcp, "no answer in time");
        let late = || Error::new(Kind::Timeout, "time ran out during TLS and login");
        let (some, none) = (Duration::from_secs(1), Duration::ZERO);
        assert_eq!(root_error(denied(), silent(), none).kind(), Kind::LoginDenied);
        assert_eq!(root_error(denied(), late(), some).kind(), Kind::LoginDenied);
        assert_eq!(root_error(denied(), silent(), some).kind(), Kind::ConnectTcp, "it went away");
        assert_eq!(root_error(None, silent(), none).kind(), Kind::ConnectTcp);
    }
}
