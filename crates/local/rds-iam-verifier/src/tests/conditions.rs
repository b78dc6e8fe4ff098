//! Conditions, one by one: what AWS's pages say of each operator, key and variable.

use std::time::UNIX_EPOCH;

use super::{database, login, login_of};
use crate::request::Request;
use crate::{Policies, Policy, Principal, Refusal, Resource};

/// Whether a policy that allows everything under this condition allows the login.
fn holds(condition: &str, request: &Request) -> bool {
    decide(condition, request).is_ok()
}

fn decide(condition: &str, request: &Request) -> Result<(), Refusal> {
    let json = document("2012-10-17", "Allow", r#""*""#, condition);
    let policy = Policy::parse(&json).unwrap_or_else(|error| panic!("{error}: {json}"));
    Policies { identity: vec![policy], ..Policies::default() }.decide(request)
}

fn document(version: &str, effect: &str, resource: &str, condition: &str) -> String {
    format!(
        r#"{{"Version": "{version}", "Statement": [{{"Effect": "{effect}", "Action": "*",
  "Resource": {resource}, "Condition": {condition}}}]}}"#
    )
}

#[test]
fn each_operator_on_a_key_that_is_there() {
    let role = "arn:aws:iam::123456789012:role/app";
    for (condition, expected) in [
        (r#"{"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}"#, true),
        (r#"{"StringEquals": {"AWS:requestedregion": ["x", "eu-west-1"]}}"#, true),
        (r#"{"StringEquals": {"aws:RequestedRegion": "EU-WEST-1"}}"#, false),
        (r#"{"StringEquals": {"aws:RequestedRegion": "eu-*"}}"#, false),
        (r#"{"StringEqualsIgnoreCase": {"aws:RequestedRegion": "EU-WEST-1"}}"#, true),
        (r#"{"StringNotEqualsIgnoreCase": {"aws:RequestedRegion": "EU-WEST-1"}}"#, false),
        (r#"{"StringNotEquals": {"aws:RequestedRegion": ["x", "eu-west-1"]}}"#, false),
        (r#"{"StringNotEquals": {"aws:RequestedRegion": ["x", "y"]}}"#, true),
        (r#"{"StringLike": {"aws:RequestedRegion": "eu-*-?"}}"#, true),
        (r#"{"StringLike": {"aws:userid": "AROA*:session-1"}}"#, true),
        (r#"{"StringLike": {"aws:RequestedRegion": "eu-*-??"}}"#, false),
        (r#"{"StringNotLike": {"aws:RequestedRegion": ["us-*", "ap-*"]}}"#, true),
        (r#"{"StringNotLike": {"aws:RequestedRegion": ["us-*", "eu-*"]}}"#, false),
        (r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/a*"}}"#, true),
        (r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/app"}}"#, true),
        (r#"{"ArnLike": {"aws:PrincipalArn": "arn:*:*:*:*:*"}}"#, true),
        // A wildcard stays in its part.
        (r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:*:role/app:*:*"}}"#, false),
        (r#"{"ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/b*"]}}"#, true),
        (r#"{"ArnNotEquals": {"aws:PrincipalArn": ["arn:aws:iam::*:role/a*"]}}"#, false),
        (r#"{"NumericEquals": {"aws:EpochTime": 1795951800}}"#, true),
        (r#"{"NumericNotEquals": {"aws:EpochTime": "1795951800.0"}}"#, false),
        (r#"{"NumericLessThan": {"aws:EpochTime": "1795951800"}}"#, false),
        (r#"{"NumericLessThanEquals": {"aws:EpochTime": "1795951800"}}"#, true),
        (r#"{"NumericGreaterThan": {"aws:EpochTime": "1795951799.5"}}"#, true),
        (r#"{"NumericGreaterThanEquals": {"aws:EpochTime": ["9e99", "1795951800"]}}"#, true),
        (r#"{"DateEquals": {"aws:CurrentTime": "2026-11-29T11:30:00Z"}}"#, true),
        (r#"{"DateEquals": {"aws:EpochTime": "2026-11-29T12:30:00+01:00"}}"#, true),
        (r#"{"DateNotEquals": {"aws:CurrentTime": 1795951800}}"#, false),
        (r#"{"DateLessThan": {"aws:CurrentTime": "2026-11-30"}}"#, true),
        (r#"{"DateLessThan": {"aws:CurrentTime": "2026-11-29T11:30:00Z"}}"#, false),
        (r#"{"DateLessThanEquals": {"aws:CurrentTime": "2026-11-29T11:30:00Z"}}"#, true),
        (r#"{"DateGreaterThan": {"aws:TokenIssueTime": "2026-11-29T09:59:59Z"}}"#, true),
        (r#"{"DateGreaterThanEquals": {"aws:TokenIssueTime": "2026-11-29T10:00:01Z"}}"#, false),
        (r#"{"Null": {"aws:TokenIssueTime": false}}"#, true),
        (r#"{"Null": {"aws:TokenIssueTime": "true"}}"#, false),
        (r#"{"StringEquals": {"aws:PrincipalType": "AssumedRole"}}"#, true),
        (r#"{"StringEquals": {"aws:PrincipalAccount": "123456789012"}}"#, true),
        (r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#, true),
        (r#"{"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": ["o-2/*", "o-1/*"]}}"#, true),
        (r#"{"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}"#, true),
        (r#"{"ForAnyValue:StringNotLike": {"aws:PrincipalOrgPaths": "o-1/*"}}"#, false),
        (r#"{"StringEquals": {"aws:PrincipalTag/team": "blue"}}"#, true),
        (r#"{"Bool": {"aws:SecureTransport": "true"}}"#, true),
        (r#"{"BoolIfExists": {"aws:SecureTransport": "false"}}"#, false),
        (r#"{"Null": {"aws:ViaAWSService": "true"}}"#, false),
        (r#"{"Bool": {"aws:PrincipalIsAWSService": "false"}}"#, true),
        (r#"{"StringEquals": {"aws:username": "${aws:ViaAWSService}"}}"#, false),
        // IAM's example of a Deny by source IP.
        (
            r#"{"NotIpAddress": {"aws:SourceIp": ["192.0.2.0/24", "203.0.113.0/24"]},
                "Bool": {"aws:ViaAWSService": "false"}}"#,
            true,
        ),
        (
            r#"{"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"},
                "Bool": {"aws:ViaAWSService": "true"}}"#,
            false,
        ),
        // All operators and all keys must hold.
        (
            r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:PrincipalTag/Team": "blue"},
                "DateLessThan": {"aws:CurrentTime": "2027"}}"#,
            true,
        ),
        (
            r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:PrincipalTag/Team": "red"}}"#,
            false,
        ),
        (
            r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"},
                "DateLessThan": {"aws:CurrentTime": "2026"}}"#,
            false,
        ),
        ("{}", true),
    ] {
        assert_eq!(holds(condition, &login()), expected, "{role}: {condition}");
    }
}

/// The table of AWS's rules for a key that is absent, on each of the six that a login never has.
#[test]
fn the_six_keys_are_absent_whatever_the_operator() {
    for (operator, value, expected) in [
        ("StringEquals", "x", false),
        ("StringEqualsIgnoreCase", "x", false),
        ("StringLike", "*", false),
        ("StringNotEquals", "x", true),
        ("StringNotEqualsIgnoreCase", "x", true),
        ("StringNotLike", "*", true),
        ("StringEqualsIfExists", "x", true),
        ("StringNotEqualsIfExists", "x", true),
        ("ForAllValues:StringEquals", "x", true),
        ("ForAllValues:StringNotEquals", "x", true),
        ("ForAnyValue:StringEquals", "x", false),
        ("ForAnyValue:StringNotEquals", "x", false),
        ("ForAnyValue:StringEqualsIfExists", "x", true),
        ("ArnLike", "arn:*:*:*:*:*", false),
        ("ArnNotLike", "arn:*:*:*:*:*", true),
        ("ArnLikeIfExists", "arn:*:*:*:*:*", true),
        ("IpAddress", "0.0.0.0/0", false),
        ("NotIpAddress", "0.0.0.0/0", true),
        ("IpAddressIfExists", "10.0.0.0/8", true),
        ("NotIpAddressIfExists", "10.0.0.0/8", true),
        ("Bool", "true", false),
        ("Bool", "false", false),
        ("BoolIfExists", "false", true),
        ("BinaryEquals", "eA==", false),
        ("NumericGreaterThanEquals", "0", false),
        ("NumericNotEquals", "0", true),
        ("DateLessThan", "2099", false),
        ("DateNotEquals", "2099", true),
        ("DateLessThanIfExists", "1999", true),
        ("Null", "true", true),
        ("Null", "false", false),
    ] {
        for key in crate::condition_key::NETWORK {
            let condition = format!(r#"{{"{operator}": {{"{key}": "{value}"}}}}"#);
            assert_eq!(holds(&condition, &login()), expected, "{condition}");
        }
    }
}

/// A data perimeter, as its service control policies are written.
#[test]
fn a_perimeter_of_networks_locks_out_and_says_so() {
    let deny = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "Perimeter", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {
            "NotIpAddressIfExists": {"aws:SourceIp": "192.0.2.0/24"},
            "StringNotEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]},
            "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/exempt"}}}]}"#;
    let policies = Policies { identity: vec![Policy::parse(deny).unwrap()], ..Policies::default() };
    let refusal = policies.decide(&login()).unwrap_err();
    let text = refusal.to_string();
    let arn = database().arn("lambda-user");
    assert_eq!(
        text,
        format!(
            "statement \"Perimeter\" of the policy denies rds-db:connect on {arn} \
             (key aws:SourceIp is never present at a database login; \
             key aws:SourceVpce is never present at a database login; \
             key aws:PrincipalArn is \"arn:aws:iam::123456789012:role/app\")"
        )
    );
    assert!(refusal.advice().contains("NotAction"), "{}", refusal.advice());
    let exempt = login_of("arn:aws:iam::123456789012:role/exempt", &database());
    assert_eq!(policies.decide(&exempt), Ok(()));

    let allow = r#"{"StringEquals": {"aws:SourceVpc": "vpc-1"}}"#;
    let text = decide(allow, &login()).unwrap_err().to_string();
    let says =
        "(statement 1 does not apply: key aws:SourceVpc is never present at a database login)";
    assert!(text.ends_with(says), "{text}");
}

#[test]
fn a_user_has_a_name_and_a_role_has_none() {
    let user = login_of("arn:aws:iam::123456789012:user/team/ann", &database());
    let named = r#"{"StringEquals": {"aws:username": "ann"}}"#;
    assert!(holds(named, &user) && !holds(named, &login()));
    assert!(holds(r#"{"Null": {"aws:username": "true"}}"#, &login()));
    assert!(holds(r#"{"StringEquals": {"aws:PrincipalType": "User"}}"#, &user));
    assert!(holds(r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*/ann"}}"#, &user));
}

#[test]
fn variables_have_the_values_of_the_login_and_are_no_wildcards() {
    let arn = |user: &str| format!(r#""arn:aws:rds-db:*:*:dbuser:*/{user}""#);
    let decide = |version: &str, user: &str, request: &Request| {
        let policy = Policy::parse(&document(version, "Allow", &arn(user), "{}")).unwrap();
        Policies { identity: vec![policy], ..Policies::default() }.decide(request)
    };
    let user = login_of("arn:aws:iam::123456789012:user/lambda-user", &database());
    let new = "2012-10-17";
    for (pattern, expected) in [
        ("${aws:username}", true),
        ("${AWS:UserName}", true),
        ("lambda-${aws:username}", false),
        ("${aws:PrincipalTag/none, 'lambda-user'}", true),
        ("${aws:PrincipalTag/team,'x'}", false),
        ("${*}", false),
        ("lambda${?}user", false),
        ("*", true),
    ] {
        assert_eq!(decide(new, pattern, &user).is_ok(), expected, "{pattern}");
    }
    // In the old version they are plain text.
    assert!(decide("2008-10-17", "${aws:username}", &user).is_err());

    let refusal = decide(new, "${aws:username}", &login()).unwrap_err().to_string();
    assert!(
        refusal.contains("(statement 1 does not apply: ${aws:username} in arn:aws:"),
        "{refusal}"
    );
    assert!(refusal.contains("has no value here)"), "{refusal}");

    // A value with a wildcard in it stands for itself.
    let mut principal: Principal = "arn:aws:iam::123456789012:role/app".parse().unwrap();
    principal.tags.insert("user".into(), "*".into());
    let starred = Request::new(&database(), "lambda-user", &principal, None, UNIX_EPOCH);
    assert!(decide(new, "${aws:PrincipalTag/user}", &starred).is_err());
    let literal = r#"{"StringLike": {"aws:PrincipalTag/user": "${*}"}}"#;
    assert!(holds(literal, &starred));
    assert!(!holds(&literal.replace("/user", "/team"), &login()));
}

/// "Using policy variables with no value", IAM User Guide: such a value equals nothing, so that inverted
/// operators hold.
#[test]
fn a_variable_without_a_value_equals_nothing() {
    for (condition, expected) in [
        (r#"{"StringEquals": {"aws:PrincipalTag/Team": "${aws:PrincipalTag/x}"}}"#, false),
        (r#"{"StringNotEquals": {"aws:PrincipalTag/Team": "${aws:PrincipalTag/x}"}}"#, true),
        (r#"{"StringEquals": {"aws:PrincipalTag/x": "${aws:PrincipalTag/x}"}}"#, false),
        (r#"{"StringEquals": {"aws:PrincipalTag/Team": ["${aws:username}", "blue"]}}"#, true),
        (r#"{"StringNotEquals": {"aws:PrincipalTag/Team": ["${aws:username}", "blue"]}}"#, false),
        (r#"{"StringEquals": {"aws:PrincipalTag/Team": "${aws:PrincipalTag/Team}"}}"#, true),
        (r#"{"ArnEquals": {"aws:PrincipalArn": "${aws:PrincipalArn}"}}"#, true),
    ] {
        assert_eq!(holds(condition, &login()), expected, "{condition}");
    }
    let condition = r#"{"StringEquals": {"aws:PrincipalTag/Team": "${aws:username}"}}"#;
    let refusal = decide(condition, &login()).unwrap_err().to_string();
    let says = "key aws:PrincipalTag/Team is \"blue\", and ${aws:username} has no value here";
    assert!(refusal.contains(says), "{refusal}");
}

/// "RDS Proxy doesn't support any global condition context keys."
#[test]
fn a_proxy_has_no_keys_at_all() {
    let proxy = Resource { resource_id: "prx-1".into(), ..database() };
    let request = login_of("arn:aws:iam::123456789012:user/ann", &proxy);
    for key in [
        "aws:CurrentTime",
        "aws:PrincipalArn",
        "aws:SecureTransport",
        "aws:SourceVpce",
        "aws:ViaAWSService",
        "aws:username",
    ] {
        let absent = format!(r#"{{"Null": {{"{key}": "true"}}}}"#);
        assert!(holds(&absent, &request), "{key}");
    }
    let region = r#"{"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}"#;
    let refusal = decide(region, &request).unwrap_err().to_string();
    assert!(refusal.contains("because RDS Proxy supports no global condition keys"), "{refusal}");
    assert!(holds(r#"{"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}"#, &request));
    assert!(holds("{}", &request));
}

/// A key that is absent or has one certain value decides nothing if both come to the same.
#[test]
fn uncertain_keys_are_taken_where_they_make_no_difference() {
    let parse = |effect: &str, condition: &str| {
        Policy::parse(&document("2012-10-17", effect, r#""*""#, condition))
    };
    for condition in [
        r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#,
        r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}"#,
    ] {
        parse("Deny", condition).unwrap_or_else(|error| panic!("{condition}: {error}"));
    }
    for condition in [
        r#"{"Bool": {"aws:MultiFactorAuthPresent": "false"}}"#,
        r#"{"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}"#,
        r#"{"Null": {"aws:MultiFactorAuthPresent": "true"}}"#,
        r#"{"StringNotEqualsIfExists": {"aws:ResourceOrgID": "o-1"}}"#,
    ] {
        let error = parse("Deny", condition).expect_err(condition).to_string();
        assert!(error.contains("it is not known whether a database login has"), "{error}");
    }
}

#[test]
fn what_concerns_other_services_may_have_any_key() {
    let other = r#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*",
         "Condition": {"StringNotEquals": {"s3:prefix": "${s3:x}"}}},
        {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::${s3:x}",
         "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}},
        {"Effect": "Deny", "NotAction": ["rds-db:*"], "Resource": "*",
         "Condition": {"StringNotEquals": {"aws:ResourceOrgID": "o-1"}}},
        {"Effect": "Allow", "Action": "rds-db:connect", "Resource": "*"}]}"#;
    let policy = Policy::parse(other).unwrap();
    let policies = Policies { identity: vec![policy], ..Policies::default() };
    assert_eq!(policies.decide(&login()), Ok(()));
}

#[test]
fn what_cannot_be_decided_or_is_wrong_is_named_with_its_place() {
    let on_line_3 = |condition: &str| {
        format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Deny", "Action": "*",
  "Resource": "*", "Condition":
  {condition}}}]}}"#
        )
    };
    for (condition, column, complaint) in [
        (
            r#"{"StringEqual": {"aws:username": "x"}}"#,
            16,
            "\"StringEqual\" is no condition operator",
        ),
        (r#"{"stringequals": {"aws:username": "x"}}"#, 17, "as in \"StringEquals\""),
        (r#"{"ForEach:Bool": {"aws:username": "x"}}"#, 17, "\"ForEach:Bool\" is no condition"),
        (r#"{"NullIfExists": {"aws:username": "true"}}"#, 17, "Null takes neither"),
        (r#"{"ForAnyValue:Null": {"aws:username": "true"}}"#, 21, "Null takes neither"),
        (r#"{"Bool": {"aws:SourceVcpe": "true"}}"#, 37, "the condition key aws:SourceVcpe"),
        (r#"{"Bool": {"username": "true"}}"#, 22, "\"username\" is no condition key"),
        (r#"{"Bool": {"aws:username": "yes"}}"#, 33, "\"yes\" is no \"true\" or \"false\""),
        (r#"{"Bool": {"aws:username": [true, {}]}}"#, 38, "texts only"),
        (r#"{"Bool": {"aws:username": []}}"#, 30, "at least one"),
        (r#"{"Bool": {"aws:username": null}}"#, 32, "null"),
        (r#"{"Bool": 1}"#, 12, "invalid type: integer"),
        (r#"[]"#, 2, "invalid type: sequence"),
        (r#"{"NumericEquals": {"aws:EpochTime": "NaN"}}"#, 43, "\"NaN\" is no number"),
        (r#"{"DateLessThan": {"aws:CurrentTime": "soon"}}"#, 45, "\"soon\" is no date"),
        (r#"{"IpAddress": {"aws:SourceIp": "10.0.0.0/99"}}"#, 46, "is no address or range"),
        (r#"{"ArnLike": {"aws:PrincipalArn": "role/x"}}"#, 43, "\"role/x\" is no ARN"),
        (
            r#"{"StringEquals": {"aws:username": "x", "AWS:USERNAME": "x"}}"#,
            55,
            "\"AWS:USERNAME\" is there twice",
        ),
        (r#"{"Bool": {}, "Bool": {}}"#, 21, "the operator \"Bool\" is there twice"),
        (r#"{"StringLike": {"aws:username": "${aws:username"}}"#, 50, "without its }"),
        (r#"{"StringLike": {"aws:username": "${}"}}"#, 39, "is no condition key"),
        (r#"{"StringLike": {"aws:username": "${s3:prefix}"}}"#, 49, "the condition key s3:prefix"),
        (r#"{"StringLike": {"aws:username": "${aws:userid, x}"}}"#, 52, "must be in single quotes"),
        (
            r#"{"StringEquals": {"aws:PrincipalOrgPaths": "o-1"}}"#,
            51,
            "put ForAnyValue: or ForAllValues:",
        ),
        (
            r#"{"StringEquals": {"aws:username": "${aws:PrincipalOrgPaths}"}}"#,
            63,
            "may have several values, and cannot be a policy variable",
        ),
    ] {
        let error = Policy::parse(&on_line_3(condition)).expect_err(condition);
        assert!(error.message().contains(complaint), "{error}: {condition}");
        let place = (error.line(), error.column());
        assert!(place == (3, column), "{error}: {condition}, {column}");
        assert!(error.to_string().ends_with(&format!("at line 3 column {}", place.1)), "{error}");
    }
    for (resource, complaint) in [
        (r#""arn:aws:rds-db:${aws:RequestedRegion}:*:dbuser:*""#, "before its fifth colon"),
        (r#""arn:aws:rds-db:*:*:dbuser:*/${aws:username""#, "without its }"),
        (r#"["arn:aws:s3:::x", "arn:aws:rds-db:*:*:dbuser:${s3:x}"]"#, "the condition key s3:x"),
    ] {
        let json = document("2012-10-17", "Allow", resource, "{}");
        let error = Policy::parse(&json).expect_err(&json);
        assert!(error.message().contains(complaint) && error.line() == 2, "{error}");
    }
}
