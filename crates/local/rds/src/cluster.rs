//! A cluster of two servers, of which one writes and the other one follows it, as Aurora's and RDS's
//! Multi-AZ DB clusters do.

mod builder;
mod topology;

pub use builder::ClusterBuilder;
pub use topology::Topology;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::Engine;
use local_packages::Version;

use self::topology::Names;
use crate::Error;
use crate::member::replication;
use crate::replication::{Source, wait_until};
use crate::server::Server;

/// Two servers: a writer, and a reader that follows it. Each accepts tokens for the endpoint of the
/// cluster, for its reader endpoint and for its own endpoint, and its certificate has the names of all
/// three. All endpoints have one port, that of the first server; where their names lead is up to the
/// caller.
///
/// Dropping it, and what [`members`](Self::members) returned, stops the servers and removes their files.
///
/// ```no_run
/// use local_rds::{Cluster, Engine};
///
/// let cluster = Cluster::builder(Engine::Postgres).setup("CREATE TABLE a (id INT)").start()?;
/// cluster.writer().execute("INSERT INTO a VALUES (1)")?;
/// cluster.catch_up()?;
/// assert_eq!(cluster.reader().execute("SELECT id FROM a")?.len(), 1);
/// cluster.fail_over()?;
/// assert_eq!(cluster.writer().execute("SELECT id FROM a")?.len(), 1);
/// # Ok::<(), local_rds::Error>(())
/// ```
pub struct Cluster {
    members: [Arc<Server>; 2],
    names: Names,
    password: String,
    writer: AtomicUsize,
    changing: Mutex<()>,
}

impl Cluster {
    /// The settings of a cluster of an [`Engine`], or of one of its [versions](Version), to be started.
    #[must_use]
    pub fn builder(version: impl Into<Version>) -> ClusterBuilder {
        ClusterBuilder::new(version.into())
    }

    /// Both servers, in the order of their names. They stay where they are when the writer moves.
    #[must_use]
    pub fn members(&self) -> &[Arc<Server>; 2] {
        &self.members
    }

    /// The server that writes.
    #[must_use]
    pub fn writer(&self) -> &Arc<Server> {
        &self.members[self.writer.load(Ordering::SeqCst)]
    }

    /// The server that follows.
    #[must_use]
    pub fn reader(&self) -> &Arc<Server> {
        &self.members[1 - self.writer.load(Ordering::SeqCst)]
    }

    /// The host of the endpoint, which leads to the writer.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.names.cluster
    }

    /// The host of the reader endpoint.
    #[must_use]
    pub fn reader_endpoint(&self) -> &str {
        &self.names.readers
    }

    /// The host of a server's own endpoint.
    #[must_use]
    pub fn instance_endpoint(&self, member: &Arc<Server>) -> &str {
        let number = usize::from(!Arc::ptr_eq(member, &self.members[0]));
        &self.names.instances[number]
    }

    /// Makes the reader the writer once it has everything that the writer wrote, and the writer a reader,
    /// whose connections end. Servers that were paused or killed come back for that. Returns when both
    /// are what they are to be, and the new reader has what the new writer wrote.
    ///
    /// # Errors
    /// A server does not answer, or replication has stopped. The cluster may be left anywhere on the way: with no
    /// server that writes, one that does not run, or a reader that follows nobody. Both servers can still be asked
    /// and their logs read; start another cluster for anything else.
    pub fn fail_over(&self) -> Result<(), Error> {
        let _changing = lock(&self.changing);
        self.try_fail_over().map_err(|error| error.within("the failover did not succeed"))
    }

    fn try_fail_over(&self) -> Result<(), Error> {
        let (old, new) = (&self.writer().running, &self.reader().running);
        let replication = replication(self.engine());
        for running in [old, new] {
            running.resume();
            if !running.is_up() {
                running.restart()?;
            }
        }
        let position = replication.retire(old)?;
        wait_until("the reader has everything", || {
            new.with_administrator(|administrator| replication.has(administrator, &position))
        })?;
        replication.promote(new)?;
        self.writer.fetch_xor(1, Ordering::SeqCst);

        let position = new.with_administrator(|it| replication.position(it))?;
        let source = Source { port: new.port(), password: self.password.clone(), position };
        replication.begin_to_follow(old.plan(), &source)?;
        if !old.is_up() {
            old.restart()?;
        }
        old.with_administrator(|administrator| replication.follow(administrator, &source))
    }

    /// Waits until the reader has everything that the writer has written so far.
    ///
    /// # Errors
    /// It does not within a minute, or a server does not answer.
    pub fn catch_up(&self) -> Result<(), Error> {
        let (writer, reader) = (&self.writer().running, &self.reader().running);
        let replication = replication(self.engine());
        let position = writer.with_administrator(|it| replication.position(it))?;
        wait_until("the reader has caught up", || {
            reader.with_administrator(|administrator| replication.has(administrator, &position))
        })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.members[0].engine()
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("writer", self.writer())
            .field("reader", self.reader())
            .finish_non_exhaustive()
    }
}

fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
