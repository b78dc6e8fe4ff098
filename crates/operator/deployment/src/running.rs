//! The code that Lambda has of each function and layer of a stack; and the rollback of a stack whose code
//! is not what was built.

use std::collections::BTreeSet;

use aws_cli::{Aws, Function};
use serde::{Deserialize, Serialize};

use crate::artifacts::Zip;
use crate::bucket::Bucket;
use crate::change_set::Wanted;
use crate::events::Watch;
use crate::stack::{self, Resource, Stack};
use crate::sum::Sum;
use crate::{Failure, Report, change_set, interrupt};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Layer {
    content: Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    code_sha256: Sum,
}

/// The code of a function or a layer; `None` where it was deleted.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Running {
    pub(crate) resource: String,
    #[serde(skip)]
    kind: String,
    pub(crate) sha256: Option<Sum>,
}

/// Asks Lambda for the code of every function and layer of the stack.
pub(crate) fn running(aws: &Aws, stack: &str) -> Result<Vec<Running>, Failure> {
    let mut all = vec![];
    for resource in stack::resources(aws, stack)? {
        let id = resource.physical_resource_id.as_deref().unwrap_or_default();
        let code = match resource.resource_type.as_str() {
            "AWS::Lambda::Function" => Function::of(aws, id).map(|it| Sum::from(it.code_sha256)),
            "AWS::Lambda::LayerVersion" => {
                // arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
                let mut parts = id.rsplit(':');
                let (version, name) = (parts.next(), parts.next().unwrap_or_default());
                let get = ["lambda", "get-layer-version", "--layer-name", name];
                let version = ["--version-number", version.unwrap_or_default()];
                let layer = aws.call(&[&get[..], &version].concat());
                layer.map(|Layer { content }| content.code_sha256)
            }
            _ => continue,
        };
        let sha256 = match code {
            Ok(sha256) => Some(sha256),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        };
        let Resource { logical_resource_id: resource, resource_type: kind, .. } = resource;
        all.push(Running { resource, kind, sha256 });
    }
    Ok(all)
}

/// A function or a layer whose code is not what was built.
#[derive(Debug, Serialize)]
pub(crate) struct Other {
    resource: String,
    built: Sum,
    running: Option<Sum>,
}

/// The functions and layers of the stack whose code is not what was built.
///
/// # Errors
/// Lambda refuses to answer, or the stack has no function or no layer that was built.
pub(crate) fn others(aws: &Aws, stack: &str, zips: &[Zip]) -> Result<Vec<Other>, Failure> {
    let running = running(aws, stack)?;
    let made = zips.iter().flat_map(|zip| {
        let of_zip = running.iter().filter(|it| zip.becomes(&it.resource, &it.kind));
        of_zip.map(move |it| (it, &zip.sum))
    });
    let made: Vec<_> = made.collect();
    let kinds: BTreeSet<_> = made.iter().map(|(it, _)| &it.kind).collect();
    if kinds.len() < 2 {
        return Err(format!("the stack {stack} lacks a function or the layer").into());
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
pub(crate) fn shown(others: &[Other]) -> String {
    let lines = others.iter().map(|Other { resource, built, running }| {
        let running = running.as_ref().map_or("none".to_owned(), |sum| format!("sha256 {sum}"));
        format!("  {resource}\n    built:    sha256 {built}\n    deployed: {running}")
    });
    format!(
        "THE DEPLOYED CODE IS NOT WHAT WAS BUILT. Somebody changed it, in the bucket of the zips or in \
         Lambda\n{}",
        lines.collect::<Vec<_>>().join("\n")
    )
}

/// A stack before a deployment.
pub(crate) enum Before {
    /// It was not changed.
    Unchanged,
    /// It did not exist.
    Nothing,
    /// It existed.
    Stack { template: String, parameters: Vec<(String, String)>, running: Vec<Running> },
}

impl Before {
    /// Reads it.
    pub(crate) fn of(aws: &Aws, name: &str) -> Result<Self, Failure> {
        let stack = stack::describe(aws, name)?;
        let Some(stack) = stack.filter(|stack| !stack.is_in_review()) else {
            return Ok(Self::Nothing);
        };
        Ok(Self::Stack {
            template: stack::template(aws, name)?,
            parameters: stack.parameters(),
            running: running(aws, name)?,
        })
    }
}

/// Rolls back a stack whose code is not what was built; a new stack is deleted. Returns what was done.
///
/// # Errors
/// The stack still has that code.
pub(crate) fn roll_back(
    aws: &Aws,
    stack: &Stack,
    before: Before,
    bucket: &Bucket<'_>,
    report: &Report,
) -> Result<String, Failure> {
    let name = &stack.stack_name;
    let back = match before {
        Before::Unchanged => {
            Err("nothing was deployed, so there is nothing to roll back to; delete \
             the stack and deploy again"
                .into())
        }
        Before::Nothing => delete(aws, stack, report),
        Before::Stack { template, parameters, running: before } => {
            let wanted = Wanted { template: &template, parameters: &parameters };
            update(aws, name, &wanted, bucket, report).and_then(|()| match running(aws, name)? {
                now if now == before => Ok(format!("the stack {name} is rolled back")),
                _ => Err("its template is rolled back, but its code is not".into()),
            })
        }
    };
    back.map_err(|error| format!("the stack {name} STILL HAS THIS CODE: {error}").into())
}

fn delete(aws: &Aws, stack: &Stack, report: &Report) -> Result<String, Failure> {
    let name = &stack.stack_name;
    let watch = Watch::from_now(aws, &stack.stack_id)?;
    aws.run(&["cloudformation", "delete-stack", "--stack-name", &stack.stack_id])?;
    interrupt::continues(Some(format!("interrupted, but the deletion of {name} continues at AWS")));
    let end = watch.until_complete(report);
    interrupt::continues(None);
    match end?.status.as_str() {
        "DELETE_COMPLETE" => Ok(format!("the new stack {name} is deleted")),
        status => Err(format!("it is {status}").into()),
    }
}

fn update(
    aws: &Aws,
    name: &str,
    wanted: &Wanted<'_>,
    bucket: &Bucket<'_>,
    report: &Report,
) -> Result<(), Failure> {
    let change_set = change_set::create(aws, name, wanted, bucket)?;
    let change_set = change_set.ok_or("CloudFormation sees no change to roll back")?;
    let end = change_set::execute(aws, name, &change_set, report)?;
    if end.is_success() { Ok(()) } else { Err(format!("it is {}", end.status).into()) }
}
