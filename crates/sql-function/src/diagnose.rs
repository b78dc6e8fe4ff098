//! One answer to "why can't my function log in?": the way of a login, walked step by step, to name
//! the first thing that is wrong and how to mend it.
//!
//! The walk makes connections of its own, for the session's may be older than the trouble. One is
//! looked at up to where a token would be sent ([`handshake`]); over the other it logs in as every
//! invocation does. Nothing is sent that a server would count as a login that failed. Only when the
//! server denies the token, which it does with the same words for a dozen reasons, does [`trial`] hear
//! what it asks for, and try what else it takes. [`rank`] orders the causes
//! by what the steps saw.

mod bounded;
mod cname;
mod configured;
mod evidence;
mod handshake;
mod inside;
mod network;
mod rank;
pub(crate) mod rds_ca;
mod seen;
mod server_info;
mod startup;
mod trial;
mod walk;

pub use server_info::ServerInfo;
pub use startup::{Concluded, Startup};

use diagnosis::{Diagnosis, Step, StepName, Suspect};
use std::time::Duration;

use crate::catalogue::Catalogue;
use crate::deadline::Deadline;
use crate::driver::Connector;
use crate::error::Error;
use bounded::bounded;
use seen::Seen;
use walk::Walk;

/// The function that is looked at.
pub struct Subject<'a, C> {
    /// What connects it.
    pub connector: &'a C,
    /// Its statements.
    pub catalogue: &'a Catalogue,
    /// What a schedule runs, when the settings tell.
    pub scheduled_statement: Option<&'a str>,
    /// The resource id in its role's policy, when the settings tell.
    pub resource_id: Option<&'a str>,
    /// Its name.
    pub function: Option<&'a str>,
}

/// Walks the way of a login with connections of its own, and has the server parse every statement
/// without running it.
pub async fn diagnose<C: Connector>(subject: &Subject<'_, C>, deadline: Deadline) -> Diagnosis {
    let mut walk = Walk::new(subject, deadline);
    // Each step that fails ends the walk: the steps after it are not reached.
    let _ = walk.whole_way().await;
    walk.finish()
}

/// The diagnosis of a function that could not start because of `error`.
pub(crate) fn of_failed_start<C: Connector>(error: &Error) -> Diagnosis {
    let seen = Seen::failed(error.report()).fact("error_type", error.error_type());
    let suspects = error.filled().into_iter();
    let suspects = suspects.map(|(cause, filled)| Suspect::new(cause, filled, error.chain()));
    let first = seen.fact("engine", C::ENGINE.title()).step(StepName::Settings, Duration::ZERO);
    of_steps(vec![first], suspects.collect())
}

/// The diagnosis after the steps that were taken. The others were not reached.
fn of_steps(mut steps: Vec<Step>, causes: Vec<Suspect>) -> Diagnosis {
    let rest = StepName::ALL.iter().skip(steps.len());
    steps.extend(rest.map(|name| Seen::not_reached().step(*name, Duration::ZERO)));
    bounded(Diagnosis::new(steps, causes))
}
