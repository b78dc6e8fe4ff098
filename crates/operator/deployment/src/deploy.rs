//! `deploy`: from a database to functions that log in to it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use aws_cli::{Aws, invoke};
use diagnosis::Diagnosis;
use serde_json::json;

use crate::artifacts::Zip;
use crate::bucket::Bucket;
use crate::change_set::{self, Change, ChangeSet, Wanted};
use crate::events::End;
use crate::options::Deploy;
use crate::plan::{Plan, Statements};
use crate::prepare::{Prepared, prepare};
use crate::review::Review;
use crate::running::Before;
use crate::stack::Stack;
use crate::{Account, Failure, Report};
use crate::{artifacts, running, sam, stack};

/// Deploys. Returns `false` for a deployment that failed and was rolled back, that was declined when its
/// change set was shown, or whose function cannot log in.
///
/// # Errors
/// Nothing was deployed.
pub fn deploy(
    options: &Deploy,
    account: &Account,
    now: SystemTime,
    report: &Report,
) -> Result<bool, Failure> {
    let Prepared { plan, review, database, region, parameters, aws } =
        prepare(options, account, now, report)?;
    let built = match options.statements {
        Statements::LastBuild => None,
        _ => Some(artifacts::make(&plan.functions, options.architecture, now, report)?),
    };
    let Some((aws, caller)) = aws.filter(|_| !options.dry_run) else {
        let tools = pinned_tools::sam(&mut |line| report.note(line))?;
        report.note("checking the template");
        sam::validate(&tools, &plan.template, &region)?;
        return planned(options, &Contents { plan, review, database }, &parameters, report);
    };
    let zips = artifacts::read(&plan.functions, built.as_deref())?;
    report.note("uploading new zips and creating a change set");
    let bucket = Bucket::open(&aws, &caller, &region, options.bucket.as_deref(), report)?;
    let keep = |zip: &Zip| bucket.keep(&options.stack, zip);
    let template = artifacts::packaged(&plan.template, &zips, keep)?;
    let wanted = Wanted { template: &template, parameters: &parameters };
    let change_set = change_set::create(&aws, &options.stack, &wanted, &bucket)?;
    execute(
        &bucket,
        options,
        &Contents { plan, review, database },
        &zips,
        change_set.as_ref(),
        report,
    )
}

/// What the stack will have.
struct Contents {
    plan: Plan,
    review: Review,
    database: serde_json::Value,
}

impl Contents {
    /// For a program, as members of a result.
    fn add_to(&self, result: &mut serde_json::Value) -> Result<(), Failure> {
        result["functions"] = self.plan.document()?;
        result["database"] = self.database.clone();
        let serde_json::Value::Object(review) = self.review.document() else { return Ok(()) };
        for (name, value) in review {
            result[name] = value;
        }
        Ok(())
    }
}

/// The end of a dry run.
fn planned(
    options: &Deploy,
    contents: &Contents,
    parameters: &[(String, String)],
    report: &Report,
) -> Result<bool, Failure> {
    let lines: Vec<_> =
        parameters.iter().map(|(name, value)| format!("  {name} = {value}")).collect();
    report.say(&format!(
        "would deploy the stack {} with the parameters\n{}\n{}\nthis dry run changed nothing at AWS",
        options.stack,
        lines.join("\n"),
        contents.plan.placed(parameters)
    ));
    let parameters: BTreeMap<_, _> = parameters.iter().map(|(name, value)| (name, value)).collect();
    let mut result =
        json!({ "outcome": "planned", "stack": options.stack, "parameters": parameters });
    contents.add_to(&mut result)?;
    report.document(&result);
    Ok(true)
}

