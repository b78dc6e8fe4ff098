//! Conditions on the caller's network, which a database login never has: a Deny with such a condition
//! locks out everyone whom its other conditions do not exempt, and an Allow with one never applies.

use serde_json::Value;

use super::condition::{self, Known};
use super::documents::{ACTION, Policy, one_or_many};
use super::wildcard::matches;

/// What the policies do to a login by conditions on the network: sentences with the policy's name.
#[derive(Default)]
pub(super) struct Found {
    /// The statements that deny it.
    pub(super) denies: Vec<String>,
    /// Those that deny it unless another condition, which only AWS can decide, exempts it.
    pub(super) may_deny: Vec<String>,
    /// Those of the principal's own policies that would allow it.
    pub(super) never_grants: Vec<String>,
    /// Those of a boundary or an organization that would permit it.
    pub(super) never_permits: Vec<String>,
}

impl Found {
    /// Reads all statements that are about a login on `resource`.
    pub(super) fn read(policies: &[Policy], resource: &str, known: Known<'_>) -> Found {
        let mut found = Found::default();
        for policy in policies {
            for statement in one_or_many(&policy.document["Statement"]) {
                let is_ours =
                    covers(statement, "Action", ACTION) && covers(statement, "Resource", resource);
                if is_ours {
                    found.add(policy, statement, known);
                }
            }
        }
        found
    }

    fn add(&mut self, policy: &Policy, statement: &Value, known: Known<'_>) {
        let conditions = conditions(&statement["Condition"], known);
        let network: Vec<_> = conditions.iter().filter(|one| one.is_of_network).collect();
        if network.is_empty() {
            return;
        }
        let shown = joined(&network);
        let sid = statement["Sid"].as_str().map(|sid| format!(" {sid}")).unwrap_or_default();
        let of = format!("{}: its statement{sid}", policy.name);
        let fails = |one: &Condition<'_>| one.holds == Some(false);
        match statement["Effect"].as_str() {
            Some("Deny") if !conditions.iter().any(fails) => {
                let why = format!(
                    "deny it with the condition {shown}, which matches because a login has no such key"
                );
                let open: Vec<_> = conditions.iter().filter(|one| one.holds.is_none()).collect();
                if open.is_empty() {
                    self.denies.push(format!("{of} {}", why.replacen("deny", "denies", 1)));
                } else {
                    let open = joined(&open);
                    self.may_deny.push(format!(
                        "{of} may {why}, unless {open} exempts it, which only AWS can tell"
                    ));
                }
            }
            Some("Allow") if network.iter().any(|one| fails(one)) => {
                let never = match policy.is_identitys {
                    true => &mut self.never_grants,
                    false => &mut self.never_permits,
                };
                never.push(format!(
                    "{of} allows it with the condition {shown}, which never matches because a login has \
                     no such key"
                ));
            }
            _ => {}
        }
    }
}

/// A condition of a statement.
struct Condition<'a> {
    operator: &'a str,
    key: &'a str,
    is_of_network: bool,
    /// Whether it holds for the login, if that is known.
    holds: Option<bool>,
}

fn conditions<'a>(element: &'a Value, known: Known<'_>) -> Vec<Condition<'a>> {
    let mut conditions = Vec::new();
    for (operator, keys) in element.as_object().into_iter().flatten() {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let holds = condition::holds(operator, key, values, known);
            let is_of_network = condition::is_of_network(key);
            conditions.push(Condition { operator, key, is_of_network, holds });
        }
    }
    conditions
}

