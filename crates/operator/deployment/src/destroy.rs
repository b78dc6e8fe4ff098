//! `destroy`: takes a stack away, and tells what stays.

use serde_json::json;

use crate::events::Watch;
use crate::report::table;
use crate::stack::Resource;
use crate::{Account, Failure, Report, interrupt, stack};

/// What to take away, and how.
#[derive(Clone, Debug)]
pub struct Destroy {
    /// The stack.
    pub stack: String,
    /// Do not ask.
    pub yes: bool,
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
    let resources = stack::resources(&aws, name)?;
    let rows: Vec<Vec<String>> = resources.iter().map(row).collect();
    report.say(&format!(
        "the stack {name}, {}, would be removed with\n{}",
        stack.stack_status,
        table(&["resource", "type", "is"], &rows)
    ));
    if !report.confirm("Remove all of it?", options.yes)? {
        report.say("nothing was removed");
        return Ok(false);
    }
    // Only while the stack is there does it tell.
    let zips = stack::template(&aws, name).ok().and_then(|template| zips(&template));
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
        report.say(&format!("the stack {name} is gone\n{}", leftovers(zips.as_deref())));
    } else {
        let first = end.first_failure.as_deref().unwrap_or("AWS gave no reason");
        report.say(&format!("the stack {name} is {}, first because of\n  {first}", end.status));
    }
    report.document(&json!({
        "outcome": if gone { "destroyed" } else { "failed" },
        "stack": name, "status": end.status, "first_failure": end.first_failure,
        "resources": resources.iter().map(|it| &it.logical_resource_id).collect::<Vec<_>>(),
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

/// The folder in the bucket that a template takes its zips from.
fn zips(template: &str) -> Option<String> {
    let (_, address) = template.split_once("s3://")?;
    let (folder, _) = address.split_once(".zip")?.0.rsplit_once('/')?;
    Some(format!("s3://{folder}/"))
}

/// What no stack of ours takes away.
fn leftovers(zips: Option<&str>) -> String {
    let zips = match zips {
        Some(folder) => format!("  the zips: aws s3 rm --recursive {folder}"),
        None => "  the zips, in the bucket where they were put".to_owned(),
    };
    format!(
        "what stays:\n{zips}\n  the database user: DROP USER, and IAM authentication, which costs \
         nothing"
    )
}

#[cfg(test)]
mod tests {
    use super::zips;

    #[test]
    fn the_template_tells_where_the_zips_are() {
        let template =
            "CodeUri: s3://bucket/stack/0123.zip\nContentUri: s3://bucket/stack/4567.zip";
        assert_eq!(zips(template).unwrap(), "s3://bucket/stack/");
        assert_eq!(zips("CodeUri: ../target"), None);
    }
}
