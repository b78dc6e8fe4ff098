use super::super::sample::{self, ID, ROLE};
use super::*;
use diagnosis::commands;
use serde_json::json;

#[test]
fn the_command_quotes_every_user() {
    let arn = "arn:aws:iam::123456789012:role/reader".to_owned();
    let identity = Identity { account: "1".into(), arn };
    let resource = r#"arn:aws:rds-db:eu-west-1:1:dbuser:db-A/o'neil "x""#;
    let fix = allow_command(&identity, resource);
    let command = commands(&fix).next().unwrap().replace("aws iam", "printf '%s\\n'");
    let words = std::process::Command::new("sh").args(["-c", &command]).output().unwrap();
    let words = String::from_utf8(words.stdout).unwrap();
    let document: Value = serde_json::from_str(words.lines().last().unwrap()).unwrap();
    assert_eq!(allowed_resources(&document), [resource]);
}

#[test]
fn allowed_resources_are_found_in_every_form_of_a_document() {
    let one = json!({"Statement": {"Effect": "Allow", "Action": "rds-db:connect",
        "Resource": "a"}});
    assert_eq!(allowed_resources(&one), ["a"]);
    let many = json!({"Statement": [
        {"Effect": "Allow", "Action": ["s3:Get*", "RDS-DB:*"], "Resource": ["b", "c"]},
        {"Effect": "Deny", "Action": "rds-db:connect", "Resource": "d"},
        {"Effect": "Allow", "Action": "rds:*", "Resource": "e"},
    ]});
    assert_eq!(allowed_resources(&many), ["b", "c"]);
    assert!(allowed_resources(&Value::Null).is_empty());
}

/// The finding for a function whose role has the policy `statements`.
fn found(decision: &str, statements: Value, more: &[(&str, Value)]) -> Finding {
    let decision = json!({"EvaluationResults": [{"EvalActionName": ACTION,
        "EvalDecision": decision, "MatchedStatements": [], "MissingContextValues": []}],
        "IsTruncated": false});
    let mut answers = vec![
        ("simulate-principal-policy", decision),
        ("list-role-policies --role-name app", json!({"PolicyNames": ["logins"]})),
        (
            "get-role-policy --role-name app --policy-name logins",
            json!({"RoleName": "app", "PolicyName": "logins",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements}}),
        ),
        ("list-attached-role-policies --role-name app", json!({"AttachedPolicies": []})),
        ("get-role --role-name app", json!({"Role": {"RoleName": "app", "Arn": ROLE}})),
        // The management account, to which no service control policy applies.
        (
            "describe-organization",
            json!({"Organization": {"Id": "o-1", "MasterAccountId": "123456789012"}}),
        ),
    ];
    answers.splice(0..0, more.iter().cloned());
    let (aws, _answers) = sample::aws(&answers);
    examine(&aws, &sample::database(), &sample::login(true), false)
}

fn ids(finding: &Finding) -> Vec<&str> {
    finding.causes.iter().chain(&finding.possible).map(|cause| cause.id.as_str()).collect()
}

fn allow(resource: &str) -> Value {
    let resource = format!("arn:aws:rds-db:{resource}");
    json!({"Effect": "Allow", "Action": ACTION, "Resource": resource})
}

fn own() -> Value {
    allow(&format!("eu-west-1:123456789012:dbuser:{ID}/app"))
}

fn deny(operator: &str, key: &str, value: &str) -> Value {
    let mut condition = json!({"NotIpAddressIfExists": {"aws:SourceIp": "10.0.0.0/8"}});
    condition[operator] = json!({ key: value });
    json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})
}

#[test]
fn an_allowed_login_rules_out_what_it_disproves() {
    let finding = found("allowed", json!([own()]), &[]);
    assert_eq!((finding.verdict, ids(&finding).len()), (Verdict::Ok, 0), "{}", finding.seen);
    for cause in DISPROVED.iter().chain(&[Cause::OtherAccount, Cause::NetworkCondition]) {
        assert!(finding.disproved.contains(cause), "{cause:?}");
    }
    assert!(DISPROVED.contains(&Cause::ResourceIdChanged));
    // A policy of another level may have a condition.
    let other = json!({"Organization": {"MasterAccountId": "999999999999"}});
    let finding = found("allowed", json!([own()]), &[("describe-organization", other)]);
    assert_eq!(finding.verdict, Verdict::Ok);
    assert!(!finding.disproved.contains(&Cause::NetworkCondition));
    let unread = "; not read: the organization's service control policies";
    assert!(finding.seen.ends_with(unread), "{}", finding.seen);
}

