//! Checks, before anything is built, for what would keep a function from logging in.

use std::collections::BTreeMap;

use aws_cli::{Aws, Database, Objection, Reach, enable_iam_auth, objections, reach};
use engine::Engine;
use serde_json::Value;
use template_parameters::Parameters;

use crate::choice::Choice;
use crate::stack::Stack;
use crate::user;
use crate::{Failure, Report};

/// Whether IAM authentication is enabled where it is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Enable {
    No,
    /// A dry run says that it would be.
    Would,
    Yes,
}

impl Enable {
    pub(crate) fn of(enable: bool, dry_run: bool) -> Self {
        match (enable, dry_run) {
            (false, _) => Self::No,
            (true, true) => Self::Would,
            (true, false) => Self::Yes,
        }
    }
}

/// Checks the database, and enables IAM authentication if `enable` says so.
pub(crate) fn database(
    aws: &Aws,
    database: Database,
    enable: Enable,
    report: &Report,
) -> Result<Database, Failure> {
    for objection in objections(&database) {
        match objection {
            Objection::Unsupported(why) => return Err(why.into()),
            Objection::Risky(why) | Objection::NotAvailable(why) => {
                report.note(&format!("warning: {why}"))
            }
        }
    }
    if database.iam_auth {
        return Ok(database);
    }
    // What a proxy needs is said where it is enabled.
    if enable == Enable::Would && database.proxy.is_none() {
        report.note(&format!("would enable IAM authentication for the {}", database.target));
        return Ok(database);
    }
    if enable == Enable::No && database.proxy.is_none() {
        return Err(format!(
            "IAM authentication is disabled for {}, which would refuse every token; enable it with \
             --enable-iam-auth: the database keeps running, and its users keep their passwords",
            database.target
        )
        .into());
    }
    Ok(enable_iam_auth(aws, &database, &mut |line| report.note(line))?)
}

/// Checks the user that the functions log in as.
pub(crate) fn login(choice: &Choice, user: &str) -> Result<(), Failure> {
    let master = user::Master::of(choice.found.as_ref());
    user::refuse_master(user, master, choice.engine == Engine::Postgres)
}

/// Checks the parameters and the stack's name for what CloudFormation and Lambda would refuse only after
/// everything was built and uploaded.
pub(crate) fn parameters(
    template: &str,
    stack: &str,
    given: &[(String, String)],
) -> Result<(), Failure> {
    let given = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let mut refusals = Parameters::of_yaml(template)?.refusals(given);
    refusals.extend(stack_name(stack));
    refused(&refusals)
}

/// Checks all parameters against the rules of the template: those that are given, those that the stack keeps,
/// and the template's defaults. Returns their values.
pub(crate) fn rules(
    declared: &Parameters,
    given: &[(String, String)],
    kept: Option<&Stack>,
) -> Result<BTreeMap<String, Value>, Failure> {
    let kept = |name: &str| Some((name.to_owned(), kept?.parameter(name)?.to_owned()));
    let mut values: BTreeMap<_, _> = declared.names().filter_map(kept).collect();
    values.extend(given.iter().cloned());
    match declared.values(&values) {
        Ok(values) => refused(&declared.broken_rules(&values)?).map(|()| values),
        Err(refusals) => Err(refusal(&refusals)),
    }
}

fn refused(refusals: &[String]) -> Result<(), Failure> {
    match refusals {
        [] => Ok(()),
        _ => Err(refusal(refusals)),
    }
}

fn refusal(refusals: &[String]) -> Failure {
    format!("AWS would refuse this:\n  {}", refusals.join("\n  ")).into()
}

/// The longest name of a schedule group, which has the stack's name:
/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateScheduleGroup.html>.
const LONGEST_STACK_NAME: usize = 64;

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
fn stack_name(name: &str) -> Option<String> {
    let good = name.len() <= LONGEST_STACK_NAME
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|other| other.is_ascii_alphanumeric() || other == '-');
    (!good).then(|| {
        format!(
            "a stack name has letters, digits and hyphens, starts with a letter, and has at most \
             {LONGEST_STACK_NAME} characters"
        )
    })
}

/// Warns when the database's security groups do not admit the functions, or RDS does not log why it
/// refuses a token. Both can be changed later, so neither stops a deployment.
pub(crate) fn surroundings(aws: &Aws, choice: &Choice, report: &Report) {
    let Some(found) = &choice.found else { return };
    // Outside a VPC a function is in no group.
    if !choice.security_groups.is_empty() {
        match reach(aws, found, &choice.security_groups) {
            Ok(Reach::Open | Reach::ByAddress) => {}
            Ok(Reach::Closed) => report.note(&closed(found, &choice.security_groups)),
            Err(error) => {
                report.note(&format!("warning: cannot read the security groups: {error}"))
            }
        }
    }
    if found.exports_auth_errors == Some(false) {
        report.note(&format!(
            "note: {} does not export the log iam-db-auth-error, which says why RDS refuses a token",
            found.target
        ));
    }
}

fn closed(found: &Database, from: &[String]) -> String {
    let (group, source) = (found.security_groups.first(), from.first());
    let placeholder = || "sg-…".to_owned();
    format!(
        "warning: no inbound rule admits the functions ({}) on port {port}, so they would time out; add \
         one:\n  aws ec2 authorize-security-group-ingress --region {} --group-id {} --protocol \
         tcp --port {port} --source-group {}",
        from.join(", "),
        found.region,
        group.cloned().unwrap_or_else(placeholder),
        source.cloned().unwrap_or_else(placeholder),
        port = found.port,
    )
}
