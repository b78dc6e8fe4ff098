//! The permissions boundary of the stack's roles, which an administrator has made once from
//! `deploy/permissions-boundary.json`.

use rds_discovery::Aws;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Report;

/// The template's parameter.
pub(crate) const PARAMETER: &str = "PermissionsBoundary";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Caller {
    account: String,
    arn: String,
}

/// The ARN of the account's policy `STACK-boundary`, where there is one. That a deployer may not ask for
/// it stops no deployment: whoever must have a boundary is refused roles without one.
pub(crate) fn of_account(aws: &Aws, stack: &str, report: &Report) -> Option<String> {
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