#[test]
fn a_deny_is_proved_only_without_an_open_exemption() {
    let network = Cause::NetworkCondition.id();
    let exempt = deny("ArnNotLikeIfExists", "aws:PrincipalArn", ROLE);
    assert_eq!(found("allowed", json!([own(), exempt]), &[]).verdict, Verdict::Ok);
    let others = deny("ArnNotLikeIfExists", "aws:PrincipalArn", "arn:aws:iam::*:role/other");
    let finding = found("allowed", json!([own(), others.clone()]), &[]);
    assert_eq!((finding.verdict, ids(&finding)), (Verdict::Failed, vec![network]));

    let tagged = deny("StringNotEqualsIfExists", "aws:PrincipalTag/dp:exclude:network", "true");
    let finding = found("allowed", json!([own(), tagged.clone()]), &[]);
    assert_eq!((finding.verdict, ids(&finding)), (Verdict::Warning, vec![network]));
    let because = &finding.possible[0].because;
    assert!(because.contains("may deny it"), "{because}");
    assert!(finding.disproved.contains(&Cause::PolicyMissing));
    // After what is proved.
    let finding = found("implicitDeny", json!([tagged]), &[]);
    assert_eq!(ids(&finding), [Cause::PolicyMissing.id(), network]);
    let finding = found("implicitDeny", json!([others]), &[]);
    assert_eq!(ids(&finding), [network, Cause::PolicyMissing.id()]);
    assert!(!finding.disproved.contains(&Cause::PolicyMissing));
}

#[test]
fn an_allow_with_a_condition_is_to_blame_only_if_nothing_else_allows() {
    let mut conditional = own();
    conditional["Condition"] = json!({"StringEquals": {"aws:SourceVpce": "vpce-1"}});
    let finding = found("implicitDeny", json!([conditional]), &[]);
    assert_eq!(ids(&finding), [Cause::NetworkCondition.id()]);
    let finding = found("allowed", json!([conditional, own()]), &[]);
    assert_eq!((finding.verdict, ids(&finding).len()), (Verdict::Ok, 0));
    // The Deny of another statement is the cause.
    let others = deny("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/other");
    let finding = found("allowed", json!([conditional, own(), others]), &[]);
    let because = &finding.causes[0].because;
    assert!(because.contains("denies it") && !because.contains("allows it"), "{because}");
}

#[test]
fn a_wrong_policy_is_no_switchover() {
    let renamed = json!({"DBInstances": [{"DBInstanceIdentifier": "orders-old1",
        "DbiResourceId": "db-BLUE", "DBInstanceStatus": "available", "Engine": "postgres",
        "DBInstanceArn": "arn:aws:rds:eu-west-1:123456789012:db:orders-old1"}]});
    let rds = [
        ("describe-blue-green-deployments", json!({"BlueGreenDeployments": []})),
        ("Name=dbi-resource-id,Values=db-BLUE", renamed),
        ("Name=dbi-resource-id,Values=db-GONE", json!({"DBInstances": []})),
    ];
    let changed = Cause::ResourceIdChanged.id();
    let wrong = Cause::PolicyWrongResource.id();
    for (resource, expected) in [
        ("eu-west-1:123456789012:dbuser:db-BLUE/app", changed),
        ("*:*:dbuser:db-BLUE/*", changed),
        ("eu-west-1:123456789012:dbuser:db-BLUE/other", wrong),
        ("us-east-1:123456789012:dbuser:db-BLUE/app", wrong),
        ("eu-west-1:999999999999:dbuser:db-BLUE/app", wrong),
        ("eu-west-1:123456789012:dbuser:db-GONE/app", wrong),
        ("eu-west-1:123456789012:dbuser:db-NEV/app", wrong),
        ("eu-west-1:123456789012:dbuser:db-prod/app", wrong),
        ("eu-west-1:123456789012:dbuser:cluster-*/app", wrong),
    ] {
        let finding = found("implicitDeny", json!([allow(resource)]), &rds);
        assert_eq!(ids(&finding), [expected], "{resource}");
        let rules_out = finding.disproved.contains(&Cause::PolicyWrongResource);
        assert_eq!(rules_out, expected == changed, "{resource}");
        assert!(expected == changed || !finding.disproved.contains(&Cause::ResourceIdChanged));
    }
    // The one with evidence is told, wherever it is in the list.
    let both = ["db-GONE", "db-BLUE"].map(|id| allow(&format!("*:*:dbuser:{id}/app")));
    assert_eq!(ids(&found("implicitDeny", json!(both), &rds)), [changed]);
}
