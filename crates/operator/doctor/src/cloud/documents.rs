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
    /// Whether it is the principal's or one of its groups': only these allow anything.
    pub(super) is_identitys: bool,
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

/// The policies that could be read, and what could not.
#[derive(Default)]
pub(super) struct Read {
    pub(super) policies: Vec<Policy>,
    /// Which others there may be, in words.
    pub(super) unread: Vec<String>,
}

impl Read {
    /// The principal's own policies, those of a user's groups, the permissions boundary, and the service
    /// control policies of its account.
    pub(super) fn all(aws: &Aws, identity: &Identity) -> Read {
        let mut read = Read::of_identity(aws, identity);
        match boundary(aws, identity) {
            Ok(policy) => read.policies.extend(policy),
            Err(_) => read.unread.push("the permissions boundary".into()),
        }
        read.add_organization(aws, &identity.account);
        read
    }

    /// The principal's own policies, and those of a user's groups.
    pub(super) fn of_identity(aws: &Aws, identity: &Identity) -> Read {
        let mut read = Read::default();
        let Some((kind, name)) = identity.kind_and_name() else { return read };
        read.add(of_holder(aws, kind, name), || format!("the policies of {name}"));
        if kind != "user" {
            return read;
        }
        match aws.call::<Groups>(&["iam", "list-groups-for-user", "--user-name", name]) {
            Ok(Groups { groups }) => {
                for Group { group_name: name } in groups {
                    read.add(of_holder(aws, "group", &name), || {
                        format!("the policies of the group {name}")
                    });
                }
            }
            Err(_) => read.unread.push(format!("the policies of {name}'s groups")),
        }
        read
    }

    fn add(&mut self, found: Result<Vec<Policy>, Error>, what: impl FnOnce() -> String) {
        match found {
            Ok(policies) => self.policies.extend(policies),
            Err(_) => self.unread.push(what()),
        }
    }

    /// The service control policies of an account, of each organizational unit above it and of the root.
    ///
    /// Only the organization's management account, and those it delegates to, may read them:
    /// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListPoliciesForTarget.html>.
    /// The management account has none.
    fn add_organization(&mut self, aws: &Aws, account: &str) {
        match aws.call::<Value>(&["organizations", "describe-organization"]) {
            Ok(found) if found["Organization"]["MasterAccountId"] == account => return,
            Err(error) if error.to_string().contains("AWSOrganizationsNotInUse") => return,
            _ => {}
        }
        let mut target = account.to_owned();
        let mut ids = Vec::new();
        loop {
            let Ok(found) = attached_to(aws, &target) else {
                self.unread.push(if target == account { SCPS } else { SCPS_ABOVE }.into());
                break;
            };
            // Most levels have FullAWSAccess.
            ids.extend(found.into_iter().filter(|id| !ids.contains(id)).collect::<Vec<_>>());
            if target.starts_with("r-") {
                break;
            }
            match parent(aws, &target) {
                Some(id) => target = id,
                None => {
                    self.unread.push(SCPS_ABOVE.into());
                    break;
                }
            }
        }
        for id in ids {
            match service_control_policy(aws, &id) {
                Some(policy) => self.policies.push(policy),
                None => self.unread.push(format!("the service control policy {id}")),
            }
        }
    }
}

const SCPS: &str = "the organization's service control policies";
const SCPS_ABOVE: &str = "the service control policies of organizational units and the root";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    group_name: String,
}

