//! The permissions boundary of the stack's roles, which an administrator creates once from
//! `deploy/permissions-boundary.json`.

use aws_cli::{Aws, Caller};
use serde::de::IgnoredAny;

use crate::report::Report;
use crate::stack::Stack;

/// The template's parameter.
const PARAMETER: &str = "PermissionsBoundary";

/// The template's parameter with the account's boundary for the stack called `name`, unless it is among
/// the parameters `given` or the stack has one.
pub(crate) fn found(
    aws: &Aws,
    caller: &Caller,
    name: &str,
    given: &[(String, String)],
    stack: Option<&Stack>,
    report: &Report,
) -> Option<(String, String)> {
    let is_given = given.iter().any(|(name, _)| name == PARAMETER);
    let kept = stack.and_then(|stack| stack.parameter(PARAMETER));
    if is_given || kept.is_some_and(|arn| !arn.is_empty()) {
        return None;
    }
    let arn = of_account(aws, caller, name, report)?;
    Some((PARAMETER.to_owned(), arn))
}

/// The ARN of the account's policy `STACK-boundary`, where it exists. Without permission to look for it
/// the deployment goes on: IAM refuses roles without a boundary to a deployer who must set one.
fn of_account(aws: &Aws, caller: &Caller, stack: &str, report: &Report) -> Option<String> {
    let (partition, account) = (caller.partition(), &caller.account);
    let arn = format!("arn:{partition}:iam::{account}:policy/{stack}-boundary");
    match aws.call::<IgnoredAny>(&["iam", "get-policy", "--policy-arn", &arn]) {
        Ok(_) => {
            report.note(&format!("permissions boundary of the roles: {arn}"));
            Some(arn)
        }
        Err(error) if error.is_not_found() => None,
        Err(error) => {
            report.note(&format!("note: cannot look for the permissions boundary {arn}: {error}"));
            None
        }
    }
}
