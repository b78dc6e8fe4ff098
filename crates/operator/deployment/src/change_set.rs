//! The change set: what CloudFormation would change, shown and then executed as it was shown.

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::Duration;

use aws_cli::Aws;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;
use template_parameters::Parameters;

use crate::bucket::Bucket;
use crate::events::{End, Watch};
use crate::report::table;
use crate::{Failure, Report, interrupt, stack};

const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often the status of a change set is polled before CloudFormation is given up.
const POLLS: u32 = 300;

/// The longest template of a request, in bytes. A longer one is read from S3:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>.
const LONGEST_INLINE: usize = 51_200;

/// A template, and values for its parameters.
pub(crate) struct Wanted<'a> {
    /// The template's text, with the zips in S3.
    pub(crate) template: &'a str,
    /// Others keep their value in an existing stack, or else take the template's default.
    pub(crate) parameters: &'a [(String, String)],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    stack_id: String,
    status: String,
    #[serde(default)]
    status_reason: String,
    #[serde(default)]
    changes: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    resource_change: Option<ResourceChange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ResourceChange {
    action: String,
    logical_resource_id: String,
    resource_type: String,
    replacement: Option<String>,
    #[serde(default)]
    details: Vec<Detail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Detail {
    target: Option<DetailTarget>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DetailTarget {
    attribute: Option<String>,
    name: Option<String>,
}

/// A change set, before it is executed.
pub(crate) struct ChangeSet {
    pub(crate) id: String,
    pub(crate) stack_id: String,
    pub(crate) changes: Vec<Change>,
}

/// A change of one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(crate) action: String,
    pub(crate) resource: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// `no`, `yes` or `perhaps`; `None` for a resource that is added or removed.
    pub(crate) replacement: Option<String>,
    /// The properties that change.
    pub(crate) properties: Vec<String>,
}

/// Creates a change set for the stack `name`; `None` when nothing would change.
///
/// # Errors
/// CloudFormation refuses the template or a parameter, or got another template from the bucket.
pub(crate) fn create(
    aws: &Aws,
    name: &str,
    wanted: &Wanted<'_>,
    bucket: &Bucket<'_>,
) -> Result<Option<ChangeSet>, Failure> {
    // In files, where no character needs escaping.
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).map(|()| format!("file://{}", path.display()))
    };
    let is_inline = wanted.template.len() <= LONGEST_INLINE;
    let (option, template) = if is_inline {
        ("--template-body", file("template.yaml", wanted.template)?)
    } else {
        ("--template-url", bucket.keep_template(name, wanted.template)?)
    };
    let stack = stack::describe(aws, name)?.filter(|stack| !stack.is_in_review());
    let kind = if stack.is_some() { "UPDATE" } else { "CREATE" };
    let values = wanted.parameters.iter();
    let mut parameters: Vec<_> = values
        .map(|(name, value)| json!({ "ParameterKey": name, "ParameterValue": value }))
        .collect();
    if let Some(stack) = stack {
        let declared = Parameters::of_yaml(wanted.template)?;
        let declared: BTreeSet<_> = declared.names().collect();
        let given: BTreeSet<_> = wanted.parameters.iter().map(|(name, _)| name).collect();
        let kept = stack.parameters().into_iter().map(|(name, _)| name);
        let kept = kept.filter(|name| declared.contains(name.as_str()) && !given.contains(name));
        parameters.extend(kept.map(|it| json!({ "ParameterKey": it, "UsePreviousValue": true })));
    }
    let parameters = file("parameters.json", &serde_json::to_string(&parameters)?)?;
    // A unique name.
    let set = folder.path().file_name().unwrap_or_default().to_string_lossy();
    let create = ["cloudformation", "create-change-set", "--stack-name", name];
    let named = ["--change-set-name", &set, "--change-set-type", kind];
    let with = [option, &template, "--parameters", &parameters];
    let capable = ["--capabilities", "CAPABILITY_IAM"];
    let created: Created = aws.call(&[&create[..], &named, &with, &capable].concat())?;
    let change_set = self::created(aws, &created.id)?;
    if let Some(change_set) = change_set.as_ref().filter(|_| !is_inline)
        && stack::template_of_change_set(aws, &change_set.id)?.trim_end()
            != wanted.template.trim_end()
    {
        delete(aws, change_set)?;
        return Err(format!(
            "CloudFormation got another template than was built: somebody replaced {template}; find out who, \
             delete the object and deploy again"
        )
        .into());
    }
    Ok(change_set)
}

