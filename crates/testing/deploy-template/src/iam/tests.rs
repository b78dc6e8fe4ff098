use super::*;
use serde_json::json;

fn policy(statements: Value) -> Result<Policy, String> {
    Policy::parse(&json!({ "Version": "2012-10-17", "Statement": statements }))
}

/// A policy that allows `x:Do` on everything under one condition.
fn under(condition: Value) -> Policy {
    let allow = json!([{"Effect": "Allow", "Action": "x:Do", "Resource": "*",
        "Condition": condition}]);
    policy(allow).unwrap()
}

fn ask() -> Request {
    Request::new("x:Do", "arn:aws:x:r:1:thing")
}

#[test]
fn a_denial_wins_and_silence_is_no() {
    let policy = policy(json!([
        {"Effect": "Allow", "Action": ["x:Get*", "X:put"], "Resource": "arn:aws:x:*:1:a/*"},
        {"Effect": "Deny", "Action": "x:*", "Resource": ["arn:aws:x:r:1:a/b", "arn:aws:x:r:1:a/?c"]},
    ]))
    .unwrap();
    for (action, resource, decision) in [
        ("x:GetThing", "arn:aws:x:r:1:a/d", Decision::Allowed),
        ("x:Put", "arn:aws:x:r:1:a/d/e", Decision::Allowed),
        ("x:PutThing", "arn:aws:x:r:1:a/d", Decision::NotAllowed),
        ("y:GetThing", "arn:aws:x:r:1:a/d", Decision::NotAllowed),
        ("x:GetThing", "arn:aws:x:r:1:A/d", Decision::NotAllowed),
        ("x:GetThing", "arn:aws:x:r:2:a/d", Decision::NotAllowed),
        ("x:GetThing", "arn:aws:x:r:1:a/b", Decision::Denied),
        ("x:GetThing", "arn:aws:x:r:1:a/cc", Decision::Denied),
        ("x:GetThing", "arn:aws:x:r:1:a/ccc", Decision::Allowed),
        ("x:Other", "arn:aws:x:r:1:a/b", Decision::Denied),
    ] {
        assert_eq!(policy.decide(&Request::new(action, resource)), decision, "{action} {resource}");
    }
}

#[test]
fn a_boundary_allows_nothing_and_takes_away() {
    let everything =
        || policy(json!([{"Effect": "Allow", "Action": "x:*", "Resource": "*"}])).unwrap();
    let nothing = policy(json!([])).unwrap();
    let denial = policy(json!([{"Effect": "Deny", "Action": "x:*", "Resource": "*"}])).unwrap();
    assert_eq!(everything().decide_within(&everything(), &ask()), Decision::Allowed);
    assert_eq!(everything().decide_within(&nothing, &ask()), Decision::NotAllowed);
    assert_eq!(nothing.decide_within(&everything(), &ask()), Decision::NotAllowed);
    assert_eq!(everything().decide_within(&denial, &ask()), Decision::Denied);
}

#[test]
fn conditions_are_about_the_keys_that_a_request_carries() {
    let allowed = |condition: &Value, request: Request| {
        under(condition.clone()).decide(&request) == Decision::Allowed
    };
    let equals = json!({"StringEquals": {"X:Key": ["a", "b*"]}});
    assert!(allowed(&equals, ask().with("x:key", "a")));
    assert!(allowed(&equals, ask().with("x:key", "b*")));
    assert!(!allowed(&equals, ask().with("x:key", "bc")) && !allowed(&equals, ask()));
    let like = json!({"StringLike": {"x:Key": "a*:z"}});
    assert!(allowed(&like, ask().with("x:Key", "a:b:z")) && !allowed(&like, ask()));
    for operator in ["ArnLike", "ArnEquals"] {
        let arn = json!({operator: {"x:Key": "arn:aws:s:*:1:a/*"}});
        assert!(allowed(&arn, ask().with("x:Key", "arn:aws:s:r:1:a/b:c")));
        assert!(!allowed(&arn, ask().with("x:Key", "arn:aws:s:r:2:1:a/b")), "over a colon");
        assert!(!allowed(&arn, ask().with("x:Key", "a/b")) && !allowed(&arn, ask()));
    }
    let if_there = json!({"StringEqualsIfExists": {"x:Key": "a"},
        "ArnLikeIfExists": {"x:Arn": "arn:aws:s:r:1:a/*"}});
    assert!(allowed(&if_there, ask()) && allowed(&if_there, ask().with("x:Key", "a")));
    assert!(!allowed(&if_there, ask().with("x:Key", "b")));
    assert!(!allowed(&if_there, ask().with("x:Key", "a").with("x:Arn", "arn:aws:s:r:1:b/c")));
    let absent = json!({"Null": {"x:Key": "true"}});
    assert!(allowed(&absent, ask()) && !allowed(&absent, ask().with("x:Key", "a")));
    let present = json!({"Null": {"x:Key": "false"}});
    assert!(!allowed(&present, ask()) && allowed(&present, ask().with("x:Key", "a")));
    let all = json!({"ForAllValues:StringLike": {"x:Key": "a*"}});
    assert!(allowed(&all, ask()) && allowed(&all, ask().with("x:Key", "a").with("x:Key", "ab")));
    assert!(!allowed(&all, ask().with("x:Key", "a").with("x:Key", "b")));
    let both = json!({"StringEquals": {"x:Key": "a", "x:Other": "b"}, "Null": {"x:Third": "true"}});
    assert!(allowed(&both, ask().with("x:Key", "a").with("x:Other", "b")));
    assert!(!allowed(&both, ask().with("x:Key", "a")));
}

