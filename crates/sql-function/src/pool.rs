//! The connections of an execution environment: opened before the first event or on demand, reused
//! by later events, and dropped when they may be out of sync.
//!
//! Lambda sends one event at a time, so there is one connection to the writer, and one to a reader if there
//! are readers. Lambda Managed Instances send several at once, and there are at most as many of each as
//! events.
//!
//! An invocation takes a connection out of the [`Pool`] and returns it only if it is known to be in
//! sync with the server. A connection that is dropped by a timeout, a canceled future or a panic is
//! therefore never used again.

use diagnosis::Cause;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep, timeout};

use crate::deadline::Deadline;
use crate::driver::{Connection, Connector};
use crate::error::Error;
use crate::log_in::{Random, once};
use crate::login::Login;
use crate::place::{Finder, Need, Place};
use crate::record;
use crate::retries::Retries;
use crate::role::{Obtained, Open, Role};
use crate::statement::Statement;

/// How long a reader is left alone that did not let the function in.
const READER_AWAY: Duration = Duration::from_secs(30);
/// How long closing the connections may take, unless Lambda kills the process sooner.
const CLOSE_LIMIT: Duration = Duration::from_millis(300);

/// A connection that belongs to one invocation until it is dropped or [released](Pool::release).
pub(crate) struct Lease<C: Connector> {
    /// The connection.
    pub connection: C::Connection,
    /// What opened it, and can cancel what runs on it.
    pub connector: Arc<C>,
    /// How the invocation got it.
    pub obtained: Obtained,
    /// Its place among the connections that invocations may have at once.
    pub permit: OwnedSemaphorePermit,
    /// Why its server takes no writes, as far as is known.
    pub read_only: Option<&'static str>,
    sought: Option<SystemTime>,
    is_readers: bool,
}

impl<C: Connector> Lease<C> {
    fn new(open: Open<C>, permit: OwnedSemaphorePermit, is_readers: bool) -> Lease<C> {
        let Open { connection, connector, obtained, read_only, sought } = open;
        Lease { connection, connector, obtained, permit, read_only, sought, is_readers }
    }
}

/// The connections of an execution environment.
pub(crate) struct Pool<C: Connector> {
    writer: Role<C>,
    reader: Option<Role<C>>,
    /// When the reader did not let the function in.
    reader_failed: Mutex<Option<SystemTime>>,
}

impl<C: Connector> Pool<C> {
    /// A pool without connections, for `at_once` invocations at a time.
    pub(crate) fn new(
        writer: C,
        reader: Option<C>,
        at_once: NonZeroUsize,
        random: Random,
    ) -> Pool<C> {
        let role = |connector| Role::new(connector, at_once, random);
        Pool { writer: role(writer), reader: reader.map(role), reader_failed: Mutex::default() }
    }

    /// Opens the writer's connections.
    pub(crate) fn connector(&self) -> &C {
        self.writer.connector()
    }

    /// Opens the connections to a reader, if there are readers.
    pub(crate) fn reader(&self) -> Option<&C> {
        self.reader.as_ref().map(|role| &**role.connector())
    }

    /// Opens a connection for `need` before the first event, and returns its login. A denied login is not
    /// retried here: the first event has more time.
    ///
    /// # Errors
    /// Those of [`Connector::connect`] at the writer. The next [`acquire`](Pool::acquire) tries again.
    pub(crate) async fn warm_up(&self, need: Need, deadline: Deadline) -> Result<&Login, Error> {
        if need == Need::Read
            && let Some(reader) = &self.reader
            && let Some(open) = self.open_reader(reader, deadline.for_a_reader()).await
        {
            reader.put(open);
            return Ok(reader.login());
        }
        self.writer.put(self.writer.log_in(deadline, false).await?);
        Ok(self.writer.login())
    }

    /// A connection for one invocation that runs `statements`: an idle one, or a new one if there
    /// is none, it is closed, or its session does not [suit](Connection::suits) them. Return it
    /// with [`release`](Pool::release).
    ///
    /// # Errors
    /// Those of [`Connector::connect`]; [`Kind::ServerReadOnly`](crate::Kind::ServerReadOnly) if no server
    /// that takes writes is found in time.
    pub(crate) async fn acquire(
        &self,
        retries: &mut Retries,
        statements: &[&Statement],
        deadline: Deadline,
    ) -> Result<Lease<C>, Error> {
        if retries.need == Need::Read
            && let Some(reader) = self.reader.as_ref().filter(|_| !self.is_reader_left_alone())
            && let Some(lease) = self.of_reader(reader, statements, deadline).await?
        {
            return Ok(lease);
        }
        let permit = self.writer.permit(deadline).await?;
        let open = self.of_writer(retries, statements, deadline).await?;
        Ok(Lease::new(open, permit, false))
    }

