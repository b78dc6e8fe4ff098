//! Conditions on the caller's network, which a database login never has: a Deny with such a condition
//! locks everyone out, and an Allow with one never applies.
//!
//! IAM database authentication supports none of six global condition keys:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html>. An operator whose
//! key is absent matches if it is negated, has the suffix `IfExists`, or asks for the absence:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use serde_json::Value;

use super::documents::{ACTION, one_or_many};

const KEYS: [&str; 6] = [
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:VpcSourceIp",
    "aws:UserAgent",
    "aws:Referer",
];

/// What a statement of `document` does to a login on `resource`, if a condition on the network decides it.
pub(super) fn find(document: &Value, resource: &str) -> Option<String> {
    one_or_many(&document["Statement"]).into_iter().find_map(|statement| {
        if !covers(statement, "Action", ACTION) || !covers(statement, "Resource", resource) {
            return None;
        }
        let conditions = network_conditions(&statement["Condition"]);
        let name = statement["Sid"].as_str().map(|sid| format!(" {sid}")).unwrap_or_default();
        let shown: Vec<_> =
            conditions.iter().map(|(operator, key, _)| format!("{operator} {key}")).collect();
        let shown = shown.join(", ");
        let all_match = conditions.iter().all(|(.., matches)| *matches);
        match statement["Effect"].as_str() {
            _ if conditions.is_empty() => None,
            Some("Deny") if all_match => Some(format!(
                "its statement{name} denies it with the condition {shown}, which matches because a \
                 login has no such key"
            )),
            Some("Allow") if !all_match => Some(format!(
                "its statement{name} allows it with the condition {shown}, which never matches because a \
                 login has no such key"
            )),
            _ => None,
        }
    })
}

/// The conditions on one of the keys: operator, key, and whether it matches without the key.
fn network_conditions(conditions: &Value) -> Vec<(&str, &str, bool)> {
    let operators = conditions.as_object().into_iter().flatten();
    let all = operators.flat_map(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        keys.filter(|(key, _)| KEYS.iter().any(|one| one.eq_ignore_ascii_case(key))).map(
            move |(key, values)| {
                (operator.as_str(), key.as_str(), matches_without_key(operator, values))
            },
        )
    });
    all.collect()
}

fn matches_without_key(operator: &str, values: &Value) -> bool {
    let operator = operator.to_ascii_lowercase();
    if operator == "null" {
        let is_true = |value: &Value| value == true || value == "true";
        return one_or_many(values).into_iter().any(is_true);
    }
    let (set, operator) = operator.split_once(':').unwrap_or(("", &operator));
    match set {
        "forallvalues" => true,
        "foranyvalue" => false,
        _ => operator.contains("not") || operator.ends_with("ifexists"),
    }
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

/// Whether a pattern with `*` and `?` matches all of `text`. A variable such as `${aws:username}` may
/// stand for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut simple = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        simple.push_str(before);
        simple.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    simple.push_str(rest);
    let (pattern, text): (Vec<_>, Vec<_>) = (simple.chars().collect(), text.chars().collect());
    // Which lengths of the text the pattern so far may have matched.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for letter in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match letter {
                '*' => reached[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && reached[at - 1],
                letter => at > 0 && reached[at - 1] && text[at - 1] == letter,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/app";

    fn found(effect: &str, condition: Value) -> bool {
        let document = json!({ "Statement": { "Sid": "Perimeter", "Effect": effect, "Action": "*",
            "Resource": "*", "Condition": condition } });
        find(&document, ARN).is_some()
    }

    #[test]
    fn a_deny_that_matches_an_absent_key_locks_out() {
        for condition in [
            json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}),
            json!({"StringNotEqualsIfExists": {"aws:sourcevpc": ["vpc-1"]}}),
            json!({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}, "Bool": {"aws:ViaAWSService": "false"}}),
            json!({"IpAddressIfExists": {"aws:VpcSourceIp": "10.0.0.0/8"}}),
            json!({"Null": {"aws:SourceVpce": "true"}}),
            json!({"ForAllValues:StringLike": {"aws:UserAgent": "x"}}),
        ] {
            assert!(found("Deny", condition.clone()), "{condition}");
        }
        for condition in [
            json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}}),
            json!({"Null": {"aws:SourceVpce": "false"}}),
            json!({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}),
            json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            json!({}),
        ] {
            assert!(!found("Deny", condition.clone()), "{condition}");
        }
    }

    #[test]
    fn an_allow_that_needs_an_absent_key_never_applies() {
        assert!(found("Allow", json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})));
        assert!(found("Allow", json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}})));
        assert!(!found("Allow", json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})));
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
            (json!({"Action": "*", "Resource": "arn:aws:rds-db:*:*:dbuser:*/ap?"}), true),
            (
                json!({"Action": "*", "Resource": "arn:aws:rds-db:*:*:dbuser:*/${aws:username}"}),
                true,
            ),
            (json!({"Action": "*", "Resource": "arn:aws:s3:::*"}), false),
            (json!({"Action": "*", "NotResource": "arn:aws:rds-db:*"}), false),
        ] {
            let mut statement = statement;
            statement["Effect"] = json!("Deny");
            statement["Condition"] = condition.clone();
            let document = json!({ "Statement": [statement] });
            assert_eq!(find(&document, ARN).is_some(), counts, "{document}");
        }
    }
}
