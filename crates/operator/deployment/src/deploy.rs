//! `deploy`: from a database to functions that reach it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_cli::{Aws, Target, discover};
use packaging::Architecture;
use serde_json::json;

use crate::artifacts::Zip;
use crate::bucket::Bucket;
use crate::caller::Caller;
use crate::change_set::{self, Change, Plan, Wanted};
use crate::choice::{Choice, Given, choose};
use crate::events::End;
use crate::parameters::parameters;
use crate::running::Before;
use crate::stack::Stack;
use crate::{Account, Failure, Report};
use crate::{artifacts, boundary, checks, diagnose, running, sam, schedule, stack};

/// What to deploy, and how.
#[derive(Clone, Debug)]
pub struct Deploy {
    /// The database to ask AWS about; `None` when every value is given by hand.
    pub target: Option<Target>,
    /// What is given by hand.
    pub given: Given,
    /// The user that the functions log in as.
    pub user: String,
    /// The database they use.
    pub database: String,
    /// The stack.
    pub stack: String,
    /// What the functions run on.
    pub architecture: Architecture,
    /// Other parameters of the template.
    pub parameters: Vec<(String, String)>,
    /// Turn IAM authentication on where it is off.
    pub enable_iam_auth: bool,
    /// The bucket to upload to; `None` is our own of the account and the region.
    pub bucket: Option<String>,
    /// Do not build: take the zips that are there.
    pub prebuilt: bool,
    /// Do not ask.
    pub yes: bool,
    /// Do everything that needs no account.
    pub dry_run: bool,
}

/// Deploys. Returns whether all is well: `false` is a deployment that failed and was rolled back, one
/// that was not wanted when the plan was seen, or functions that cannot log in.
///
/// # Errors
/// Nothing was deployed, and why.
pub fn deploy(
    options: &Deploy,
    account: &Account,
    now: SystemTime,
    report: &Report,
) -> Result<bool, Failure> {
    let choice = choice(options, account, report)?;
    let region = choice.endpoint.region().to_owned();
    can_work(&choice, options)?;
    if !choice.endpoint.kind().is_proxy() && !is_given(options, "CaBundle") {
        artifacts::has_roots(&region, now)?;
    }
    report.say(&shown(&choice, options));

    let account = Account { region: Some(region.clone()), ..account.clone() };
    // What is wrong with the account is told before the long part.
    let aws = if options.dry_run {
        None
    } else {
        let aws = account.client(report)?;
        let caller = Caller::of(&aws)?;
        Some((aws, caller))
    };
    let mut options = options.clone();
    if let Some((aws, caller)) = &aws {
        checks::surroundings(aws, &choice, report);
        let kept = must_take_a_deployment(aws, &options)?;
        options.parameters.extend(boundary::found(aws, caller, &options, kept.as_ref(), report));
        checks::rules(&all_parameters(&choice, &options), kept.as_ref())?;
        scheduled(&choice, &options, kept.as_ref())?;
    }
    let options = &options;
    let built = if options.prebuilt {
        None
    } else {
        Some(artifacts::make(options.architecture, now, report)?)
    };
    let parameters = all_parameters(&choice, options);
    let Some((aws, caller)) = aws else {
        let tools = pinned_tools::sam(&mut |line| report.note(line))?;
        report.note("checking the template");
        sam::validate(&tools, &artifacts::template()?, &region)?;
        return Ok(planned(options, &parameters, report));
    };
    let zips = artifacts::read(built.as_deref())?;
    report.note("uploading what is not there yet, and making a change set");
    let bucket = Bucket::open(&aws, &caller, &region, options.bucket.as_deref(), report)?;
    let template = artifacts::packaged(&zips, |zip| bucket.keep(&options.stack, zip))?;
    let wanted = Wanted { template: &template, parameters: &parameters };
    let plan = change_set::create(&aws, &options.stack, &wanted)?;
    carry_out(&aws, options, &choice, &zips, plan.as_ref(), report)
}

/// The database, asked of AWS and checked where one is named.
fn choice(options: &Deploy, account: &Account, report: &Report) -> Result<Choice, Failure> {
    let Some(target) = &options.target else { return choose(&options.given, None, account) };
    report.note(&format!("asking AWS about the {target}"));
    let aws = account.client(report)?;
    let found = discover(&aws, target)?;
    // What cannot be is told first; only what is wanted is changed.
    let wanted = choose(&options.given, Some(found.clone()), account)?;
    can_work(&wanted, options)?;
    let enable = options.enable_iam_auth && !options.dry_run;
    let found = checks::database(&aws, found, enable, report)?;
    choose(&options.given, Some(found), account)
}

