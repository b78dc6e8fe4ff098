//! Decides about each login as AWS does for a database with IAM authentication.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::access_key::AccessKey;
use crate::cap::ConnectionCap;
use crate::check::{self, Accepted};
use crate::log::Log;
use crate::policies::Policies;
use crate::policy::{Policy, PolicyError};
use crate::principal::Principal;
use crate::refusal::Refusal;
use crate::request::Request;
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
    /// More endpoints of the same database, by host and port.
    endpoints: Vec<(String, u16)>,
    keys: Vec<AccessKey>,
    policies: Policies,
    /// Who the access keys belong to, if it is not a role or user of the database's account.
    principal: Option<Principal>,
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
            endpoints: Vec::new(),
            keys: vec![key],
            policies: Policies::default(),
            principal: None,
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
        let accepted =
            check::token(user, password, resource, &settings.endpoints, &settings.keys, now)?;
        let Accepted { user, signed, is_temporary } = accepted;
        let local = || Principal::local(&resource.partition, &resource.account, is_temporary);
        let principal = settings.principal.clone().unwrap_or_else(local);
        let arn = resource.arn(&user);
        let home = (principal.partition(), principal.account());
        if home != (&*resource.partition, &*resource.account) {
            return Err(Refusal::OtherAccount { principal: principal.arn(), arn });
        }
        let issued = is_temporary.then(|| principal.issued.unwrap_or(signed));
        settings.policies.decide(&Request::new(resource, &user, &principal, issued, now))
    }

    /// Sets the verifier's clock `seconds` ahead of the real one, or behind it when negative; a
    /// century at most. A token signed now is then expired, or not yet valid.
    pub fn set_clock_offset(&self, seconds: i64) {
        self.settings().clock_offset = seconds.clamp(-LARGEST_OFFSET, LARGEST_OFFSET);
    }

    /// Makes an IAM policy document the only policy of the identity that the access keys belong to. The
    /// other kinds of [`Policies`] stay as they are.
    ///
    /// # Errors
    /// The document is malformed, or has a condition that cannot be decided here. The error names the
    /// line and the column, and the previous policy stays.
    pub fn set_policy(&self, json: &str) -> Result<(), PolicyError> {
        let policy = Policy::parse(json)?;
        self.settings().policies.identity = vec![policy];
        Ok(())
    }

    /// Changes any of the policies that apply to the principal.
    pub fn change_policies(&self, change: impl FnOnce(&mut Policies)) {
        change(&mut self.settings().policies);
    }

    /// Says who the access keys belong to. By default it is a role of the database's account, called
    /// `local`, or a user of that name for a permanent access key.
    pub fn set_principal(&self, principal: Principal) {
        self.settings().principal = Some(principal);
    }

    /// Stands for another database: from now on tokens must be signed for its endpoint, and policies
    /// must name it. One server can be a cluster in China and then a proxy in GovCloud, if its
    /// certificate has the names of their endpoints. It has one endpoint.
    pub fn stand_for(&self, resource: Resource) {
        let mut settings = self.settings();
        settings.endpoints.clear();
        settings.stands_for = Some(resource);
    }

    /// Another endpoint of the same database: from now on tokens that are signed for it are accepted
    /// too, as Aurora accepts those for a cluster's endpoints and for the instance's own.
    pub fn accept_endpoint(&self, host: &str, port: u16) {
        // Names are compared in lower case.
        self.settings().endpoints.push((host.to_ascii_lowercase(), port));
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
