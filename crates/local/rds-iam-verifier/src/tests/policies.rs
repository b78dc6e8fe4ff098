//! Policy documents: what they allow, and which are refused.

use super::{ALLOW_ALL, login};
use crate::{Policies, Policy, Refusal};

const ARN: &str = "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/lambda-user";

/// The decision of `json` as the only policy.
fn alone(json: &str) -> Result<(), Refusal> {
    let policy = Policy::parse(json).unwrap_or_else(|error| panic!("{error}: {json}"));
    Policies { identity: vec![policy], ..Policies::default() }.decide(&login())
}

fn not_allowed() -> Result<(), Refusal> {
    Err(Refusal::NotAllowed { arn: ARN.into(), policy: "policy".into(), reasons: vec![] })
}

fn statement(effect: &str, action: &str, resource: &str) -> String {
    format!(r#"{{"Effect": "{effect}", {action}, {resource}}}"#)
}

fn decision(statements: &[String]) -> Result<(), Refusal> {
    let json = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(", "));
    alone(&json)
}

#[test]
fn one_statement_allows_what_it_covers() {
    let connect = r#""Action": "rds-db:connect""#;
    let all = r#""Resource": "*""#;
    for (action, resource, allowed) in [
        (connect, all, true),
        (connect, &*format!(r#""Resource": "{ARN}""#), true),
        (connect, r#""Resource": "arn:aws:rds-db:*:*:dbuser:*/*""#, true),
        (
            connect,
            r#""Resource": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:*/lambda-user""#,
            true,
        ),
        (
            connect,
            r#""Resource": "arn:aws:rds-db:eu-west-?:123456789012:dbuser:db-*/lambda-*""#,
            true,
        ),
        (connect, r#""Resource": ["arn:aws:s3:::x", "arn:aws:rds-db:*"]"#, true),
        // Another user, case, resource, account, region, partition; the instance's name.
        (
            connect,
            r#""Resource": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/lambda""#,
            false,
        ),
        (
            connect,
            r#""Resource": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/Lambda-user""#,
            false,
        ),
        (
            connect,
            r#""Resource": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-abc/lambda-user""#,
            false,
        ),
        (
            connect,
            r#""Resource": "arn:aws:rds-db:eu-west-1:123456789012:dbuser:my-database/*""#,
            false,
        ),
        (connect, r#""Resource": "arn:aws:rds-db:eu-west-1:999999999999:dbuser:*/*""#, false),
        (connect, r#""Resource": "arn:aws:rds-db:us-*:123456789012:dbuser:*/*""#, false),
        (connect, r#""Resource": "arn:aws-cn:rds-db:*:*:dbuser:*/*""#, false),
        (connect, r#""Resource": "arn:aws:rds:eu-west-1:123456789012:db:*""#, false),
        (connect, r#""NotResource": "arn:aws:s3:::x""#, true),
        (connect, &*format!(r#""NotResource": ["arn:aws:s3:::x", "{ARN}"]"#), false),
        // Actions.
        (r#""Action": "*""#, all, true),
        (r#""Action": "rds-db:*""#, all, true),
        (r#""Action": "RDS-DB:Connect""#, all, true),
        (r#""Action": ["s3:GetObject", "rds-db:c?nnect"]"#, all, true),
        (r#""Action": "rds:connect""#, all, false),
        (r#""Action": "rds-db:connec""#, all, false),
        (r#""NotAction": "s3:*""#, all, true),
        (r#""NotAction": ["s3:*", "rds-db:*"]"#, all, false),
    ] {
        let allow = decision(&[statement("Allow", action, resource)]);
        let expected = if allowed { Ok(()) } else { not_allowed() };
        assert_eq!(allow, expected, "{action}, {resource}");
    }
}

#[test]
fn an_explicit_deny_wins_wherever_it_stands() {
    let allow = statement("Allow", r#""Action": "*""#, r#""Resource": "*""#);
    let deny = statement("Deny", r#""Action": "rds-db:*""#, r#""Resource": "*""#);
    let denied = |statement: &str| {
        let (arn, policy, statement) = (ARN.into(), "policy".into(), statement.into());
        Err(Refusal::Denied { arn, policy, statement, reasons: vec![] })
    };
    assert_eq!(decision(&[allow.clone(), deny.clone()]), denied("statement 2"));
    assert_eq!(decision(&[deny.clone(), allow.clone()]), denied("statement 1"));
    let named = deny.replace('{', r#"{"Sid": "NoDatabases", "#);
    assert_eq!(decision(&[allow.clone(), named]), denied(r#"statement "NoDatabases""#));

    let elsewhere = statement("Deny", r#""Action": "s3:*""#, r#""Resource": "*""#);
    assert_eq!(decision(&[elsewhere.clone(), allow]), Ok(()));
    assert_eq!(decision(&[elsewhere]), not_allowed());
}

#[test]
fn a_statement_may_stand_alone_and_the_version_be_left_out() {
    let statement = statement("Allow", r#""Action": "*""#, r#""Resource": "*""#);
    for head in ["", r#""Version": "2008-10-17", "#, r#""Id": "x", "Version": "2012-10-17", "#] {
        let json = format!(r#"{{{head}"Statement": {statement}}}"#);
        assert_eq!(alone(&json), Ok(()), "{head}");
    }
}

#[test]
fn what_is_malformed_or_not_understood_is_refused_by_name_and_place() {
    let with = |extra: &str| {
        format!(
            r#"{{"Statement": [{{"Effect": "Allow", "Action": "*", "Resource": "*", {extra}}}]}}"#
        )
    };
    let one = |effect: &str, action: &str, resource: &str| {
        format!(r#"{{"Statement": [{}]}}"#, statement(effect, action, resource))
    };
    let (action, resource) = (r#""Action": "*""#, r#""Resource": "*""#);
    for (json, complaint) in [
        (String::new(), "EOF"),
        ("[]".into(), "invalid"),
        ("{}".into(), "missing field `Statement`"),
        (r#"{"Statement": []}"#.into(), "at least one"),
        (r#"{"Statement": "Allow"}"#.into(), "invalid type: string"),
        (r#"{"Statement": 1}"#.into(), "invalid type: integer"),
        (
            ALLOW_ALL.replace("{\"Statement", "{\"Version\": \"2012-10-18\", \"Statement"),
            "2012-10-18",
        ),
        (ALLOW_ALL.replace("\"Statement", "\"Statements"), "unknown field `Statements`"),
        (ALLOW_ALL.replace("}}", "}} x"), "trailing characters"),
        (one("allow", action, resource), "unknown variant `allow`"),
        (one("Allow", action, r#""resource": "*""#), "unknown field `resource`"),
        (
            one("Allow", r#""Action": "*", "NotAction": "*""#, resource),
            "either Action or NotAction",
        ),
        (one("Allow", r#""Sid": "x""#, resource), "either Action or NotAction"),
        (one("Allow", action, r#""Sid": "x""#), "either Resource or NotResource"),
        (one("Allow", r#""Action": []"#, resource), "at least one"),
        (one("Allow", r#""Action": [1]"#, resource), "invalid type: integer"),
        (one("Allow", r#""Action": "connect""#, resource), r#"the action "connect""#),
        (one("Allow", r#""Action": "rds-*:connect""#, resource), r#"the action "rds-*:connect""#),
        (one("Allow", r#""Action": "rds-db:""#, resource), r#"the action "rds-db:""#),
        (one("Allow", action, r#""Resource": "db-ABC/x""#), r#"the resource "db-ABC/x""#),
        (one("Allow", action, r#""Resource": "arn:aws""#), r#"the resource "arn:aws""#),
        (one("Allow", action, r#""Resource": "arn:aws:*:x""#), r#"the resource "arn:aws:*:x""#),
        (with(r#""Effect": "Deny""#), "duplicate field `Effect`"),
        (with(r#""Principal": "*""#), "Principal and NotPrincipal"),
        (with(r#""NotPrincipal": "*""#), "Principal and NotPrincipal"),
    ] {
        let error = Policy::parse(&json).expect_err(&json).to_string();
        assert!(error.contains(complaint), "{error}: {json}");
        assert!(error.contains("at line 1 column "), "{error}: {json}");
    }
}