/// Checks what can be checked without AWS.
fn can_work(choice: &Choice, options: &Deploy) -> Result<(), Failure> {
    checks::login(choice, &options.user)?;
    checks::parameters(&options.stack, &all_parameters(choice, options))?;
    // A stack that exists may keep other values than the template's own.
    if options.dry_run {
        checks::rules(&all_parameters(choice, options), None)?;
    }
    if options.dry_run || is_given(options, "ScheduledStatement") {
        scheduled(choice, options, None)?;
    }
    Ok(())
}

/// Checks what the schedule will run. Without building, the zips hold what is in the workspace.
fn scheduled(choice: &Choice, options: &Deploy, kept: Option<&Stack>) -> Result<(), Failure> {
    let given = all_parameters(choice, options);
    schedule::check(&packaging::statements()?, |name| {
        let given = given.iter().find(|(parameter, _)| parameter == name);
        given.map(|(_, value)| value.as_str()).or_else(|| kept?.parameter(name))
    })
}

fn all_parameters(choice: &Choice, options: &Deploy) -> Vec<(String, String)> {
    parameters(
        choice,
        &options.user,
        &options.database,
        options.architecture.name(),
        &options.parameters,
    )
}

fn is_given(options: &Deploy, parameter: &str) -> bool {
    options.parameters.iter().any(|(name, value)| name == parameter && !value.is_empty())
}

/// The stack that there is, if there is one. A first deployment that failed leaves one that takes no
/// other.
fn must_take_a_deployment(aws: &Aws, options: &Deploy) -> Result<Option<Stack>, Failure> {
    let Some(stack) = stack::describe(aws, &options.stack)? else { return Ok(None) };
    let name = &options.stack;
    match stack.stack_status.as_str() {
        "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "DELETE_FAILED" => Err(format!(
            "the stack {name} is {}, and CloudFormation lets nobody deploy to it any more; remove \
             it first: cargo xtask destroy --stack-name {name}",
            stack.stack_status
        )
        .into()),
        "REVIEW_IN_PROGRESS" => Ok(Some(stack)),
        status if status.ends_with("_IN_PROGRESS") => Err(format!(
            "the stack {name} is {status}: somebody else deploys to it; try again when it rests"
        )
        .into()),
        _ => Ok(Some(stack)),
    }
}

/// What a person should know of the choice.
fn shown(choice: &Choice, options: &Deploy) -> String {
    let what = choice.found.as_ref().map_or("database".to_owned(), |it| it.target.to_string());
    let version = choice.found.as_ref().and_then(|it| it.version.as_deref()).unwrap_or_default();
    let rows = [
        ("engine", format!("{} {version}", choice.engine).trim_end().to_owned()),
        ("endpoint", choice.endpoint.to_string()),
        ("resource id", choice.resource_id.clone()),
        ("log in as", format!("{}, to {}", options.user, options.database)),
        ("subnets", choice.subnets.join(", ")),
        ("groups", choice.security_groups.join(", ")),
    ];
    let lines = rows.map(|(name, value)| format!("  {name:<12} {value}"));
    format!("{what}, in {}\n{}", choice.endpoint.region(), lines.join("\n"))
}

/// The end of a dry run.
fn planned(options: &Deploy, parameters: &[(String, String)], report: &Report) -> bool {
    let lines: Vec<_> =
        parameters.iter().map(|(name, value)| format!("  {name} = {value}")).collect();
    report.say(&format!(
        "would deploy the stack {}, with the parameters\n{}\nnothing was asked of AWS or changed \
         there by this dry run but what discovery reads",
        options.stack,
        lines.join("\n")
    ));
    let parameters: BTreeMap<_, _> = parameters.iter().map(|(name, value)| (name, value)).collect();
    report.document(&json!({
        "outcome": "planned", "stack": options.stack, "parameters": parameters
    }));
    true
}