fn joined(conditions: &[&Condition<'_>]) -> String {
    let shown =
        conditions.iter().map(|Condition { operator, key, .. }| format!("{operator} {key}"));
    shown.collect::<Vec<_>>().join(", ")
}

/// Whether a statement's `element` covers `value`: itself, or by what its `Not` form leaves out.
fn covers(statement: &Value, element: &str, value: &str) -> bool {
    let is_case_sensitive = element == "Resource";
    let names = |patterns: &Value| {
        one_or_many(patterns).into_iter().filter_map(Value::as_str).any(|pattern| {
            match is_case_sensitive {
                true => matches(pattern, value),
                false => matches(&pattern.to_ascii_lowercase(), &value.to_ascii_lowercase()),
            }
        })
    };
    match statement.get(format!("Not{element}")) {
        Some(excepted) => !names(excepted),
        None => names(&statement[element]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/app";

    fn read(statement: Value) -> Found {
        let principal = "arn:aws:iam::123456789012:role/app";
        let known = Known { principal, account: "123456789012", region: "eu-west-1" };
        let document = json!({ "Statement": statement });
        Found::read(&[Policy { name: "p".into(), document, is_identitys: true }], ARN, known)
    }

    fn of(effect: &str, condition: &Value) -> Found {
        read(json!({ "Sid": "Perimeter", "Effect": effect, "Action": "*", "Resource": "*",
            "Condition": condition }))
    }

    #[test]
    fn a_deny_that_matches_an_absent_key_locks_out() {
        for condition in [
            json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}),
            json!({"StringNotEqualsIfExists": {"aws:sourcevpc": ["vpc-1"]}}),
            json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "BoolIfExists": {"aws:ViaAWSService": "false"}}),
            json!({"IpAddressIfExists": {"aws:VpcSourceIp": "10.0.0.0/8"}}),
            json!({"Null": {"aws:SourceVpce": "true"}}),
            json!({"ForAllValues:StringLike": {"aws:UserAgent": "x"}}),
            json!({"StringNotEquals": {"aws:VpceOrgID": "o-1"}}),
            json!({"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"},
                "ArnNotLikeIfExists": {"aws:PrincipalArn": "arn:aws:iam::*:role/other"}}),
        ] {
            let found = of("Deny", &condition);
            assert!(found.denies.len() == 1 && found.may_deny.is_empty(), "{condition}");
            assert!(found.denies[0].starts_with("p: its statement Perimeter denies it with"));
        }
        for condition in [
            json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
            json!({"Null": {"aws:SourceVpce": "false"}}),
            json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}),
            json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            json!({"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"},
                "ArnNotLikeIfExists": {"aws:PrincipalArn": ["arn:aws:iam::123456789012:role/app"]}}),
            json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1", "aws:PrincipalAccount": "123456789012"}}),
            json!({"StringNotEquals": {"aws:SourceVpc": "vpc-1"}, "StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
            json!({}),
        ] {
            let Found { denies, may_deny, .. } = of("Deny", &condition);
            assert!([denies, may_deny].concat().is_empty(), "{condition}");
        }
    }

    /// As in AWS's samples of data perimeters.
    #[test]
    fn a_deny_with_another_condition_may_lock_out() {
        for (operator, key, value) in [
            ("StringNotEqualsIfExists", "aws:PrincipalTag/dp:exclude:network", "true"),
            ("Null", "lambda:SourceFunctionArn", "true"),
            ("Bool", "aws:ViaAWSService", "false"),
        ] {
            let mut condition = json!({"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}});
            condition[operator] = json!({ key: value });
            let found = of("Deny", &condition);
            assert!(found.denies.is_empty() && found.may_deny.len() == 1, "{condition}");
            let text = &found.may_deny[0];
            assert!(text.contains("may deny it with the condition NotIpAddressIfExists"), "{text}");
            assert!(text.contains(&format!("unless {operator} {key} exempts it")), "{text}");
        }
    }

    #[test]
    fn an_allow_that_needs_an_absent_key_never_applies() {
        let allows = |condition: Value| of("Allow", &condition).never_grants.is_empty();
        assert!(!allows(json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})));
        assert!(!allows(json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}})));
        assert!(allows(json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})));
    }

    #[test]
    fn only_statements_about_the_login_count() {
        let condition = json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}});
        for (statement, counts) in [
            (json!({"Action": ["s3:*", "RDS-DB:*"], "Resource": "*"}), true),
            (json!({"NotAction": ["sts:*"], "Resource": "*"}), true),
            (json!({"NotAction": ["sts:*", "rds-db:connect"], "Resource": "*"}), false),
            (json!({"Action": "s3:*", "Resource": "*"}), false),
            (json!({"Action": "*", "Resource": "arn:aws:rds-db:*:*:dbuser:*/app"}), true),
            (json!({"Action": "*", "Resource": "arn:aws:s3:::*"}), false),
            (json!({"Action": "*", "NotResource": "arn:aws:rds-db:*"}), false),
        ] {
            let mut statement = statement;
            statement["Effect"] = json!("Deny");
            statement["Condition"] = condition.clone();
            assert_eq!(read(json!([statement])).denies.len(), usize::from(counts), "{statement}");
        }
    }
}
