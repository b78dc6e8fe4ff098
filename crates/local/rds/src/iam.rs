//! The verifier: decides about each login as AWS does for a database with IAM authentication.
//!
//! It checks everything about a token that RDS can check ([`Refusal`] is the list), then the policy
//! for `rds-db:connect`. Nothing here is shared with the signer, down to dates and percent-encoding,
//! so that a mistake made there does not pass here.
//!
//! A login travels from the plugin in the database server over a Unix socket ([`Iam::listen`]) to
//! [`Iam::verify`]. Tests turn its knobs while the server runs.

mod access_key;
mod calendar;
mod cap;
mod check;
mod listener;
mod log;
mod percent;
mod policy;
mod refusal;
mod resource;
mod signature;
mod token;
mod wildcard;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

pub use access_key::AccessKey;
pub use listener::Listener;
pub use policy::PolicyError;
pub use refusal::{Part, Refusal};
pub use resource::Resource;

use cap::ConnectionCap;
use log::Log;
use policy::Policy;

/// A century in seconds: further off, a clock offset means nothing.
const LARGEST_OFFSET: i64 = 100 * 366 * 86_400;

/// The verifier for one database. Clones share everything.
#[derive(Clone)]
pub struct Iam {
    shared: Arc<Shared>,
}

struct Shared {
    resource: Resource,
    knobs: Mutex<Knobs>,
    log: Log,
}

struct Knobs {
    /// The database, when it is another than the one at the start.
    stands_for: Option<Resource>,
    keys: Vec<AccessKey>,
    policy: Option<Policy>,
    clock_offset: i64,
    cap: ConnectionCap,
}

impl Iam {
    /// A verifier for `resource` that knows `key` and writes its decisions to the file `log`.
    ///
    /// Every login is refused until [`set_policy`](Self::set_policy) allows some.
    pub fn new(resource: Resource, key: AccessKey, log: PathBuf) -> Self {
        let knobs = Mutex::new(Knobs {
            stands_for: None,
            keys: vec![key],
            policy: None,
            clock_offset: 0,
            cap: ConnectionCap::default(),
        });
        Self { shared: Arc::new(Shared { resource, knobs, log: Log::new(log) }) }
    }

    /// The database that this verifier was made for.
    pub fn resource(&self) -> &Resource {
        &self.shared.resource
    }

    /// Decides whether `user` may log in with `password` at `now`, and writes that to the log.
    ///
    /// # Errors
    /// The first reason there is to refuse: the cap, then the token, then the policy.
    pub fn verify(&self, user: &[u8], password: &[u8], now: SystemTime) -> Result<(), Refusal> {
        let verdict = self.decide(user, password, now);
        self.shared.log.record(now, user, &verdict);
        verdict
    }

    fn decide(&self, user: &[u8], password: &[u8], now: SystemTime) -> Result<(), Refusal> {
        let mut knobs = self.knobs();
        knobs.cap.admit(now)?;
        let resource = knobs.stands_for.as_ref().unwrap_or(&self.shared.resource);
        let user =
            check::token(user, password, resource, &knobs.keys, shift(now, knobs.clock_offset))?;
        let arn = resource.arn(&user);
        match &knobs.policy {
            Some(policy) => policy.allows_connect(&arn),
            None => Err(Refusal::NoPolicy { arn }),
        }
    }

    /// Sets the verifier's clock `seconds` ahead of the real one, or behind it when negative; a
    /// century at most. Tokens that are signed now are then too old, or of the future.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.knobs().clock_offset = seconds.clamp(-LARGEST_OFFSET, LARGEST_OFFSET);
    }

    /// Attaches an IAM policy document to the access keys, in place of the one before.
    ///
    /// # Errors
    /// The document is malformed, or uses `Condition` or policy variables, which cannot be decided
    /// here. The error names the line and the column, and the policy before stays.
    pub fn set_policy(&self, json: &str) -> Result<(), PolicyError> {
        self.knobs().policy = Some(Policy::parse(json)?);
        Ok(())
    }

    /// Takes the verifier to another database: from now on tokens must be signed for its endpoint, and
    /// policies must name it. So one server can be a cluster in China and then a proxy in GovCloud, if
    /// its certificate has the names of their endpoints.
    pub fn stand_for(&self, resource: Resource) {
        self.knobs().stands_for = Some(resource);
    }

    /// Makes `keys` the access keys that the verifier knows.
    pub fn set_keys(&self, keys: Vec<AccessKey>) {
        self.knobs().keys = keys;
    }

    /// Lets in at most `cap` new connections in any one second, or any number.
    pub fn set_connection_cap(&self, cap: Option<u32>) {
        self.knobs().cap = ConnectionCap::new(cap);
    }

    /// The logins refused so far, each as its line in the log: when, who, why, and what to do. The
    /// newest 10,000, where there are more.
    pub fn refusals(&self) -> Vec<String> {
        self.shared.log.refusals()
    }

    /// The file that the decisions are written to.
    pub fn log_path(&self) -> &Path {
        self.shared.log.path()
    }

    /// Answers the plugins of database servers on a new Unix socket at `socket`, until the
    /// [`Listener`] is dropped. It answers this process's user and the one that servers run as, and
    /// nobody else.
    ///
    /// # Errors
    /// The log cannot be written, or the socket cannot be made: its path is longer than 107 bytes,
    /// say, or exists already.
    pub fn listen(&self, socket: &Path) -> io::Result<Listener> {
        self.shared.log.open()?;
        Listener::start(self.clone(), socket)
    }

    fn knobs(&self) -> MutexGuard<'_, Knobs> {
        // Each knob is set by one assignment: a panic elsewhere leaves nothing half done.
        self.shared.knobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Iam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iam").field("resource", &self.shared.resource).finish_non_exhaustive()
    }
}

/// `now`, as a clock shows it that is `seconds` ahead.
fn shift(now: SystemTime, seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { now - distance } else { now + distance }
}
