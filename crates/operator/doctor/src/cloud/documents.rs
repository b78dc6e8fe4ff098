//! The policies that decide about a principal, as far as the caller may read them.

use aws_cli::{Aws, Error};
use serde::Deserialize;
use serde_json::Value;

use super::principal::Identity;

/// The action that a login needs.
pub(super) const ACTION: &str = "rds-db:connect";

/// A policy.
pub(super) struct Policy {
    /// What it is called.
    pub(super) name: String,
    pub(super) document: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inline {
    policy_names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attached {
    attached_policies: Vec<Managed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Managed {
    policy_arn: String,
}

/// The policies of the principal, inline and attached.
///
/// # Errors
/// AWS refuses to show one of them.
pub(super) fn of_identity(aws: &Aws, identity: &Identity) -> Result<Vec<Policy>, Error> {
    let Some((kind, name)) = identity.kind_and_name() else { return Ok(Vec::new()) };
    let flag = &format!("--{kind}-name");
    let mut policies = Vec::new();
    let list = format!("list-{kind}-policies");
    let inline: Inline = aws.call(&["iam", &list, flag, name])?;
    for policy in inline.policy_names {
        let get = format!("get-{kind}-policy");
        let answer: Value = aws.call(&["iam", &get, flag, name, "--policy-name", &policy])?;
        let document = answer["PolicyDocument"].clone();
        policies.push(Policy { name: format!("the policy {policy} of {name}"), document });
    }
    let list = format!("list-attached-{kind}-policies");
    let attached: Attached = aws.call(&["iam", &list, flag, name])?;
    for policy in attached.attached_policies {
        policies.extend(managed(aws, &policy.policy_arn, "the policy")?);
    }
    Ok(policies)
}

/// A managed policy, in its default version.
fn managed(aws: &Aws, arn: &str, what: &str) -> Result<Option<Policy>, Error> {
    let policy: Value = aws.call(&["iam", "get-policy", "--policy-arn", arn])?;
    let Some(version) = policy["Policy"]["DefaultVersionId"].as_str() else { return Ok(None) };
    let get = ["iam", "get-policy-version", "--policy-arn", arn, "--version-id", version];
    let answer: Value = aws.call(&get)?;
    let document = answer["PolicyVersion"]["Document"].clone();
    Ok(Some(Policy { name: format!("{what} {arn}"), document }))
}

/// The principal's own policies, its permissions boundary, and the service control policies of its
/// account. Those that the caller may not read are left out.
pub(super) fn all(aws: &Aws, identity: &Identity) -> Vec<Policy> {
    let mut policies = of_identity(aws, identity).unwrap_or_default();
    policies.extend(boundary(aws, identity));
    policies.extend(of_organization(aws, &identity.account));
    policies
}

fn boundary(aws: &Aws, identity: &Identity) -> Option<Policy> {
    let (kind, name) = identity.kind_and_name()?;
    let (get, flag) = (format!("get-{kind}"), format!("--{kind}-name"));
    let found: Value = aws.call(&["iam", &get, &flag, name]).ok()?;
    let described = if kind == "role" { &found["Role"] } else { &found["User"] };
    let arn = described["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str()?;
    managed(aws, arn, "the permissions boundary").ok()?
}

/// Only the organization's management account, and those it delegates to, may read them:
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html>.
/// What an organizational unit attaches is not among an account's own.
fn of_organization(aws: &Aws, account: &str) -> Vec<Policy> {
    let list = ["organizations", "list-policies-for-target", "--target-id", account];
    let list = [&list[..], &["--filter", "SERVICE_CONTROL_POLICY"]].concat();
    let Ok(found) = aws.call::<Value>(&list) else { return Vec::new() };
    let ids = found["Policies"].as_array().into_iter().flatten();
    let read = |policy: &Value| {
        let id = policy["Id"].as_str()?;
        let found: Value =
            aws.call(&["organizations", "describe-policy", "--policy-id", id]).ok()?;
        let document = serde_json::from_str(found["Policy"]["Content"].as_str()?).ok()?;
        Some(Policy { name: format!("the service control policy {id}"), document })
    };
    ids.filter_map(read).collect()
}

/// The members of a list. One with a single member may be that member.
pub(super) fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}
