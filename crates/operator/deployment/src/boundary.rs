//! The permissions boundary of the stack's roles, which an administrator has made once from
//! `deploy/permissions-boundary.json`.

use aws_cli::Aws;
use serde::de::IgnoredAny;

use crate::caller::Caller;
use crate::stack::Stack;
use crate::{Deploy, Report};

/// The template's parameter.
const PARAMETER: &str = "PermissionsBoundary";

/// The template's parameter with the account's boundary, where `options` name none and the stack has
/// none.
pub(crate) fn found(
    aws: &Aws,
    caller: &Caller,
    options: &Deploy,
    stack: Option<&Stack>,
    report: &Report,
) -> Option<(String, String)> {
    let given = options.parameters.iter().any(|(name, _)| name == PARAMETER);
    let kept = stack.and_then(|stack| stack.parameter(PARAMETER));
    if given || kept.is_some_and(|arn| !arn.is_empty()) {
        return None;
    }
    let arn = of_account(aws, caller, &options.stack, report)?;
    Some((PARAMETER.to_owned(), arn))
}

/// The ARN of the account's policy `STACK-boundary`, where there is one. That a deployer may not ask for
/// it stops no deployment: whoever must have a boundary is refused roles without one.
fn of_account(aws: &Aws, caller: &Caller, stack: &str, report: &Report) -> Option<String> {
    let (partition, account) = (caller.partition(), &caller.account);
    let arn = format!("arn:{partition}:iam::{account}:policy/{stack}-boundary");
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
