//! `destroy`: takes a stack away, and tells what stays.

use rds_discovery::Aws;
use serde::Deserialize;
use serde_json::json;

use crate::events::Watch;
use crate::report::table;
use crate::{Account, Failure, Report, interrupt, stack};

/// What to take away, and how.
#[derive(Clone, Debug)]
pub struct Destroy {
    /// The stack.
    pub stack: String,
    /// Do not ask.
    pub yes: bool,
}

#[derive(Deserialize)]
struct Resources {
    #[serde(rename = "StackResourceSummaries")]
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    logical_resource_id: String,
    resource_type: String,
    physical_resource_id: Option<String>,
}

/// Takes the stack away. Returns whether it is gone.
///
/// # Errors
/// There is no such stack, or nobody to confirm; nothing was removed then.
pub fn destroy(options: &Destroy, account: &Account, report: &Report) -> Result<bool, Failure> {
    let aws = account.client(report)?;
    let name = &options.stack;
    let Some(stack) = stack::describe(&aws, name)? else {
        // Who may deploy this one stack may not list the others.
        let there = stack::names(&aws).map(|names| match &names[..] {
            [] => "; there are: none at all".to_owned(),
            names => format!("; there are: {}", names.join(", ")),
        });
        let (region, there) =
            (aws.effective_region().unwrap_or_default(), there.unwrap_or_default());
        return Err(format!("there is no stack {name} in {region}{there}").into());
    };
    let found: Resources =
        aws.call(&["cloudformation", "list-stack-resources", "--stack-name", name])?;
    let rows: Vec<Vec<String>> = found.resources.iter().map(row).collect();
    report.say(&format!(
        "the stack {name}, {}, would be removed with\n{}",
        stack.stack_status,
        table(&["resource", "type", "is"], &rows)
    ));
    if !report.confirm("Remove all of it?", options.yes)? {
        report.say("nothing was removed");
        return Ok(false);
    }
    let watch = Watch::from_now(&aws, &stack.stack_id)?;
    aws.run(&["cloudformation", "delete-stack", "--stack-name", &stack.stack_id])?;
    interrupt::goes_on(Some(format!(
        "interrupted, but the removal goes on at AWS; `aws cloudformation describe-stacks \
         --stack-name {}` shows how",
        stack.stack_id
    )));
    report.note("the network interfaces of a function in a VPC take up to 20 minutes to go");
    let end = watch.until_rest(report);
    interrupt::goes_on(None);
    let end = end?;
    let gone = end.status == "DELETE_COMPLETE";
    if gone {
        report.say(&format!("the stack {name} is gone\n{}", leftovers(&aws, name)));
    } else {
        let first = end.first_failure.as_deref().unwrap_or("AWS gave no reason");
        report.say(&format!("the stack {name} is {}, first because of\n  {first}", end.status));
    }
    report.document(&json!({
        "outcome": if gone { "destroyed" } else { "failed" },
        "stack": name, "status": end.status, "first_failure": end.first_failure,
        "resources": found.resources.iter().map(|it| &it.logical_resource_id).collect::<Vec<_>>(),
    }));
    Ok(gone)
}

fn row(resource: &Resource) -> Vec<String> {
    vec![
        resource.logical_resource_id.clone(),
        resource.resource_type.clone(),
        resource.physical_resource_id.clone().unwrap_or_default(),
    ]
}

/// What no stack of ours takes away.
fn leftovers(aws: &Aws, name: &str) -> String {
    let managed = stack::describe(aws, "aws-sam-cli-managed-default").ok().flatten();
    let bucket =
        managed.as_ref().and_then(|it| it.outputs().get("SourceBucket").map(|it| (*it).to_owned()));
    let zips = match bucket {
        Some(bucket) => {
            format!("  the zips, in the bucket of sam: aws s3 rm --recursive s3://{bucket}/{name}/")
        }
        None => "  the zips, where --s3-bucket put them".to_owned(),
    };
    format!(
        "what stays:\n{zips}\n  the database user: DROP USER, and IAM authentication, which costs \
         nothing"
    )
}
