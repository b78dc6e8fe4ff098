//! What runs: the code that Lambda says each function and layer of a stack has, and the stack put
//! back where that is not what was built.

use std::collections::BTreeSet;

use aws_cli::Aws;
use serde::{Deserialize, Serialize};

use crate::artifacts::Zip;
use crate::change_set::Wanted;
use crate::events::Watch;
use crate::stack::{self, Resource, Stack};
use crate::sum::Sum;
use crate::{Failure, Report, change_set, interrupt};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Code {
    code_sha256: Sum,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Layer {
    content: Code,
}

/// The code of a function or a layer: none, where somebody has removed it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Running {
    pub(crate) resource: String,
    #[serde(skip)]
    kind: String,
    pub(crate) sha256: Option<Sum>,
}

/// Asks Lambda for the code of everything in the stack.
pub(crate) fn running(aws: &Aws, stack: &str) -> Result<Vec<Running>, Failure> {
    let mut all = vec![];
    for resource in stack::resources(aws, stack)? {
        let id = resource.physical_resource_id.as_deref().unwrap_or_default();
        let code = match resource.resource_type.as_str() {
            "AWS::Lambda::Function" => {
                aws.call(&["lambda", "get-function-configuration", "--function-name", id])
            }
            "AWS::Lambda::LayerVersion" => {
                // arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
                let mut parts = id.rsplit(':');
                let (version, name) = (parts.next(), parts.next().unwrap_or_default());
                let get = ["lambda", "get-layer-version", "--layer-name", name];
                let version = ["--version-number", version.unwrap_or_default()];
                let layer = aws.call(&[&get[..], &version].concat());
                layer.map(|Layer { content }| content)
            }
            _ => continue,
        };
        let sha256 = match code {
            Ok(Code { code_sha256 }) => Some(code_sha256),
            Err(error) if error.to_string().contains("ResourceNotFoundException") => None,
            Err(error) => return Err(error.into()),
        };
        let Resource { logical_resource_id: resource, resource_type: kind, .. } = resource;
        all.push(Running { resource, kind, sha256 });
    }
    Ok(all)
}

/// A function or a layer with other code than was built.
#[derive(Debug, Serialize)]
pub(crate) struct Other {
    resource: String,
    built: Sum,
    running: Option<Sum>,
}

/// What in the stack has other code than was built: nothing, if all is well.
///
/// # Errors
/// Lambda does not tell, or the stack has no function or no layer that was built.
pub(crate) fn others(aws: &Aws, stack: &str, zips: &[Zip]) -> Result<Vec<Other>, Failure> {
    let running = running(aws, stack)?;
    let made = zips.iter().flat_map(|zip| {
        let of_zip = running.iter().filter(|it| zip.becomes(&it.resource, &it.kind));
        of_zip.map(move |it| (it, &zip.sum))
    });
    let made: Vec<_> = made.collect();
    let kinds: BTreeSet<_> = made.iter().map(|(it, _)| &it.kind).collect();
    if kinds.len() < 2 {
        return Err(
            format!("the stack {stack} has no function with the layer that was built").into()
        );
    }
    let others = made.iter().filter(|(it, built)| it.sha256.as_ref() != Some(*built));
    Ok(others
        .map(|(it, built)| Other {
            resource: it.resource.clone(),
            built: (*built).clone(),
            running: it.sha256.clone(),
        })
        .collect())
}

/// Both sums of each.
pub(crate) fn told(others: &[Other]) -> String {
    let lines = others.iter().map(|Other { resource, built, running }| {
        let running = running.as_ref().map_or("nothing".to_owned(), |sum| format!("sha256 {sum}"));
        format!("  {resource}\n    built:   sha256 {built}\n    running: {running}")
    });
    format!(
        "OTHER CODE RUNS THAN WAS BUILT. Somebody changed it on its way: in the bucket of the zips, or \
         in Lambda itself\n{}",
        lines.collect::<Vec<_>>().join("\n")
    )
}

/// A stack as it is before a deployment.
pub(crate) enum Before {
    /// It is not deployed to.
    Unchanged,
    /// There is none yet.
    Nothing,
    /// What it is made of.
    Stack { template: String, parameters: Vec<(String, String)>, running: Vec<Running> },
}

impl Before {
    /// Reads it.
    pub(crate) fn of(aws: &Aws, name: &str) -> Result<Self, Failure> {
        let stack = stack::describe(aws, name)?;
        let Some(stack) = stack.filter(|stack| !stack.is_only_reviewed()) else {
            return Ok(Self::Nothing);
        };
        Ok(Self::Stack {
            template: stack::template(aws, name)?,
            parameters: stack.parameters(),
            running: running(aws, name)?,
        })
    }
}

/// Puts a stack with other code back to where it was. Returns what was done; a new one is removed.
///
/// # Errors
/// The other code still runs.
pub(crate) fn put_back(
    aws: &Aws,
    stack: &Stack,
    before: Before,
    report: &Report,
) -> Result<String, Failure> {
    let name = &stack.stack_name;
    let back = match before {
        Before::Unchanged => Err("nothing was deployed, so that there is nothing to go back to; \
             remove the stack, and deploy it anew"
            .into()),
        Before::Nothing => remove(aws, stack, report),
        Before::Stack { template, parameters, running: before } => {
            let wanted = Wanted { template: &template, parameters: &parameters };
            update(aws, name, &wanted, report).and_then(|()| match running(aws, name)? {
                now if now == before => Ok(format!("the stack {name} is as it was before")),
                _ => Err("it has its old template, and not its old code".into()),
            })
        }
    };
    back.map_err(|error| format!("the stack {name} STILL RUNS OTHER CODE: {error}").into())
}

fn remove(aws: &Aws, stack: &Stack, report: &Report) -> Result<String, Failure> {
    let name = &stack.stack_name;
    let watch = Watch::from_now(aws, &stack.stack_id)?;
    aws.run(&["cloudformation", "delete-stack", "--stack-name", &stack.stack_id])?;
    interrupt::goes_on(Some(format!("interrupted, but the removal of {name} goes on at AWS")));
    let end = watch.until_rest(report);
    interrupt::goes_on(None);
    match end?.status.as_str() {
        "DELETE_COMPLETE" => Ok(format!("the new stack {name} is removed")),
        status => Err(format!("it is {status}").into()),
    }
}

fn update(aws: &Aws, name: &str, wanted: &Wanted<'_>, report: &Report) -> Result<(), Failure> {
    let plan = change_set::create(aws, name, wanted)?;
    let plan = plan.ok_or("CloudFormation sees nothing to put back")?;
    let end = change_set::execute(aws, name, &plan, report)?;
    if end.is_success() { Ok(()) } else { Err(format!("it is {}", end.status).into()) }
}
