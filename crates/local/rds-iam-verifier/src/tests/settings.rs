//! What tests change while a server runs, and what they read.

use super::*;

#[test]
fn keys_come_and_go_and_their_session_tokens_count() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let verify = || verifier.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());

    verifier.set_keys(vec![]);
    assert_eq!(verify(), Err(Refusal::UnknownAccessKey(vector.access_key_id.clone())));
    verifier.set_keys(vec![AccessKey::random(), vector.key()]);
    assert_eq!(verify(), Ok(()));
    verifier.set_keys(vec![AccessKey { session_token: None, ..vector.key() }]);
    assert_eq!(verify(), Err(Refusal::SessionTokenUnexpected));
    verifier.set_keys(vec![AccessKey { session_token: Some("another".into()), ..vector.key() }]);
    assert_eq!(verify(), Err(Refusal::SessionTokenDifferent));
}

#[test]
fn no_policy_lets_no_one_in_and_a_bad_one_changes_nothing() {
    let vector = vector();
    let folder = tempfile::tempdir().unwrap();
    let verifier = Verifier::new(vector.resource(), vector.key(), folder.path().join("logins.log"));
    let verify = || verifier.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());

    assert_eq!(verify(), Err(Refusal::NoPolicy { arn: vector.resource().arn("peccy") }));
    verifier.set_policy(ALLOW_ALL).unwrap();
    assert_eq!(verify(), Ok(()));
    verifier.set_policy("{").unwrap_err();
    assert_eq!(verify(), Ok(()));
    verifier.set_policy(&ALLOW_ALL.replace("Allow", "Deny")).unwrap();
    assert!(matches!(verify(), Err(Refusal::Denied { .. })));
}

#[test]
fn it_stands_for_another_database_and_back() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let verify = || verifier.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());
    let own = vector.resource();

    let china = Resource { partition: "aws-cn".into(), resource_id: "prx-1".into(), ..own.clone() };
    verifier.set_policy(&policy_for(&own.arn("peccy"))).unwrap();
    verifier.stand_for(china.clone());
    assert_eq!(verify(), not_allowed(&china));
    verifier.set_policy(&policy_for(&china.arn("peccy"))).unwrap();
    assert_eq!(verify(), Ok(()));
    verifier.stand_for(Resource { region: "cn-north-1".into(), ..china });
    assert!(matches!(verify(), Err(Refusal::Mismatch { part: Part::Region, .. })));
    verifier.stand_for(own.clone());
    assert_eq!(verify(), not_allowed(&own));
}

fn not_allowed(resource: &Resource) -> Result<(), Refusal> {
    let arn = resource.arn("peccy");
    Err(Refusal::NotAllowed { arn, policy: "policy".into(), reasons: vec![] })
}

#[test]
fn the_principal_is_of_the_databases_account() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let verify = || verifier.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());
    let mut principal: Principal = "arn:aws:iam::123456789012:role/app".parse().unwrap();
    for (arn, says) in [
        ("arn:aws:iam::123456789012:role/app", None),
        ("arn:aws:iam::123456789012:user/app", None),
        (
            "arn:aws:iam::999999999999:role/app",
            Some("arn:aws:iam::999999999999:role/app is not of"),
        ),
        ("arn:aws-cn:iam::123456789012:role/app", Some("is not of the account of arn:aws:rds-db:")),
    ] {
        verifier.set_principal(arn.parse().unwrap());
        let refusal = verify().err().map(|refusal| refusal.to_string());
        assert_eq!(refusal.is_some(), says.is_some(), "{refusal:?}");
        assert!(refusal.unwrap_or_default().contains(says.unwrap_or_default()), "{arn}");
    }

    // Another policy allows the role by its name, while it has a tag.
    let by_name = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
        "Resource": "*", "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a*"},
        "StringEquals": {"aws:PrincipalTag/Team": "blue"}}}}"#;
    verifier.set_policy(by_name).unwrap();
    verifier.set_principal(principal.clone());
    let refusal = verify().unwrap_err().to_string();
    assert!(refusal.contains("key aws:PrincipalTag/Team is absent from this login"), "{refusal}");
    principal.tags.insert("team".into(), "blue".into());
    verifier.set_principal(principal);
    assert_eq!(verify(), Ok(()));
}

/// `AWSRevokeOlderSessions`, as the console writes it.
#[test]
fn sessions_are_revoked_by_their_age() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let verify = || verifier.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());
    let older_than = |date: SystemTime| {
        let date = crate::calendar::iso_8601(date);
        let deny = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "*",
            "Resource": "*"}}, {{"Effect": "Deny", "Action": ["*"], "Resource": ["*"],
            "Condition": {{"DateLessThan": {{"aws:TokenIssueTime": "{date}"}}}}}}]}}"#
        );
        verifier.set_policy(&deny).unwrap();
    };
    // Without further knowledge, the session is as old as the token.
    older_than(vector.signed_at());
    assert_eq!(verify(), Ok(()));
    older_than(shift(vector.signed_at(), 1));
    assert!(matches!(verify(), Err(Refusal::Denied { .. })));
    older_than(vector.signed_at());
    let mut principal: Principal = "arn:aws:iam::123456789012:role/app".parse().unwrap();
    principal.issued = Some(shift(vector.signed_at(), -1));
    verifier.set_principal(principal);
    assert!(matches!(verify(), Err(Refusal::Denied { .. })));

    // A permanent key has no session.
    let permanent = vectors().into_iter().find(|vector| vector.session_token.is_none()).unwrap();
    let Fixture { verifier, folder: _folder } = permanent.fixture();
    verifier
        .set_policy(
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*",
            "Resource": "*", "Condition": {"Null": {"aws:TokenIssueTime": "true"},
            "StringEquals": {"aws:username": "local"}}}}"#,
        )
        .unwrap();
    let user = permanent.user.as_bytes();
    assert_eq!(verifier.verify(user, permanent.token.as_bytes(), permanent.signed_at()), Ok(()));
}

