//! The plan: what CloudFormation would change, as it says itself.

use rds_discovery::Aws;
use serde::{Deserialize, Serialize};

use crate::events::{End, Watch};
use crate::report::table;
use crate::{Failure, Report, interrupt, stack};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeSet {
    stack_id: String,
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

/// What would change.
pub(crate) struct Plan {
    pub(crate) id: String,
    pub(crate) stack_id: String,
    pub(crate) changes: Vec<Change>,
}

/// What would happen to one resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Change {
    pub(crate) action: String,
    pub(crate) resource: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// `no`, `yes` or `perhaps`; nothing for what is added or removed.
    pub(crate) replacement: Option<String>,
    /// The properties that change.
    pub(crate) properties: Vec<String>,
}

/// Reads a change set.
pub(crate) fn describe(aws: &Aws, id: &str) -> Result<Plan, Failure> {
    let set: ChangeSet =
        aws.call(&["cloudformation", "describe-change-set", "--change-set-name", id])?;
    let mut changes: Vec<Change> =
        set.changes.into_iter().filter_map(|entry| entry.resource_change).map(change).collect();
    changes.sort_by(|a, b| a.resource.cmp(&b.resource));
    Ok(Plan { id: id.to_owned(), stack_id: set.stack_id, changes })
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

/// The plan as a table.
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
    table(&["action", "resource", "type", "replaced", "what"], &rows)
}

/// Carries out a change set of the stack called `name`, and tells each event until it rests.
///
/// # Errors
/// AWS does not take it, or does not tell how it went.
pub(crate) fn execute(aws: &Aws, name: &str, plan: &Plan, report: &Report) -> Result<End, Failure> {
    let watch = Watch::from_now(aws, &plan.stack_id)?;
    interrupt::goes_on(Some(format!(
        "interrupted, but the deployment goes on at AWS; `aws cloudformation describe-stack-events \
         --stack-name {name}` shows how"
    )));
    aws.run(&["cloudformation", "execute-change-set", "--change-set-name", &plan.id])?;
    let end = watch.until_rest(report);
    interrupt::goes_on(None);
    end.map_err(|error| {
        format!("the deployment goes on at AWS, but is out of sight: {error}").into()
    })
}

/// Removes a change set that is not wanted, and the empty stack that was made to hold it.
pub(crate) fn discard(aws: &Aws, plan: &Plan) -> Result<(), Failure> {
    aws.run(&["cloudformation", "delete-change-set", "--change-set-name", &plan.id])?;
    if stack::describe(aws, &plan.stack_id)?.is_some_and(|stack| stack.is_only_reviewed()) {
        aws.run(&["cloudformation", "delete-stack", "--stack-name", &plan.stack_id])?;
    }
    Ok(())
}
