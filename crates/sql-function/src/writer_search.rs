//! Finds the server that takes writes when the endpoint leads to one that does not.
//!
//! After a failover a name may lead to the old writer for up to a minute. The server says at the login
//! whether it takes writes. One that does not is asked for the writer of its cluster, which is dialled at
//! its own endpoint, with a token for it; a reader may still name the old writer, so what it says is only
//! believed once the other server says that it takes writes. If that leads nowhere, the endpoint itself is
//! tried again, with backoff, until the time is up.
//!
//! Source: "Aurora connection management" and "High availability for Amazon Aurora", Aurora user guide.

use diagnosis::Cause;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

use crate::backoff::Backoff;
use crate::deadline::Deadline;
use crate::driver::{Connection, Connector};
use crate::error::{Error, Fate, Kind};
use crate::log_in::once;
use crate::loggable;
use crate::login::Login;
use crate::role::{Obtained, Open, Role};
use crate::said::Loggable;

/// How long a server may take to tell the writer; a quarter of what is left if that is less.
const TOPOLOGY_LIMIT: Duration = Duration::from_secs(2);
/// How long a login at the writer's own endpoint may take; half of what is left if that is less.
const INSTANCE_LIMIT: Duration = Duration::from_secs(6);
/// How long work that perhaps does not write stays at a server that takes no writes.
const AGAIN: Duration = Duration::from_secs(30);
/// What is left of the time to tell what was found.
const ANSWER: Duration = Duration::from_millis(50);

/// What was found in one event on the way to a server that takes writes.
pub(crate) struct Search {
    began: Instant,
    /// How often a server was met that takes no writes.
    met: u32,
    /// The writer that a server named, and why it was not used.
    named: Option<Loggable>,
    /// Whether the time was up.
    pub(crate) is_over: bool,
}

impl Search {
    pub(crate) fn new() -> Search {
        Search { began: Instant::now(), met: 0, named: None, is_over: false }
    }

    /// A connection to a server that takes writes, which `open` does not. That one is kept for reads until
    /// another is found.
    ///
    /// # Errors
    /// [`Kind::ServerReadOnly`] when the time is up; those of [`Connector::connect`].
    pub(crate) async fn writer<C: Connector>(
        &mut self,
        role: &Role<C>,
        mut open: Open<C>,
        deadline: Deadline,
    ) -> Result<Open<C>, Error> {
        let deadline = deadline.less(ANSWER);
        loop {
            let why = open.read_only.unwrap_or_default();
            // The name may have moved on since an earlier login.
            let at_once = open.obtained.reused && self.met == 0;
            self.met += 1;
            let (found, kept) = self.elsewhere(role, open, deadline).await;
            if let Some(found) = found {
                role.forget_read_only();
                return Ok(found);
            }
            if let Some(kept) = kept {
                role.forget_read_only();
                role.put(Open { obtained: Obtained::REUSED, ..kept });
            }
            if !at_once {
                let pause = Backoff::LOGIN.delay(self.met - 1, role.random(), deadline.left());
                let Some(pause) = pause else { return Err(self.given_up(role, why)) };
                deadline.wait(sleep(pause)).await;
            }
            open = match role.log_in(deadline, true).await {
                Ok(open) if open.read_only.is_none() => {
                    role.forget_read_only();
                    return Ok(open);
                }
                Ok(open) => open,
                Err(error) if error.kind() == Kind::Timeout || deadline.left().is_zero() => {
                    return Err(self
                        .given_up(role, why)
                        .with(loggable!("; the last login there failed: {}", error.log())));
                }
                Err(error) => return Err(error),
            };
        }
    }