/// Shows the plan, carries it out, and lets the function prove itself.
fn carry_out(
    aws: &Aws,
    options: &Deploy,
    choice: &Choice,
    zips: &[Zip],
    plan: Option<&Plan>,
    report: &Report,
) -> Result<bool, Failure> {
    // Where nothing was changed there is nothing to go back to.
    let mut before = Before::Unchanged;
    let mut result = json!({ "stack": options.stack, "region": choice.endpoint.region() });
    if let Some(plan) = plan {
        result["changes"] = serde_json::to_value(&plan.changes)?;
        report.say(&format!(
            "plan for the stack {}\n{}\n{}",
            options.stack,
            change_set::shown(&plan.changes),
            code(&plan.changes, zips)
        ));
        if !wanted(aws, options, plan, report)? {
            result["outcome"] = "refused".into();
            report.document(&result);
            return Ok(false);
        }
        before = Before::of(aws, &options.stack)?;
        let end = change_set::execute(aws, &options.stack, plan, report)?;
        if !end.is_success() {
            result["outcome"] = "failed".into();
            result["status"] = end.status.as_str().into();
            result["first_failure"] = end.first_failure.as_deref().into();
            report.say(&failed(options, &end));
            report.document(&result);
            return Ok(false);
        }
        result["outcome"] = "deployed".into();
        report.say(&format!("the stack {} is {}", options.stack, end.status));
    } else {
        result["outcome"] = "unchanged".into();
        report.say(&format!("nothing changed: the stack {} stays as it is", options.stack));
    }
    let stack = stack::describe(aws, &options.stack)?
        .ok_or_else(|| format!("the stack {} has vanished meanwhile", options.stack))?;
    let others = running::others(aws, &options.stack, zips)?;
    if !others.is_empty() {
        report.note(&running::told(&others));
        result["outcome"] = "other code".into();
        result["other_code"] = serde_json::to_value(&others)?;
        report.document(&result);
        report.note(&running::put_back(aws, &stack, before, report)?);
        return Ok(false);
    }
    result["outputs"] = serde_json::to_value(stack.outputs())?;
    prove(aws, choice, &stack, result, report)
}

/// The code of what changes.
fn code(changes: &[Change], zips: &[Zip]) -> String {
    let line = |zip: &Zip| {
        let mut changed = changes.iter().filter(|it| zip.becomes(&it.resource, &it.kind));
        changed.next().map(|it| format!("  {} will run sha256 {}", it.resource, zip.sum))
    };
    zips.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// Whether the plan is wanted. One that is not leaves nothing behind.
fn wanted(aws: &Aws, options: &Deploy, plan: &Plan, report: &Report) -> Result<bool, Failure> {
    let answer = report.confirm("Carry this plan out?", options.yes);
    if !matches!(answer, Ok(true)) {
        change_set::discard(aws, plan)?;
        report.say("nothing was deployed; the change set is removed");
    }
    answer
}

fn failed(options: &Deploy, end: &End) -> String {
    let first = end.first_failure.as_deref().unwrap_or("AWS gave no reason");
    let name = &options.stack;
    let after = match end.status.as_str() {
        "UPDATE_ROLLBACK_COMPLETE" => "everything is as it was before".to_owned(),
        "ROLLBACK_COMPLETE" => format!(
            "what had been made is removed; so that it can be deployed again, remove the empty \
             stack: cargo xtask destroy --stack-name {name}"
        ),
        status => {
            format!("the stack is {status}, which CloudFormation's console shows how to mend")
        }
    };
    format!("the deployment failed, first at\n  {first}\n{after}")
}

/// The name of the function's output in the template.
fn function_output(choice: &Choice) -> &'static str {
    if choice.engine.is_postgres() { "PostgresFunctionName" } else { "MySqlFunctionName" }
}

/// Lets the deployed function log in, and shows what it tells.
fn prove(
    aws: &Aws,
    choice: &Choice,
    stack: &Stack,
    mut result: serde_json::Value,
    report: &Report,
) -> Result<bool, Failure> {
    let outputs = stack.outputs();
    let output = function_output(choice);
    let function = outputs
        .get(output)
        .ok_or_else(|| format!("the stack {} has no output {output}", stack.stack_name))?;
    report.note(&format!("asking the function {function} to log in"));
    let diagnosis = diagnose::ask(aws, function).map_err(|error| {
        format!(
            "the stack {} stands, but its function gives no diagnosis: {error}",
            stack.stack_name
        )
    })?;
    let healthy = diagnosis.is_healthy();
    report.say(&doctor::render(&diagnosis, report.terminal));
    for (name, value) in &outputs {
        report.say(&format!("  {name:<24} {value}"));
    }
    if !healthy {
        report.say(&format!(
            "the stack {} stands, and its function cannot log in; mend the cause and ask again: \
             cargo xtask doctor --function {function}",
            stack.stack_name
        ));
    }
    result["diagnose"] = serde_json::to_value(&diagnosis)?;
    report.document(&result);
    Ok(healthy)
}
