//! Whether a policy's condition holds for a database login, as far as this can be known outside AWS.
//!
//! IAM database authentication supports none of six global condition keys:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html>. An operator whose
//! key is absent matches if it is negated, has the suffix `IfExists`, or asks for the absence:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use serde_json::Value;

use super::documents::one_or_many;
use super::wildcard::{matches, matches_arn};

/// Keys of the caller's network. A login has none of them: it passes no VPC endpoint of AWS.
const NETWORK: [&str; 10] = [
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:VpcSourceIp",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:UserAgent",
    "aws:Referer",
];

/// Keys of requests that AWS services make.
const OF_SERVICES: [&str; 9] = [
    "aws:CalledVia",
    "aws:CalledViaFirst",
    "aws:CalledViaLast",
    "aws:PrincipalServiceName",
    "aws:PrincipalServiceNamesList",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
];

/// Keys that are absent or have this value: AWS does not say which.
const UNCERTAIN: [(&str, &str); 3] = [
    ("aws:PrincipalIsAWSService", "false"),
    ("aws:SecureTransport", "true"),
    ("aws:ViaAWSService", "false"),
];

/// What a login says about itself.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// The ARN of the role or the user.
    pub(super) principal: &'a str,
    /// Its account.
    pub(super) account: &'a str,
    /// The region of the database.
    pub(super) region: &'a str,
}

/// Whether `key` is one of the caller's network.
pub(super) fn is_of_network(key: &str) -> bool {
    NETWORK.iter().any(|one| one.eq_ignore_ascii_case(key))
}

/// Whether the condition holds. `None` when only AWS can tell.
pub(super) fn holds(operator: &str, key: &str, values: &Value, known: Known<'_>) -> Option<bool> {
    let is = |one: &str| one.eq_ignore_ascii_case(key);
    let with = |found: Option<&str>| compare(operator, found, values);
    if NETWORK.into_iter().chain(OF_SERVICES).any(is) {
        return with(None);
    }
    if let Some((_, value)) = UNCERTAIN.iter().find(|(one, _)| is(one)) {
        let absent = with(None);
        return absent.filter(|_| absent == with(Some(value)));
    }
    let Known { principal, account, region } = known;
    let all = [
        ("aws:PrincipalArn", principal),
        ("aws:PrincipalAccount", account),
        ("aws:RequestedRegion", region),
    ];
    all.iter().find(|(one, _)| is(one)).and_then(|(_, value)| with(Some(value)))
}

/// Compares a key's value, or its absence, with those of a policy.
fn compare(operator: &str, found: Option<&str>, values: &Value) -> Option<bool> {
    let operator = operator.to_ascii_lowercase();
    let values = one_or_many(values);
    if operator == "null" {
        let asks_for_absence = |value: &&Value| text(value).eq_ignore_ascii_case("true");
        return Some(values.iter().any(|value| asks_for_absence(value) == found.is_none()));
    }
    let (set, operator) = operator.split_once(':').unwrap_or(("", &operator));
    let (operator, if_exists) = match operator.strip_suffix("ifexists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let is_negated = operator.contains("not");
    let Some(found) = found else {
        let without_values = match set {
            "forallvalues" => true,
            "foranyvalue" => false,
            _ => is_negated,
        };
        return Some(if_exists || without_values);
    };
    let plain = operator.replacen("not", "", 1);
    let each: Vec<_> = values.iter().map(|value| equals(&plain, &text(value), found)).collect();
    let equal = match each.contains(&Some(true)) {
        true => Some(true),
        false => each.iter().all(Option::is_some).then_some(false),
    };
    equal.map(|equal| equal != is_negated)
}

/// Whether a value of a policy is the one of the login. `None` with a variable or another operator.
fn equals(operator: &str, own: &str, found: &str) -> Option<bool> {
    if own.contains("${") {
        return None;
    }
    match operator {
        "stringequals" => Some(own == found),
        "stringequalsignorecase" => Some(own.to_lowercase() == found.to_lowercase()),
        "stringlike" => Some(matches(own, found)),
        "arnequals" | "arnlike" => Some(matches_arn(own, found)),
        "bool" => Some(own.eq_ignore_ascii_case(found)),
        _ => None,
    }
}

/// A value, which may be written without quotes.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decide(operator: &str, key: &str, values: Value) -> Option<bool> {
        let principal = "arn:aws:iam::123456789012:role/team/app";
        let known = Known { principal, account: "123456789012", region: "eu-west-1" };
        holds(operator, key, &values, known)
    }

    #[test]
    fn a_key_of_the_network_is_always_absent() {
        for (operator, value, expected) in [
            ("StringEquals", "x", false),
            ("StringNotEquals", "x", true),
            ("StringEqualsIfExists", "x", true),
            ("NotIpAddress", "10.0.0.0/8", true),
            ("IpAddress", "10.0.0.0/8", false),
            ("Null", "true", true),
            ("Null", "False", false),
            ("ForAllValues:StringLike", "x", true),
            ("ForAnyValue:StringNotLike", "x", false),
            ("ForAnyValue:StringLikeIfExists", "x", true),
            ("ForAnyValue:StringNotEqualsIfExists", "x", true),
        ] {
            for key in NETWORK {
                assert_eq!(decide(operator, key, json!([value])), Some(expected), "{operator}");
            }
        }
        assert_eq!(decide("Null", "AWS:sourcevpce", json!(true)), Some(true));
        assert_eq!(decide("StringNotEquals", "aws:CalledVia", json!("x")), Some(true));
    }

    #[test]
    fn what_the_login_says_of_itself_is_compared() {
        let arn = "arn:aws:iam::*:role/team/*";
        for (operator, key, value, expected) in [
            ("ArnLike", "aws:PrincipalArn", arn, Some(true)),
            ("ArnNotLikeIfExists", "aws:principalarn", arn, Some(false)),
            ("StringNotLike", "aws:PrincipalArn", "*/other", Some(true)),
            ("StringEquals", "aws:PrincipalAccount", "123456789012", Some(true)),
            ("StringNotEquals", "aws:RequestedRegion", "eu-west-1", Some(false)),
            ("StringEquals", "aws:RequestedRegion", "us-east-1", Some(false)),
            ("Null", "aws:PrincipalArn", "true", Some(false)),
            ("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/${aws:PrincipalTag/x}", None),
            ("StringEquals", "aws:PrincipalTag/team", "x", None),
            ("Null", "lambda:SourceFunctionArn", "true", None),
            ("Bool", "aws:ViaAWSService", "false", None),
            ("BoolIfExists", "aws:ViaAWSService", "false", Some(true)),
            ("Bool", "aws:ViaAWSService", "true", Some(false)),
        ] {
            assert_eq!(decide(operator, key, json!(value)), expected, "{operator} {key} {value}");
        }
        let several = json!(["arn:aws:iam::1:role/x", "arn:aws:iam::123456789012:role/team/app"]);
        assert_eq!(decide("ArnNotEquals", "aws:PrincipalArn", several), Some(false));
    }
}