    /// A connection to the writer that the server of `open` names, or to where the endpoint leads now, or
    /// `open` itself: for work that perhaps does not write. Not more often than each [`AGAIN`].
    ///
    /// # Errors
    /// Those of [`Connector::connect`], if `open` is lost.
    pub(crate) async fn writer_or<C: Connector>(
        &mut self,
        role: &Role<C>,
        open: Open<C>,
        deadline: Deadline,
    ) -> Result<Open<C>, Error> {
        let now = role.now();
        let since = open.sought.and_then(|sought| now.duration_since(sought).ok());
        if since.is_some_and(|since| since < AGAIN) {
            return Ok(open);
        }
        let is_new = !open.obtained.reused;
        let open = match self.elsewhere(role, open, deadline).await {
            (Some(found), _) => {
                role.forget_read_only();
                return Ok(found);
            }
            (None, Some(open)) if is_new => open,
            (None, Some(open)) => {
                let limit = deadline.at_most(Some(INSTANCE_LIMIT.min(deadline.left() / 2)));
                role.log_in(limit, true).await.unwrap_or(open)
            }
            (None, None) => role.log_in(deadline, true).await?,
        };
        Ok(Open { sought: Some(now), ..open })
    }

    /// The writer that the server of `open` names, if it takes writes; and `open`, unless it is lost.
    async fn elsewhere<C: Connector>(
        &mut self,
        role: &Role<C>,
        mut open: Open<C>,
        deadline: Deadline,
    ) -> (Option<Open<C>>, Option<Open<C>>) {
        let login = role.login();
        if login.is_tunnelled() {
            return (None, Some(open));
        }
        let limit = deadline.at_most(Some(TOPOLOGY_LIMIT.min(deadline.left() / 4)));
        let asked = limit.bound(|| "the question for the writer".into(), open.connection.writer());
        let named = match asked.await {
            Ok(named) => named,
            Err(error) => {
                tracing::debug!(error = error.log(), "the server did not tell the writer");
                return (None, None);
            }
        };
        let Some(named) = named else { return (None, Some(open)) };
        let Some(endpoint) = login.endpoint().sibling(&named) else {
            let why =
                "; the writer that it names is no instance of the account and region in DB_HOST";
            self.named = Some(why.into());
            return (None, Some(open));
        };
        if endpoint == *open.connector.login().endpoint() {
            self.named = Some("; it names itself as the writer".into());
            return (None, Some(open));
        }
        let host = endpoint.host().to_owned();
        let connect_to = endpoint.dial_address();
        let connector = Arc::new(C::new(Login { connect_to, ..login.at(endpoint) }));
        let limit = deadline.at_most(Some(INSTANCE_LIMIT.min(deadline.left() / 2)));
        let start = Instant::now();
        let login = limit.bound(|| "the login at the writer".into(), once(&*connector, limit));
        let found = login.await.map(|connection| Open::new(connection, connector.clone(), start));
        let why = match found {
            Ok(found) => match found.read_only {
                None => {
                    tracing::debug!(host, "logged in at the writer's own endpoint");
                    return (Some(found), Some(open));
                }
                Some(why) => {
                    loggable!("; the writer that it names, {host}, takes none either ({why})")
                }
            },
            Err(error) => {
                let error = error.log();
                loggable!("; the login at the writer that it names, {host}, failed: {error}")
            }
        };
        tracing::debug!(host, %why, "the writer that is named is not used");
        self.named = Some(why);
        (None, Some(open))
    }

    /// The time is up, and nothing was run.
    fn given_up<C: Connector>(&mut self, role: &Role<C>, why: &str) -> Error {
        self.is_over = true;
        let login = role.login();
        let (host, tried) = (login.endpoint().host(), self.met);
        let seconds = self.began.elapsed().as_secs_f64();
        let times = if tried == 1 { "once" } else { "each time" };
        let cause = if self.named.is_some() { Cause::WriterMoved } else { Cause::ReadOnly };
        let unnamed = || "; it names no other server as the writer".into();
        let named = self.named.take().unwrap_or_else(unnamed);
        Error::new(
            Kind::ServerReadOnly,
            loggable!(
                "{host} leads to a server that takes no writes ({why}), {times} in {tried} tries over \
                 {seconds:.1} s{named}"
            ),
        )
        .with_cause(cause)
        .advice(
            "nothing was changed. Set DB_HOST to the writer's endpoint if it is that of a reader or of a \
             read replica. After a failover the writer's name resolves to the old writer for a while: send \
             the event again. If neither is the case, the storage is full, or somebody has made the server \
             read-only",
        )
        .with_fate(Fate::NotRun)
    }
}