/// Shows the change set, executes it, and has the function log in.
fn execute(
    bucket: &Bucket<'_>,
    options: &Deploy,
    contents: &Contents,
    zips: &[Zip],
    change_set: Option<&ChangeSet>,
    report: &Report,
) -> Result<bool, Failure> {
    // Where nothing was changed there is nothing to roll back.
    let mut before = Before::Unchanged;
    let aws = bucket.aws();
    let mut result = json!({ "stack": options.stack, "region": aws.effective_region() });
    contents.add_to(&mut result)?;
    if let Some(change_set) = change_set {
        result["changes"] = serde_json::to_value(&change_set.changes)?;
        report.say(&format!(
            "change set for the stack {}\n{}\n{}",
            options.stack,
            change_set::shown(&change_set.changes),
            code(&change_set.changes, zips)
        ));
        if !confirmed(aws, options, change_set, report)? {
            result["outcome"] = "refused".into();
            report.document(&result);
            return Ok(false);
        }
        before = Before::of(aws, &options.stack)?;
        let end = change_set::execute(aws, &options.stack, change_set, report)?;
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
        report.say(&format!("nothing to change in the stack {}", options.stack));
    }
    let stack = stack::describe(aws, &options.stack)?
        .ok_or_else(|| format!("the stack {} was deleted meanwhile", options.stack))?;
    let others = running::others(aws, &options.stack, zips)?;
    if !others.is_empty() {
        report.note(&running::shown(&others));
        result["outcome"] = "other code".into();
        result["other_code"] = serde_json::to_value(&others)?;
        report.document(&result);
        report.note(&running::roll_back(aws, &stack, before, bucket, report)?);
        return Ok(false);
    }
    result["outputs"] = serde_json::to_value(stack.outputs())?;
    log_in(aws, &contents.plan, &stack, result, report)
}

/// The code of the functions and the layer that change.
fn code(changes: &[Change], zips: &[Zip]) -> String {
    let line = |zip: &Zip| {
        let mut changed = changes.iter().filter(|it| zip.becomes(&it.resource, &it.kind));
        changed.next().map(|it| format!("  {} will have sha256 {}", it.resource, zip.sum))
    };
    zips.iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

/// Asks whether to execute the change set. One that is declined is deleted.
fn confirmed(
    aws: &Aws,
    options: &Deploy,
    change_set: &ChangeSet,
    report: &Report,
) -> Result<bool, Failure> {
    let answer = report.confirm("Execute this change set?", options.yes);
    if !matches!(answer, Ok(true)) {
        change_set::delete(aws, change_set)?;
        report.say("nothing was deployed; the change set is deleted");
    }
    answer
}

fn failed(options: &Deploy, end: &End) -> String {
    let first = end.first_failure.as_deref().unwrap_or("AWS gave no reason");
    let name = &options.stack;
    let after = match end.status.as_str() {
        "UPDATE_ROLLBACK_COMPLETE" => "the stack is rolled back".to_owned(),
        "ROLLBACK_COMPLETE" => format!(
            "its resources are deleted; before the next deployment, delete the empty stack too: cargo \
             xtask destroy --stack-name {name}"
        ),
        status => {
            format!("the stack is {status}; CloudFormation's console shows how to recover it")
        }
    };
    format!("the deployment failed; the first failure:\n  {first}\n{after}")
}

/// Has the deployed function log in, and shows its diagnosis.
fn log_in(
    aws: &Aws,
    plan: &Plan,
    stack: &Stack,
    mut result: serde_json::Value,
    report: &Report,
) -> Result<bool, Failure> {
    let outputs = stack.outputs();
    let output = format!("{}FunctionName", plan.function.prefix());
    let function = outputs
        .get(output.as_str())
        .ok_or_else(|| format!("the stack {} has no output {output}", stack.stack_name))?;
    report.note(&format!("invoking the function {function} for its diagnosis"));
    let diagnosis = diagnose(aws, function).map_err(|error| {
        format!(
            "the stack {} is deployed, but its function returned no diagnosis: {error}",
            stack.stack_name
        )
    })?;
    report.say(&doctor::render(&diagnosis, report.terminal));
    for (name, value) in &outputs {
        report.say(&format!("  {name:<24} {value}"));
    }
    if !diagnosis.works() {
        report.say(&format!(
            "the stack {} is deployed, but its function cannot work; fix the cause and check again: \
             cargo xtask doctor --function {function}",
            stack.stack_name
        ));
    }
    result["diagnose"] = serde_json::to_value(&diagnosis)?;
    report.document(&result);
    Ok(diagnosis.works())
}

fn diagnose(aws: &Aws, function: &str) -> Result<Diagnosis, Failure> {
    let answer = invoke(aws, function, diagnosis::EVENT)?;
    Ok(doctor::read_answer(&answer.payload, answer.function_error.as_deref())?)
}