#[test]
fn variables_stand_for_what_the_request_carries() {
    let account = json!({"StringEquals": {"x:Arn": "arn:aws:iam::${aws:PrincipalAccount}:b"}});
    let request = ask().with("x:Arn", "arn:aws:iam::1:b");
    assert_eq!(under(account.clone()).decide(&request), Decision::NotAllowed);
    let own = request.clone().with("aws:PrincipalAccount", "1");
    assert_eq!(under(account.clone()).decide(&own), Decision::Allowed);
    let other = request.with("aws:PrincipalAccount", "*");
    assert_eq!(under(account).decide(&other), Decision::NotAllowed, "a value is not a pattern");
    let star = under(json!({"StringLike": {"x:Key": "a${*}"}}));
    assert_eq!(star.decide(&ask().with("x:Key", "a*")), Decision::Allowed);
    assert_eq!(star.decide(&ask().with("x:Key", "ab")), Decision::NotAllowed);
}

#[test]
fn a_trust_policy_is_about_services() {
    let trust = policy(json!([{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "x.amazonaws.com"},
        "Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}]))
    .unwrap();
    let assume = Request::new("sts:AssumeRole", "").with("aws:SourceAccount", "1");
    assert_eq!(trust.trusts("x.amazonaws.com", &assume), Decision::Allowed);
    assert_eq!(trust.trusts("y.amazonaws.com", &assume), Decision::NotAllowed);
    let bare = Request::new("sts:AssumeRole", "");
    assert_eq!(trust.trusts("x.amazonaws.com", &bare), Decision::NotAllowed);
}

#[test]
fn unsupported_elements_are_refused() {
    for (statement, why) in [
        (json!({"Effect": "Allow", "NotAction": "x:Do", "Resource": "*"}), "NotAction"),
        (json!({"Effect": "Allow", "Action": "x:Do", "NotResource": "*"}), "NotResource"),
        (json!({"Effect": "Allow", "Action": "x:Do"}), "either"),
        (json!({"Effect": "Allow", "Action": "*", "Resource": "*"}), "not an action"),
        (json!({"Effect": "Allow", "Action": "x:Do", "Resource": "thing"}), "not a resource"),
        (
            json!({"Effect": "Allow", "Action": "x:Do",
                "Resource": "arn:aws:x:r:${aws:PrincipalAccount}:thing"}),
            "not a resource",
        ),
        (
            json!({"Effect": "Allow", "Action": "x:Do", "Resource": "arn:aws:x:r:1:${a, 'b'}"}),
            "defaults",
        ),
        (
            json!({"Effect": "Allow", "Action": "x:Do", "Resource": "*",
                "Condition": {"StringNotLike": {"x:Key": "a"}}}),
            "StringNotLike",
        ),
        (
            json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}),
            "AWS is not supported",
        ),
        (json!({"Effect": "allow", "Action": "x:Do", "Resource": "*"}), "effect"),
    ] {
        let refusal = policy(json!([statement.clone()])).unwrap_err();
        assert!(refusal.contains(why), "{statement}: {refusal}");
    }
    assert!(Policy::parse(&json!({"Version": "2008-10-17", "Statement": []})).is_err());
}
