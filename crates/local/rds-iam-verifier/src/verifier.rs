//! Decides about each login as AWS does for a database with IAM authentication.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::access_key::AccessKey;
use crate::cap::ConnectionCap;
use crate::check;
use crate::log::Log;
use crate::policy::{Policy, PolicyError};
use crate::refusal::Refusal;
use crate::resource::Resource;

/// The largest clock offset, in seconds: a century.
const LARGEST_OFFSET: i64 = 100 * 366 * 86_400;

/// The verifier of one database. Clones share everything.
#[derive(Clone)]
pub struct Verifier {
    shared: Arc<Shared>,
}

struct Shared {
    resource: Resource,
    settings: Mutex<Settings>,
    log: Log,
}

struct Settings {
    /// The database that tokens must be signed for, where it is not [`Shared::resource`].
    stands_for: Option<Resource>,
    keys: Vec<AccessKey>,
    policy: Option<Policy>,
    clock_offset: i64,
    cap: ConnectionCap,
}

impl Verifier {
    /// A verifier for `resource` that knows `key` and writes its decisions to the file `log`.
    ///
    /// Every login is refused until [`set_policy`](Self::set_policy) allows some.
    pub fn new(resource: Resource, key: AccessKey, log: PathBuf) -> Self {
        let settings = Mutex::new(Settings {
            stands_for: None,
            keys: vec![key],
            policy: None,
            clock_offset: 0,
            cap: ConnectionCap::default(),
        });
        Self { shared: Arc::new(Shared { resource, settings, log: Log::new(log) }) }
    }

    /// The database that this verifier was made for.
    pub fn resource(&self) -> &Resource {
        &self.shared.resource
    }

    /// Decides whether `user` may log in with `password` at `now`, and logs the decision.
    ///
    /// # Errors
    /// The first reason to refuse: the cap, then the token, then the policy.
    pub fn verify(&self, user: &[u8], password: &[u8], now: SystemTime) -> Result<(), Refusal> {
        let verdict = self.decide(user, password, now);
        self.shared.log.record(now, user, &verdict);
        verdict
    }

    fn decide(&self, user: &[u8], password: &[u8], now: SystemTime) -> Result<(), Refusal> {
        let mut settings = self.settings();
        settings.cap.admit(now)?;
        let resource = settings.stands_for.as_ref().unwrap_or(&self.shared.resource);
        let now = shift(now, settings.clock_offset);
        let user = check::token(user, password, resource, &settings.keys, now)?;
        let arn = resource.arn(&user);
        match &settings.policy {
            Some(policy) => policy.allows_connect(&arn),
            None => Err(Refusal::NoPolicy { arn }),
        }
    }

    /// Sets the verifier's clock `seconds` ahead of the real one, or behind it when negative; a
    /// century at most. A token signed now is then expired, or not yet valid.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.settings().clock_offset = seconds.clamp(-LARGEST_OFFSET, LARGEST_OFFSET);
    }

    /// Attaches an IAM policy document to the access keys, in place of the previous one.
    ///
    /// # Errors
    /// The document is malformed, or uses `Condition` or policy variables, which cannot be evaluated
    /// here. The error names the line and the column, and the previous policy stays.
    pub fn set_policy(&self, json: &str) -> Result<(), PolicyError> {
        self.settings().policy = Some(Policy::parse(json)?);
        Ok(())
    }

    /// Stands for another database: from now on tokens must be signed for its endpoint, and policies
    /// must name it. One server can be a cluster in China and then a proxy in GovCloud, if its
    /// certificate has the names of their endpoints.
    pub fn stand_for(&self, resource: Resource) {
        self.settings().stands_for = Some(resource);
    }

    /// Replaces the access keys that the verifier knows.
    pub fn set_keys(&self, keys: Vec<AccessKey>) {
        self.settings().keys = keys;
    }

    /// Limits new connections to `cap` in any one second, or lifts the limit.
    pub fn set_connection_cap(&self, cap: Option<u32>) {
        self.settings().cap = ConnectionCap::new(cap);
    }

    /// The refused logins, each as its line in the log: when, who, why, and what to do. At most the
    /// newest 10,000.
    pub fn refusals(&self) -> Vec<String> {
        self.shared.log.refusals()
    }

    /// The file that the decisions are written to.
    pub fn log_path(&self) -> &Path {
        self.shared.log.path()
    }

    /// Creates or opens the log.
    ///
    /// # Errors
    /// The file cannot be written: the error names it.
    pub(crate) fn open_log(&self) -> io::Result<()> {
        self.shared.log.open()
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        // Each setting is changed by one assignment: a panic elsewhere leaves nothing half done.
        self.shared.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("resource", &self.shared.resource).finish_non_exhaustive()
    }
}

/// `now`, on a clock that is `seconds` ahead.
pub(crate) fn shift(now: SystemTime, seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { now - distance } else { now + distance }
}