/// Waits until a change set is created.
fn created(aws: &Aws, id: &str) -> Result<Option<ChangeSet>, Failure> {
    for _ in 0..POLLS {
        let described: Described =
            aws.call(&["cloudformation", "describe-change-set", "--change-set-name", id])?;
        let changes = described.changes.into_iter().filter_map(|entry| entry.resource_change);
        let mut changes: Vec<Change> = changes.map(change).collect();
        changes.sort_by(|a, b| a.resource.cmp(&b.resource));
        let change_set = ChangeSet { id: id.to_owned(), stack_id: described.stack_id, changes };
        match described.status.as_str() {
            "CREATE_COMPLETE" => return Ok(Some(change_set)),
            "FAILED" => {
                delete(aws, &change_set)?;
                return if says_nothing_changes(&described.status_reason) {
                    Ok(None)
                } else {
                    Err(format!("CloudFormation refuses the template: {}", described.status_reason)
                        .into())
                };
            }
            _ => thread::sleep(POLL_INTERVAL),
        }
    }
    Err(format!("CloudFormation did not create the change set {id} within {POLLS} s").into())
}

/// CloudFormation has no code for it, only these two texts.
fn says_nothing_changes(reason: &str) -> bool {
    ["didn't contain changes", "No updates are to be performed"]
        .iter()
        .any(|it| reason.contains(it))
}

fn change(change: ResourceChange) -> Change {
    let replacement = match change.replacement.as_deref() {
        Some("True") => Some("yes"),
        Some("False") => Some("no"),
        Some("Conditional") => Some("perhaps"),
        _ => None,
    };
    let mut properties: Vec<String> = change
        .details
        .into_iter()
        .filter_map(|detail| detail.target)
        .filter_map(|target| target.name.or(target.attribute))
        .collect();
    properties.sort();
    properties.dedup();
    Change {
        action: change.action.to_lowercase(),
        resource: change.logical_resource_id,
        kind: change.resource_type,
        replacement: replacement.map(str::to_owned),
        properties,
    }
}

/// The changes as a table.
pub(crate) fn shown(changes: &[Change]) -> String {
    let rows: Vec<Vec<String>> = changes
        .iter()
        .map(|change| {
            vec![
                change.action.clone(),
                change.resource.clone(),
                change.kind.clone(),
                change.replacement.clone().unwrap_or_default(),
                change.properties.join(", "),
            ]
        })
        .collect();
    table(&["action", "resource", "type", "replaced", "properties"], &rows)
}

/// Executes a change set of the stack `name`, and reports each event until it is complete.
///
/// # Errors
/// CloudFormation refuses, or its events can no longer be read.
pub(crate) fn execute(
    aws: &Aws,
    name: &str,
    change_set: &ChangeSet,
    report: &Report,
) -> Result<End, Failure> {
    let watch = Watch::from_now(aws, &change_set.stack_id)?;
    interrupt::continues(Some(format!(
        "interrupted, but the deployment continues at AWS; follow it with `aws cloudformation \
         describe-stack-events --stack-name {name}`"
    )));
    aws.run(&["cloudformation", "execute-change-set", "--change-set-name", &change_set.id])?;
    let end = watch.until_complete(report);
    interrupt::continues(None);
    end.map_err(|error| {
        format!("cannot follow the deployment, which continues at AWS: {error}").into()
    })
}

/// Deletes a change set, and the empty stack that was created for it.
pub(crate) fn delete(aws: &Aws, change_set: &ChangeSet) -> Result<(), Failure> {
    aws.run(&["cloudformation", "delete-change-set", "--change-set-name", &change_set.id])?;
    if stack::describe(aws, &change_set.stack_id)?.is_some_and(|stack| stack.is_in_review()) {
        aws.run(&["cloudformation", "delete-stack", "--stack-name", &change_set.stack_id])?;
    }
    Ok(())
}