/// The policies of a role, a user or a group, inline and attached.
fn of_holder(aws: &Aws, kind: &str, name: &str) -> Result<Vec<Policy>, Error> {
    let flag = &format!("--{kind}-name");
    let mut policies = Vec::new();
    let list = format!("list-{kind}-policies");
    let inline: Inline = aws.call(&["iam", &list, flag, name])?;
    for policy in inline.policy_names {
        let get = format!("get-{kind}-policy");
        let answer: Value = aws.call(&["iam", &get, flag, name, "--policy-name", &policy])?;
        let document = answer["PolicyDocument"].clone();
        let name = format!("the policy {policy} of {name}");
        policies.push(Policy { name, document, is_identitys: true });
    }
    let list = format!("list-attached-{kind}-policies");
    let attached: Attached = aws.call(&["iam", &list, flag, name])?;
    for policy in attached.attached_policies {
        let policy = managed(aws, &policy.policy_arn, "the policy")?;
        policies.extend(policy.map(|policy| Policy { is_identitys: true, ..policy }));
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
    Ok(Some(Policy { name: format!("{what} {arn}"), document, is_identitys: false }))
}

fn boundary(aws: &Aws, identity: &Identity) -> Result<Option<Policy>, Error> {
    let Some((kind, name)) = identity.kind_and_name() else { return Ok(None) };
    let (get, flag) = (format!("get-{kind}"), format!("--{kind}-name"));
    let found: Value = aws.call(&["iam", &get, &flag, name])?;
    let described = if kind == "role" { &found["Role"] } else { &found["User"] };
    match described["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str() {
        Some(arn) => managed(aws, arn, "the permissions boundary"),
        None => Ok(None),
    }
}

/// The ids of the service control policies that are attached to an account, a unit or the root.
fn attached_to(aws: &Aws, target: &str) -> Result<Vec<String>, Error> {
    let list = ["organizations", "list-policies-for-target", "--target-id", target];
    let list = [&list[..], &["--filter", "SERVICE_CONTROL_POLICY"]].concat();
    let found: Value = aws.call(&list)?;
    let policies = found["Policies"].as_array().into_iter().flatten();
    Ok(policies.filter_map(|policy| policy["Id"].as_str().map(str::to_owned)).collect())
}

/// The unit of an account or a unit, or the root. There is exactly one:
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListParents.html>.
fn parent(aws: &Aws, child: &str) -> Option<String> {
    let found: Value = aws.call(&["organizations", "list-parents", "--child-id", child]).ok()?;
    found["Parents"][0]["Id"].as_str().map(str::to_owned)
}

fn service_control_policy(aws: &Aws, id: &str) -> Option<Policy> {
    let found: Value = aws.call(&["organizations", "describe-policy", "--policy-id", id]).ok()?;
    let document = serde_json::from_str(found["Policy"]["Content"].as_str()?).ok()?;
    let name = format!("the service control policy {id}");
    Some(Policy { name, document, is_identitys: false })
}

/// The members of a list. One with a single member may be that member.
pub(super) fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use serde_json::json;

    fn identity(arn: &str) -> Identity {
        Identity { arn: arn.into(), account: "123456789012".into() }
    }

    fn names(read: &Read) -> Vec<&str> {
        read.policies.iter().map(|policy| policy.name.as_str()).collect()
    }

    #[test]
    fn service_control_policies_of_every_level_are_read() {
        let scp = |id: &str| json!({"Policies": [{"Id": id}, {"Id": "p-FullAWSAccess"}]});
        let content = |id: &str| json!({"Policy": {"PolicySummary": {"Id": id}, "Content": "{\"Statement\": []}"}});
        let parent = |id: &str, kind: &str| json!({"Parents": [{"Id": id, "Type": kind}]});
        let mut answers = vec![
            ("describe-organization", json!({"Organization": {"MasterAccountId": "1"}})),
            ("--target-id 123456789012", scp("p-account")),
            ("--child-id 123456789012", parent("ou-ab-1", "ORGANIZATIONAL_UNIT")),
            ("--target-id ou-ab-1", scp("p-unit")),
            ("--child-id ou-ab-1", parent("r-ab", "ROOT")),
            ("--target-id r-ab", scp("p-root")),
            ("--policy-id p-account", content("p-account")),
            ("--policy-id p-unit", content("p-unit")),
            ("--policy-id p-root", content("p-root")),
            ("--policy-id p-FullAWSAccess", content("p-FullAWSAccess")),
        ];
        let read = |answers: &[(&str, Value)]| {
            let (aws, _answers) = sample::aws(answers);
            let mut read = Read::default();
            read.add_organization(&aws, "123456789012");
            read
        };
        let all = read(&answers);
        let expected = ["p-account", "p-FullAWSAccess", "p-unit", "p-root"];
        assert_eq!(names(&all), expected.map(|id| format!("the service control policy {id}")));
        assert!(all.unread.is_empty(), "{:?}", all.unread);

        answers.retain(|(call, _)| !call.starts_with("--child-id ou"));
        let below = read(&answers);
        assert_eq!((below.policies.len(), &below.unread[..]), (3, &[SCPS_ABOVE.to_owned()][..]));
        assert_eq!(read(&answers[..1]).unread, [SCPS]);
        answers[0].1["Organization"]["MasterAccountId"] = json!("123456789012");
        let own = read(&answers);
        assert!(own.policies.is_empty() && own.unread.is_empty(), "it has none");
    }

    #[test]
    fn a_user_has_the_policies_of_its_groups() {
        let none = || json!({"AttachedPolicies": []});
        let answers = [
            ("list-user-policies --user-name ann", json!({"PolicyNames": []})),
            ("list-attached-user-policies --user-name ann", none()),
            (
                "list-groups-for-user --user-name ann",
                json!({"Groups": [{"Path": "/", "GroupName": "staff", "GroupId": "AGPA1"}]}),
            ),
            ("list-group-policies --group-name staff", json!({"PolicyNames": ["logins"]})),
            (
                "get-group-policy --group-name staff --policy-name logins",
                json!({"GroupName": "staff", "PolicyName": "logins", "PolicyDocument": {}}),
            ),
            ("list-attached-group-policies --group-name staff", none()),
        ];
        let user = identity("arn:aws:iam::123456789012:user/ann");
        let (aws, _answers) = sample::aws(&answers);
        let read = Read::of_identity(&aws, &user);
        assert_eq!((names(&read), read.unread.len()), (vec!["the policy logins of staff"], 0));
        let (aws, _answers) = sample::aws(&answers[..2]);
        assert_eq!(Read::of_identity(&aws, &user).unread, ["the policies of ann's groups"]);
        let (aws, _answers) = sample::aws(&answers[..3]);
        assert_eq!(Read::of_identity(&aws, &user).unread, ["the policies of the group staff"]);
    }
}
