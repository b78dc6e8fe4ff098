//! The permissions boundary of the stack's roles, which an administrator has made once from
//! `deploy/permissions-boundary.json`.

use rds_discovery::Aws;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::{Deploy, Failure, Report, stack};

/// The template's parameter.
const PARAMETER: &str = "PermissionsBoundary";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Caller {
    account: String,
    arn: String,
}

/// The same deployment, with the account's boundary where it names none and the stack has none.
pub(crate) fn found(aws: &Aws, options: &Deploy, report: &Report) -> Result<Deploy, Failure> {
    let mut options = options.clone();
    let given = options.parameters.iter().any(|(name, _)| name == PARAMETER);
    let kept = stack::describe(aws, &options.stack)?;
    let kept = kept.is_some_and(|it| it.parameter(PARAMETER).is_some_and(|arn| !arn.is_empty()));
    if !given
        && !kept
        && let Some(arn) = of_account(aws, &options.stack, report)
    {
        options.parameters.push((PARAMETER.to_owned(), arn));
    }
    Ok(options)
}

/// The ARN of the account's policy `STACK-boundary`, where there is one. That a deployer may not ask for
/// it stops no deployment: whoever must have a boundary is refused roles without one.
fn of_account(aws: &Aws, stack: &str, report: &Report) -> Option<String> {
    let caller: Caller = aws.call(&["sts", "get-caller-identity"]).ok()?;
    let partition = caller.arn.split(':').nth(1)?;
    let arn = format!("arn:{partition}:iam::{}:policy/{stack}-boundary", caller.account);
    match aws.call::<IgnoredAny>(&["iam", "get-policy", "--policy-arn", &arn]) {
        Ok(_) => {
            report.note(&format!("the roles are bounded by {arn}"));
            Some(arn)
        }
        Err(error) if error.to_string().contains("NoSuchEntity") => None,
        Err(error) => {
            report.note(&format!(
                "note: whether the account has the boundary {arn} is unknown: {error}"
            ));
            None
        }
    }
}
