//! How a server follows another one of its cluster, and how it becomes the writer.

use std::thread;
use std::time::{Duration, Instant};

use crate::Error;
use crate::administrator::Administrator;
use crate::running::Running;
use crate::server_engine::Plan;

/// The user by which servers of a cluster follow each other, as on RDS.
pub(crate) const REPLICATION_USER: &str = "rdsrepladmin";

/// How long replication may take for any step. A slow machine that does much at once needs seconds.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Where and how a reader gets what the writer writes.
pub(crate) struct Source {
    /// The port of 127.0.0.1 that the writer listens on.
    pub(crate) port: u16,
    /// The password of the replication user.
    pub(crate) password: String,
    /// What the writer had written when it was ready.
    pub(crate) position: String,
}

/// How the servers of an engine follow each other. A position is a point in what the writer has written,
/// in the engine's own words.
pub(crate) trait Replication: Sync {
    /// The settings of the server with this `number`.
    fn settings(&self, number: u32) -> Vec<(String, String)>;

    /// SQL that makes the replication user.
    fn user(&self, password: &str) -> String;

    /// Makes a server that is not running a reader at its next start.
    fn begin_to_follow(&self, plan: &Plan, source: &Source) -> Result<(), Error>;

    /// Has a reader get what the writer writes, and waits until it has what that wrote before.
    fn follow(&self, administrator: &mut Administrator, source: &Source) -> Result<(), Error>;

    /// What a running server has written, or has of the writer.
    fn position(&self, administrator: &mut Administrator) -> Result<String, Error>;

    /// Whether a reader has everything up to `position`.
    fn has(&self, administrator: &mut Administrator, position: &str) -> Result<bool, Error>;

    /// Ends the writer's work and its connections. Returns the position at which it ended. It may be
    /// stopped then.
    fn retire(&self, running: &Running) -> Result<String, Error>;

    /// Makes a reader the writer.
    fn promote(&self, running: &Running) -> Result<(), Error>;
}

/// Polls until `is_so`, for [`TIMEOUT`] at most.
///
/// # Errors
/// That of `is_so`, or the time is up: the error says what was waited for.
pub(crate) fn wait_until(
    what: &str,
    mut is_so: impl FnMut() -> Result<bool, Error>,
) -> Result<(), Error> {
    let deadline = Instant::now() + TIMEOUT;
    while !is_so()? {
        if Instant::now() > deadline {
            let seconds = TIMEOUT.as_secs();
            return Err(Error::new(format!("waited {seconds} s in vain until {what}")));
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}
