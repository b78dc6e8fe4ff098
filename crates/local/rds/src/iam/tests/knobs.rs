//! What tests turn while a server runs, and what they read.

use super::*;

#[test]
fn keys_come_and_go_and_their_session_tokens_count() {
    let vector = vector();
    let Verifier { iam, folder: _folder } = vector.verifier();
    let verify = || iam.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());

    iam.set_keys(vec![]);
    assert_eq!(verify(), Err(Refusal::UnknownAccessKey(vector.access_key_id.clone())));
    iam.set_keys(vec![AccessKey::random(), vector.key()]);
    assert_eq!(verify(), Ok(()));
    iam.set_keys(vec![AccessKey { session_token: None, ..vector.key() }]);
    assert_eq!(verify(), Err(Refusal::SessionTokenUnexpected));
    iam.set_keys(vec![AccessKey { session_token: Some("another".into()), ..vector.key() }]);
    assert_eq!(verify(), Err(Refusal::SessionTokenDifferent));
}

#[test]
fn no_policy_lets_no_one_in_and_a_bad_one_changes_nothing() {
    let vector = vector();
    let folder = tempfile::tempdir().unwrap();
    let iam = Iam::new(vector.resource(), vector.key(), folder.path().join("logins.log"));
    let verify = || iam.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());

    assert_eq!(verify(), Err(Refusal::NoPolicy { arn: vector.resource().arn("peccy") }));
    iam.set_policy(ALLOW_ALL).unwrap();
    assert_eq!(verify(), Ok(()));
    iam.set_policy("{").unwrap_err();
    assert_eq!(verify(), Ok(()));
    iam.set_policy(&ALLOW_ALL.replace("Allow", "Deny")).unwrap();
    assert!(matches!(verify(), Err(Refusal::Denied { .. })));
}

#[test]
fn it_stands_for_another_database_and_back() {
    let vector = vector();
    let Verifier { iam, folder: _folder } = vector.verifier();
    let verify = || iam.verify(b"peccy", vector.token.as_bytes(), vector.signed_at());
    let own = vector.resource();

    let china = Resource { partition: "aws-cn".into(), resource_id: "prx-1".into(), ..own.clone() };
    iam.set_policy(&policy_for(&own.arn("peccy"))).unwrap();
    iam.stand_for(china.clone());
    assert_eq!(verify(), Err(Refusal::NotAllowed { arn: china.arn("peccy") }));
    iam.set_policy(&policy_for(&china.arn("peccy"))).unwrap();
    assert_eq!(verify(), Ok(()));
    iam.stand_for(Resource { region: "cn-north-1".into(), ..china });
    assert!(matches!(verify(), Err(Refusal::Mismatch { part: Part::Region, .. })));
    iam.stand_for(own.clone());
    assert_eq!(verify(), Err(Refusal::NotAllowed { arn: own.arn("peccy") }));
}

fn policy_for(arn: &str) -> String {
    ALLOW_ALL.replace("\"*\"", &format!("{arn:?}"))
}

#[test]
fn the_cap_counts_logins_and_can_be_lifted() {
    let vector = vector();
    let Verifier { iam, folder: _folder } = vector.verifier();
    let verify = |millis| {
        let now = vector.signed_at() + Duration::from_millis(millis);
        iam.verify(b"peccy", vector.token.as_bytes(), now)
    };
    iam.set_connection_cap(Some(2));
    let verdicts = [0, 1, 2, 1000].map(verify);
    assert_eq!(verdicts, [Ok(()), Ok(()), Err(Refusal::TooManyConnections { cap: 2 }), Ok(())]);
    iam.set_connection_cap(None);
    assert!((0..100).all(|_| verify(1000).is_ok()));
}

#[test]
fn the_log_says_when_who_why_and_what_to_do() {
    let vector = vector();
    let verifier = vector.verifier();
    let iam = &verifier.iam;
    let date = calendar::iso_8601(vector.signed_at());
    iam.verify(b"peccy", vector.token.as_bytes(), vector.signed_at()).unwrap();
    iam.verify(b"a\nb", vector.token.as_bytes(), vector.signed_at()).unwrap_err();
    iam.verify(b"peccy", b"hunter2", vector.signed_at()).unwrap_err();
    let refusals = [
        format!(
            "{date} refused \"a\\nb\": the token's DBUser is \"peccy\", expected \"a\\nb\"; sign for \
             the user who logs in; upper and lower case differ"
        ),
        format!(
            "{date} refused \"peccy\": the password does not begin with host:port/?; send the whole \
             token as the password: host:port/?Action=connect&DBUser=..., without https://"
        ),
    ];
    assert_eq!(iam.refusals(), refusals);
    assert_eq!(
        verifier.log(),
        format!("{date} allowed \"peccy\"\n{}\n{}\n", refusals[0], refusals[1])
    );
}

#[test]
fn a_log_that_cannot_be_written_shows_among_the_refusals() {
    let vector = vector();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/logins.log");
    let iam = Iam::new(vector.resource(), vector.key(), path.clone());
    iam.verify(b"peccy", b"hunter2", vector.signed_at()).unwrap_err();
    let [refusal, lost] = &iam.refusals()[..] else { panic!("{:?}", iam.refusals()) };
    assert!(refusal.contains("refused \"peccy\""), "{refusal}");
    assert!(lost.contains("this line is not in the log"), "{lost}");

    let error = iam.listen(&folder.path().join("socket")).unwrap_err();
    assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
}

/// Whatever is refused: no part of the token that lets someone in is written down.
#[test]
fn no_secret_reaches_the_log_or_debug() {
    for vector in vectors() {
        let verifier = vector.verifier();
        let iam = &verifier.iam;
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
                if let Err(refusal) = iam.verify(vector.user.as_bytes(), token.as_bytes(), now) {
                    shown += &format!("{refusal:?} {refusal}\n");
                }
            }
        }
        assert!(shown.lines().count() > 40, "{shown}");
        shown += &verifier.log();
        shown += &iam.refusals().join("\n");
        shown += &format!("{iam:?}");
        let session_token = vector.session_token.as_deref().unwrap_or(&signature);
        for secret in [&vector.secret_access_key, &signature, &session_token[..16]] {
            assert!(!shown.contains(secret), "{secret} is in {shown}");
        }
    }
}