/// A database may have several endpoints. It is one token's host and port together that must be one.
#[test]
fn a_further_endpoint_is_accepted_as_a_whole() {
    let vector = vector();
    let folder = tempfile::tempdir().unwrap();
    let resource = Resource { host: "reader.example".into(), port: 1, ..vector.resource() };
    let verifier = Verifier::new(resource.clone(), vector.key(), folder.path().join("log"));
    verifier.set_policy(ALLOW_ALL).unwrap();
    let verify = || verifier.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());
    verifier.accept_endpoint(&vector.host, vector.port + 1);
    verifier.accept_endpoint("another.example", vector.port);
    let refused = verify().unwrap_err();
    assert!(matches!(refused, Refusal::Mismatch { part: Part::Host, .. }), "{refused:?}");
    verifier.accept_endpoint(&vector.host.to_uppercase(), vector.port);
    assert_eq!(verify(), Ok(()));
    verifier.stand_for(resource);
    assert!(verify().is_err(), "it stands for a database with that endpoint alone");
}

fn policy_for(arn: &str) -> String {
    ALLOW_ALL.replace("\"*\"", &format!("{arn:?}"))
}

#[test]
fn the_cap_counts_logins_and_can_be_lifted() {
    let vector = vector();
    let Fixture { verifier, folder: _folder } = vector.fixture();
    let verify = |millis| {
        let now = vector.signed_at() + Duration::from_millis(millis);
        verifier.verify(b"peccy", vector.token.as_bytes(), now)
    };
    verifier.set_connection_cap(Some(2));
    let verdicts = [0, 1, 2, 1000].map(verify);
    assert_eq!(verdicts, [Ok(()), Ok(()), Err(Refusal::TooManyConnections { cap: 2 }), Ok(())]);
    verifier.set_connection_cap(None);
    assert!((0..100).all(|_| verify(1000).is_ok()));
}

#[test]
fn the_log_says_when_who_why_and_what_to_do() {
    let vector = vector();
    let fixture = vector.fixture();
    let verifier = &fixture.verifier;
    let date = crate::calendar::iso_8601(vector.signed_at());
    verifier.verify(b"peccy", vector.token.as_bytes(), vector.signed_at()).unwrap();
    verifier.verify(b"a\nb", vector.token.as_bytes(), vector.signed_at()).unwrap_err();
    verifier.verify(b"peccy", b"hunter2", vector.signed_at()).unwrap_err();
    let refusals = [
        format!(
            "{date} refused \"a\\nb\": the token's DBUser is \"peccy\", expected \"a\\nb\"; sign for \
             the user who logs in; user names are case-sensitive"
        ),
        format!(
            "{date} refused \"peccy\": the password does not begin with host:port/?; send the whole \
             token as the password: host:port/?Action=connect&DBUser=..., without https://"
        ),
    ];
    assert_eq!(verifier.refusals(), refusals);
    assert_eq!(
        fixture.log(),
        format!("{date} allowed \"peccy\"\n{}\n{}\n", refusals[0], refusals[1])
    );
}

#[test]
fn a_log_that_cannot_be_written_shows_among_the_refusals() {
    let vector = vector();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/logins.log");
    let verifier = Verifier::new(vector.resource(), vector.key(), path.clone());
    verifier.verify(b"peccy", b"hunter2", vector.signed_at()).unwrap_err();
    let [refusal, lost] = &verifier.refusals()[..] else { panic!("{:?}", verifier.refusals()) };
    assert!(refusal.contains("refused \"peccy\""), "{refusal}");
    assert!(lost.contains("this line is not in the log"), "{lost}");

    let error = Listener::start(&verifier, &folder.path().join("socket"), 0).unwrap_err();
    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
}

/// No part of a token that would allow a login is logged, whatever the reason of the refusal.
#[test]
fn no_secret_reaches_the_log_or_debug() {
    for vector in vectors() {
        let fixture = vector.fixture();
        let verifier = &fixture.verifier;
        let signature = Token::parse(vector.token.as_bytes()).unwrap();
        let signature = signature.get(SIGNATURE).unwrap().to_owned();
        let mut shown = String::new();
        let names = vector.token.split(['?', '&']).skip(1).filter_map(|p| p.split('=').next());
        for name in names {
            for token in [
                vector.with(name, None),
                vector.with(name, Some("x")),
                vector.with(name, Some("x+y")),
                vector.with(name, Some("%")),
                format!("{}&{name}=x", vector.token),
                vector.with("X-New", Some("x")),
            ] {
                let now = vector.signed_at();
                if let Err(refusal) = verifier.verify(vector.user.as_bytes(), token.as_bytes(), now)
                {
                    shown += &format!("{refusal:?} {refusal}\n");
                }
            }
        }
        assert!(shown.lines().count() > 40, "{shown}");
        shown += &fixture.log();
        shown += &verifier.refusals().join("\n");
        shown += &format!("{verifier:?}");
        let session_token = vector.session_token.as_deref().unwrap_or(&signature);
        for secret in [&vector.secret_access_key, &signature, &session_token[..16]] {
            assert!(!shown.contains(secret), "{secret} is in {shown}");
        }
    }
}