    /// Waits until the work that failed with `error` is to be done again.
    ///
    /// # Errors
    /// It is not done again, and why it failed.
    pub(crate) async fn wait(
        &self,
        retries: &mut Retries,
        error: Error,
        deadline: Deadline,
    ) -> Result<(), Error> {
        let finder = Finder::of(self.writer.login());
        let wait = retries.again(error, finder, self.writer.random(), deadline.left())?;
        record::work_again();
        deadline.wait(sleep(wait)).await;
        Ok(())
    }

    /// Returns a connection that is in sync with the server.
    pub(crate) fn release(&self, lease: Lease<C>) {
        let Lease { connection, connector, permit, read_only, sought, is_readers, .. } = lease;
        // A proxy's next connection may lead to the writer.
        if read_only.is_none() || !connector.login().is_through_proxy() {
            let obtained = Obtained::REUSED;
            let open = Open { connection, connector, obtained, read_only, sought };
            self.role(is_readers).put(open);
        }
        drop(permit);
    }

    /// Closes all idle connections within the time that is `left`. No more are acquired afterwards.
    pub(crate) async fn close(&self, left: Duration) {
        let mut idle = self.writer.close();
        idle.extend(self.reader.iter().flat_map(Role::close));
        let count = idle.len();
        let leave = async {
            for connection in idle {
                connection.close().await;
            }
        };
        let in_time = timeout(CLOSE_LIMIT.min(left), leave).await.is_ok();
        tracing::info!(connections = count, in_time, "closed the connections");
    }

    /// A connection to a reader, unless none lets the function in soon.
    async fn of_reader(
        &self,
        reader: &Role<C>,
        statements: &[&Statement],
        deadline: Deadline,
    ) -> Result<Option<Lease<C>>, Error> {
        let permit = reader.permit(deadline).await?;
        let limit = deadline.for_a_reader();
        if let Some(open) = reader.idle(statements, |_| true, limit).await {
            return Ok(Some(Lease::new(open, permit, true)));
        }
        let open = self.open_reader(reader, limit).await;
        Ok(open.map(|open| Lease::new(open, permit, true)))
    }

    /// Opens a connection to a reader, unless none lets the function in within `limit`.
    async fn open_reader(&self, reader: &Role<C>, limit: Deadline) -> Option<Open<C>> {
        let (start, connector) = (Instant::now(), reader.connector());
        let login = Box::pin(once(&**connector, limit));
        let login = limit.bound(|| "the login at the reader".into(), login);
        match login.await {
            Ok(connection) => {
                reader.login().accepted.remember();
                Some(Open::new(connection, connector.clone(), start))
            }
            Err(error) => {
                tracing::warn!(
                    error_type = error.error_type(),
                    error = error.log(),
                    cause = Cause::ReaderAway.entry().id,
                    "the reader does not let the function in; the writer answers"
                );
                let mut failed = self.reader_failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some(reader.now());
                None
            }
        }
    }

    /// A connection of the writer's role.
    async fn of_writer(
        &self,
        retries: &mut Retries,
        statements: &[&Statement],
        deadline: Deadline,
    ) -> Result<Open<C>, Error> {
        let role = &self.writer;
        let place = Place::of(retries.need, role.login());
        let fits = |open: &Open<C>| match place {
            Place::Any => true,
            Place::Endpoint => role.has_opened(open),
            Place::WriterOrAny | Place::Writer => open.read_only.is_none(),
        };
        let idle = role.idle(statements, fits, deadline).await;
        // One to a writer elsewhere is closed: there are never more connections than events.
        let idle = idle.filter(|open| place != Place::Endpoint || fits(open));
        let open = match idle {
            Some(open) => open,
            None => role.log_in(deadline, true).await?,
        };
        let open = match place {
            Place::Writer if !fits(&open) => {
                Box::pin(retries.search.writer(role, open, deadline)).await?
            }
            Place::WriterOrAny if !fits(&open) => {
                Box::pin(retries.search.writer_or(role, open, deadline)).await?
            }
            _ => open,
        };
        retries.connected(&open);
        Ok(open)
    }

    fn role(&self, is_readers: bool) -> &Role<C> {
        self.reader.as_ref().filter(|_| is_readers).unwrap_or(&self.writer)
    }

    fn is_reader_left_alone(&self) -> bool {
        let failed = *self.reader_failed.lock().unwrap_or_else(PoisonError::into_inner);
        let since = failed.map(|failed| self.writer.now().duration_since(failed));
        // If the clock was set back, try.
        since.is_some_and(|since| since.is_ok_and(|since| since < READER_AWAY))
    }
}
