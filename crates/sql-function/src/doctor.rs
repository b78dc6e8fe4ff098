//! One answer to "why can't my function log in?": the way of a login, walked step by step, to name
//! the first thing that is wrong and how to mend it.
//!
//! The walk makes connections of its own, for the session's may be older than the trouble. One is
//! looked at up to where a token would be sent ([`handshake`]); over the other it logs in as every
//! invocation does. Nothing is sent that a server would count as a login that failed. Only when the
//! server denies the token, which it does with the same words for a dozen reasons, does [`trial`] hear
//! what it asks for, and try what else it takes. [`cause`] names the causes, [`rank`] orders them by
//! what the steps saw.

mod about;
pub mod blanks;
mod bounded;
pub mod cause;
mod cname;
mod configured;
mod evidence;
mod handshake;
mod inside;
mod network;
mod preamble;
mod quote;
mod rank;
pub(crate) mod rds_ca;
pub mod step;
mod trial;
mod walk;

pub use about::About;
pub use blanks::{Blanks, MYSQL, POSTGRES, Words};
pub use cause::Cause;
pub use preamble::{Concluded, Preamble};

use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::deadline::Deadline;
use crate::driver::Connector;
use crate::error::Error;
use blanks::Filled;
use step::{Name, Seen, Step, Verdict};
use walk::Walk;

/// What a walk along the way of a login found.
#[derive(Debug, Serialize)]
pub struct Diagnosis {
    /// Whether the verdict of every step is ok.
    pub ok: bool,
    /// Every step, in order.
    pub steps: Vec<Step>,
    /// What may be wrong, the most likely first. Empty when all is well.
    pub causes: Vec<Suspect>,
}

/// A cause that fits what was seen.
#[derive(Debug, Serialize)]
pub struct Suspect {
    /// Its stable name.
    pub cause: &'static str,
    /// What it is.
    pub title: String,
    /// What was seen that speaks for it.
    pub because: String,
    /// The check or command that tells whether it is the one.
    pub confirm: String,
    /// What to do about it.
    pub fix: String,
}

impl Suspect {
    fn new(cause: Cause, filled: Filled, because: String) -> Suspect {
        let Filled { title, confirm, fix } = filled;
        Suspect { cause: cause.entry().id, title, because, confirm, fix }
    }
}

/// The function that is looked at.
pub struct Patient<'a, C> {
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
pub async fn diagnose<C: Connector>(patient: &Patient<'_, C>, deadline: Deadline) -> Diagnosis {
    let mut walk = Walk::new(patient, deadline);
    // Each step that fails ends the walk: the steps after it are not reached.
    let _ = walk.whole_way().await;
    walk.finish()
}

impl Diagnosis {
    /// What there is to say about a function that could not start because of `error`.
    pub fn of_failed_start<C: Connector>(error: &Error) -> Diagnosis {
        let seen = Seen::failed(error.report()).fact("error_type", error.error_type());
        let suspects = error.filled().into_iter();
        let suspects = suspects.map(|(cause, filled)| Suspect::new(cause, filled, error.chain()));
        let first = Step::taken(Name::Settings, seen.fact("engine", C::ENGINE.title()), 0.0);
        Diagnosis::new(vec![first], suspects.collect())
    }

    /// With the steps that were taken. The others were not reached.
    fn new(mut steps: Vec<Step>, causes: Vec<Suspect>) -> Diagnosis {
        steps.extend(Name::ALL.iter().skip(steps.len()).map(|name| Step::not_reached(*name)));
        let ok = steps.iter().all(|step| step.verdict == Verdict::Ok);
        Diagnosis { ok, steps, causes }.bounded()
    }
}
