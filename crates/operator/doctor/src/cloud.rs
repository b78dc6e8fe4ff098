//! What AWS's APIs know of a login, and the function cannot see. Causes that AWS proves come before those
//! that the function suspects.

mod condition;
mod database;
mod documents;
mod log;
mod metrics;
mod network;
mod network_condition;
mod pause;
mod policy;
mod principal;
mod proxy;
mod readers;
mod resource_id;
#[cfg(test)]
mod sample;
mod simulation;
mod wildcard;

use aws_cli::{Aws, Database, Function, Target};
use diagnosis::{
    Cause, Diagnosis, Filled, Placeholders, RdsResource, Step, StepName, Suspect, Verdict, shell,
};
use serde_json::{Map, Value};
use std::thread;
use std::time::{Instant, SystemTime};

/// What is known of the login.
#[derive(Default)]
pub(crate) struct Login {
    /// The database user.
    pub(crate) user: Option<String>,
    /// The host that the token is signed for.
    pub(crate) host: Option<String>,
    /// The host that statements that read go to.
    pub(crate) reader: Option<String>,
    /// The database.
    pub(crate) database: Option<String>,
    /// The port that the token is signed for.
    pub(crate) port: Option<String>,
    /// The resource ids in the policy, as the settings have them.
    pub(crate) resource_ids: Vec<String>,
    /// The roots that the settings choose: `rds`, `amazon`, or the path of a bundle.
    pub(crate) trust: Option<String>,
    /// The deployed function; `None` when one runs here.
    pub(crate) function: Option<Function>,
}

