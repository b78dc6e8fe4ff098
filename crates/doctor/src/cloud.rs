//! What AWS's APIs know of a login: steps and causes that no walk from the function can see. What is
//! certain goes before what the function can only suspect.

mod database;
mod log;
mod network;
mod policy;
mod principal;

use doctor::{Cause, Diagnosis, Step, Verdict};
use rds_discovery::{Aws, Database};
use serde_json::{Map, Value};
use std::time::{Instant, SystemTime};

use crate::deployed::Configuration;

/// A login, as far as it is known here.
#[derive(Default)]
pub(crate) struct Login {
    /// The database user.
    pub(crate) user: Option<String>,
    /// The host that the token is signed for.
    pub(crate) host: Option<String>,
    /// The port that the token is signed for.
    pub(crate) port: Option<String>,
    /// The deployed function; `None` when one runs here.
    pub(crate) function: Option<Configuration>,
}

/// What one question to AWS gave.
struct Finding {
    verdict: Verdict,
    seen: String,
    facts: Map<String, Value>,
    /// The causes that are certain.
    causes: Vec<Cause>,
    /// The causes that it cannot be.
    disproved: &'static [&'static str],
}

impl Finding {
    fn new(verdict: Verdict, seen: impl Into<String>) -> Finding {
        let (facts, causes, disproved) = (Map::new(), Vec::new(), &[][..]);
        Finding { verdict, seen: seen.into(), facts, causes, disproved }
    }

    fn fact(mut self, name: &str, value: impl Into<Value>) -> Finding {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    fn because_of(mut self, causes: impl IntoIterator<Item = Cause>) -> Finding {
        self.causes.extend(causes);
        self
    }

    fn disproves(mut self, causes: &'static [&'static str]) -> Finding {
        self.disproved = causes;
        self
    }
}

/// A cause, in the words of what is known.
fn cause(id: &str, title: &str, because: String, confirm: String, fix: String) -> Cause {
    Cause { id: id.into(), title: title.into(), because, confirm, fix, more: Map::new() }
}

/// Asks AWS, and completes the diagnosis.
pub(crate) fn complete(
    mut diagnosis: Diagnosis,
    aws: &Aws,
    database: &Database,
    login: &Login,
    now: SystemTime,
) -> Diagnosis {
    let aws = &aws.clone().region(&database.region);
    let logged_in = went(&diagnosis, "login");
    let connected = went(&diagnosis, "tcp");
    let mut steps = Vec::new();
    let (mut certain, mut disproved) = (Vec::new(), Vec::new());
    let mut step = |name: &str, ask: &mut dyn FnMut() -> Option<Finding>| {
        let start = Instant::now();
        let Some(finding) = ask() else { return };
        steps.push(Step {
            name: name.to_owned(),
            verdict: finding.verdict,
            ms: Some(start.elapsed().as_secs_f64() * 1e3),
            seen: finding.seen,
            facts: finding.facts,
            more: Map::new(),
        });
        certain.extend(finding.causes);
        disproved.extend(finding.disproved);
    };
    step("aws-database", &mut || Some(database::examine(database, login)));
    step("aws-policy", &mut || Some(policy::examine(aws, database, login, logged_in)));
    step("aws-network", &mut || Some(network::examine(aws, database, login, connected)));
    step("aws-log", &mut || (!logged_in).then(|| log::examine(aws, database, login, now)));

    diagnosis.ok &= steps.iter().all(|step| step.verdict == Verdict::Ok);
    diagnosis.steps.extend(steps);
    let known = |cause: &Cause| certain.iter().any(|sure: &Cause| sure.id == cause.id);
    diagnosis.causes.retain(|cause| !known(cause) && !disproved.contains(&cause.id.as_str()));
    certain.append(&mut diagnosis.causes);
    diagnosis.causes = certain;
    diagnosis
}

/// Whether the function got past a step.
fn went(diagnosis: &Diagnosis, name: &str) -> bool {
    let step = diagnosis.steps.iter().find(|step| step.name == name);
    step.is_some_and(|step| matches!(step.verdict, Verdict::Ok | Verdict::Warning))
}

/// A question that AWS did not answer. What the walk `proves` needs no answer.
fn unanswered(proves: bool, proof: &str, error: &impl std::fmt::Display) -> Finding {
    match proves {
        true => Finding::new(Verdict::Ok, format!("{proof}; AWS was not asked: {error}")),
        false => Finding::new(Verdict::NotReached, format!("AWS did not tell: {error}")),
    }
}
