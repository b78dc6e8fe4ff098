//! `destroy`: deletes a stack, and lists what remains.

use serde_json::json;

use crate::events::Watch;
use crate::report::table;
use crate::stack::Resource;
use crate::{Account, Failure, Report, interrupt, stack};

/// The options of `destroy`.
#[derive(Clone, Debug)]
pub struct Destroy {
    /// The stack.
    pub stack: String,
    /// Do not ask for confirmation.
    pub yes: bool,
}

/// Deletes the stack. Returns whether it is deleted.
///
/// # Errors
/// There is no such stack, or nobody to confirm; nothing was deleted then.
pub fn destroy(options: &Destroy, account: &Account, report: &Report) -> Result<bool, Failure> {
    let aws = account.client(report)?;
    let name = &options.stack;
    let Some(stack) = stack::describe(&aws, name)? else {
        // A deployer of one stack may not be allowed to list the others.
        let there = stack::names(&aws).map(|names| match &names[..] {
            [] => "; there are no stacks".to_owned(),
            names => format!("; there are: {}", names.join(", ")),
        });
        let (region, there) =
            (aws.effective_region().unwrap_or_default(), there.unwrap_or_default());
        return Err(format!("there is no stack {name} in {region}{there}").into());
    };
    let resources = stack::resources(&aws, name)?;
    let rows: Vec<Vec<String>> = resources.iter().map(row).collect();
    report.say(&format!(
        "the stack {name}, {}, would be deleted with\n{}",
        stack.stack_status,
        table(&["resource", "type", "id"], &rows)
    ));
    if !report.confirm("Delete this stack?", options.yes)? {
        report.say("nothing was deleted");
        return Ok(false);
    }
    // Afterwards the template is gone.
    let zips = stack::template(&aws, name).ok().and_then(|template| zips(&template));
    let watch = Watch::from_now(&aws, &stack.stack_id)?;
    aws.run(&["cloudformation", "delete-stack", "--stack-name", &stack.stack_id])?;
    interrupt::continues(Some(format!(
        "interrupted, but the deletion continues at AWS; follow it with `aws cloudformation \
         describe-stacks --stack-name {}`",
        stack.stack_id
    )));
    report.note("deleting the network interfaces of a function in a VPC takes up to 20 minutes");
    let end = watch.until_complete(report);
    interrupt::continues(None);
    let end = end?;
    let gone = end.status == "DELETE_COMPLETE";
    if gone {
        report.say(&format!("the stack {name} is deleted\n{}", leftovers(zips.as_deref())));
    } else {
        let first = end.first_failure.as_deref().unwrap_or("AWS gave no reason");
        report.say(&format!("the stack {name} is {}; the first failure:\n  {first}", end.status));
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

/// The folder of a template's zips in their bucket.
fn zips(template: &str) -> Option<String> {
    let (_, address) = template.split_once("s3://")?;
    let (folder, _) = address.split_once(".zip")?.0.rsplit_once('/')?;
    Some(format!("s3://{folder}/"))
}

/// What is not deleted with the stack.
fn leftovers(zips: Option<&str>) -> String {
    let zips = match zips {
        Some(folder) => format!("  the zips: aws s3 rm --recursive {folder}"),
        None => "  the zips in their bucket".to_owned(),
    };
    format!(
        "what remains:\n{zips}\n  the database user (DROP USER), and IAM authentication, which is free"
    )
}

#[cfg(test)]
mod tests {
    use super::zips;

    #[test]
    fn the_template_names_the_folder_of_the_zips() {
        let template =
            "CodeUri: s3://bucket/stack/0123.zip\nContentUri: s3://bucket/stack/4567.zip";
        assert_eq!(zips(template).unwrap(), "s3://bucket/stack/");
        assert_eq!(zips("CodeUri: ../target"), None);
    }
}