/// The members of a list with commas.
pub(crate) fn listed(list: Option<String>) -> Vec<String> {
    let list = list.unwrap_or_default();
    list.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

/// What the function's own diagnosis saw.
#[derive(Clone, Copy, Debug)]
struct Seen {
    logged_in: bool,
    /// Whether it suspects a database that was paused.
    suspects_pause: bool,
}

/// The result of one check at AWS.
struct Finding {
    verdict: Verdict,
    seen: String,
    facts: Map<String, Value>,
    /// The causes that it proves.
    causes: Vec<Suspect>,
    /// The causes that it finds and cannot prove.
    possible: Vec<Suspect>,
    /// The causes that it rules out.
    disproved: Vec<Cause>,
}

impl Finding {
    fn new(verdict: Verdict, seen: impl Into<String>) -> Finding {
        let (facts, causes, possible) = (Map::new(), Vec::new(), Vec::new());
        Finding { verdict, seen: seen.into(), facts, causes, possible, disproved: Vec::new() }
    }

    fn fact(mut self, name: &str, value: impl Into<Value>) -> Finding {
        self.facts.insert(name.to_owned(), value.into());
        self
    }

    fn because_of(mut self, causes: impl IntoIterator<Item = Suspect>) -> Finding {
        self.causes.extend(causes);
        self
    }

    fn perhaps_because_of(mut self, causes: impl IntoIterator<Item = Suspect>) -> Finding {
        self.possible.extend(causes);
        self
    }

    fn disproves(mut self, causes: &[Cause]) -> Finding {
        self.disproved.extend(causes);
        self
    }
}

/// `cause`, with commands for the resources that AWS names.
fn suspect(cause: Cause, because: String, confirm: String, fix: String) -> Suspect {
    let filled = Filled { confirm, fix, ..Placeholders::default().fill(cause) };
    Suspect::new(cause, filled, because)
}

/// `cause` with the texts of the table, filled in for the database.
fn of_table(cause: Cause, because: String, database: &Database, login: &Login) -> Suspect {
    let (resource, name) = match (&database.target, &database.cluster) {
        (Target::Instance(name), None) => (RdsResource::Instance, name),
        (Target::Cluster(name), _) | (Target::Instance(_), Some(name)) => {
            (RdsResource::Cluster, name)
        }
        (Target::Proxy(name), _) => (RdsResource::Proxy, name),
    };
    let texts = Placeholders::default()
        .with_resource(resource)
        .with("identifier", &shell(name))
        .with("host", &database.endpoint)
        .with("port", &database.port.to_string())
        .with("region", &database.region)
        .with("resource_id", &database.resource_id)
        .with("account", database.account().unwrap_or("ACCOUNT"))
        .with("partition", database.arn.split(':').nth(1).unwrap_or("aws"))
        .with("user", login.user.as_deref().unwrap_or("USER"))
        .with("database", login.database.as_deref().unwrap_or("DATABASE"));
    Suspect::new(cause, texts.fill(cause), because)
}

/// Runs all checks at once, and completes the diagnosis.
pub(crate) fn complete(
    mut diagnosis: Diagnosis,
    aws: &Aws,
    database: &Database,
    login: &Login,
    now: SystemTime,
) -> Diagnosis {
    let aws = &aws.clone().region(&database.region);
    let (connected, logged_in) =
        (went(&diagnosis, StepName::Tcp), went(&diagnosis, StepName::Login));
    let suspects_pause = diagnosis.causes.iter().any(|it| it.id == Cause::DatabasePaused.id());
    let seen = Seen { logged_in, suspects_pause };
    let findings = thread::scope(|scope| {
        // In the order of a login's steps.
        let asking: [(_, Ask<'_>); 5] = [
            ("aws-network", Box::new(|| Some(network::examine(aws, database, login, connected)))),
            ("aws-database", Box::new(|| Some(database::examine(aws, database, login, seen)))),
            ("aws-policy", Box::new(|| Some(policy::examine(aws, database, login, logged_in)))),
            ("aws-metrics", Box::new(|| metrics::examine(aws, database, login, logged_in, now))),
            ("aws-log", Box::new(|| (!logged_in).then(|| log::examine(aws, database, login, now)))),
        ];
        let asking = asking.map(|(name, ask)| (name, scope.spawn(move || timed(ask))));
        asking.map(|(name, ask)| (name, ask.join()))
    });
    let (mut certain, mut possible) = (Vec::new(), Vec::new());
    for (name, finding) in findings {
        let (ms, finding) = match finding {
            Ok((ms, Some(finding))) => (ms, finding),
            Ok((_, None)) => continue,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let Finding { verdict, seen, facts, causes, possible: perhaps, disproved } = finding;
        diagnosis.ok &= verdict == Verdict::Ok;
        let (name, ms, facts) = (name.to_owned(), Some(ms), Some(facts));
        diagnosis.steps.push(Step { name, verdict, ms, seen, facts, more: Map::new() });
        diagnosis.causes.retain(|cause| disproved.iter().all(|other| other.id() != cause.id));
        certain.extend(causes);
        possible.extend(perhaps);
    }
    diagnosis.causes = in_order([certain, possible, diagnosis.causes]);
    diagnosis
}

/// The causes, the surest first. One that is surer already does not come again.
fn in_order(causes: [Vec<Suspect>; 3]) -> Vec<Suspect> {
    let mut all: Vec<Suspect> = Vec::new();
    for mut less_sure in causes {
        less_sure.retain(|cause| !all.iter().any(|sure| sure.id == cause.id));
        all.append(&mut less_sure);
    }
    all
}

/// A check; it returns `None` when there is nothing to check.
type Ask<'a> = Box<dyn FnOnce() -> Option<Finding> + Send + 'a>;

/// The result of a check, and the milliseconds that it took.
fn timed(ask: Ask<'_>) -> (f64, Option<Finding>) {
    let start = Instant::now();
    let finding = ask();
    (start.elapsed().as_secs_f64() * 1e3, finding)
}

/// Whether the function got past a step.
fn went(diagnosis: &Diagnosis, name: StepName) -> bool {
    let step = diagnosis.steps.iter().find(|step| step.name == name.as_str());
    step.is_some_and(|step| matches!(step.verdict, Verdict::Ok | Verdict::Warning))
}

/// A check that AWS refused. If the function `proves` the same, it is ok.
fn unanswered(proves: bool, proof: &str, error: &impl std::fmt::Display) -> Finding {
    match proves {
        true => Finding::new(Verdict::Ok, format!("{proof}; not checked at AWS: {error}")),
        false => Finding::new(Verdict::NotReached, format!("not checked: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_proved_comes_before_what_may_be() {
        let of = |cause: Cause| suspect(cause, "x".into(), String::new(), String::new());
        let all = in_order([
            vec![of(Cause::Throttled)],
            vec![of(Cause::NetworkCondition)],
            vec![of(Cause::ClockOff), of(Cause::NetworkCondition), of(Cause::Throttled)],
        ]);
        let ids: Vec<_> = all.iter().map(|cause| cause.id.as_str()).collect();
        let expected = [Cause::Throttled, Cause::NetworkCondition, Cause::ClockOff];
        assert_eq!(ids, expected.map(Cause::id));
    }
}
