//! Secrets in the memory of a function's process after its login: what its owner, a core dump or a
//! statement that reads memory could find.

use engine::Engine;
use function_harness::event::ITEMS;
use function_harness::{Deployed, Harness, Needle, search};
use iam_auth::Endpoint;
use local_rds::iam::AccessKey;
use std::time::{Duration, SystemTime};

/// No part of a token is left after a login, however it ended.
pub async fn tokens(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let begun = now();
    let sleep = match engine {
        Engine::Postgres => "SELECT pg_sleep(60)::text AS s",
        Engine::MySql | Engine::MariaDb => "SELECT SLEEP(60) AS s",
    };
    let limit = Duration::from_secs(5);
    let function = harness.deploy_limited(limit, &[], &[("slow", sleep)]).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    holds_no_token(&function, &harness, begun);

    // Session tokens have no set length: STS's guidance is 4096 bytes at most.
    let long = AccessKey { session_token: Some("IQoJ".repeat(1024)), ..AccessKey::random() };
    harness.server.iam().set_keys(vec![harness.server.access_key(), long.clone()]);
    let other = harness.deploy_signed_by(long.clone(), &[]).await;
    assert_eq!(other.ok(ITEMS).await["row_count"], 3);
    holds_no_token_of(&other, &harness, long, begun);

    // A statement is ended over another connection, and a diagnosis has its own login.
    function.fails(r#"{"statement":"slow"}"#, "Timeout").await;
    function.ok(diagnosis::EVENT).await;
    holds_no_token(&function, &harness, begun);

    // A denied token may be valid elsewhere.
    harness.server.iam().set_keys(vec![]);
    let function = harness.deploy(&[]).await;
    function.fails(ITEMS, "Login.Denied").await;
    assert_eq!(function.ok(diagnosis::EVENT).await["diagnose"]["ok"], false);
    holds_no_token(&function, &harness, begun);
}

/// The credentials are in memory only where logins need them and in Lambda's environment variables.
pub async fn credentials(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    let key = harness.server.access_key();
    let session_token = key.session_token.unwrap();
    for (what, secret) in [("secret access key", key.secret), ("session token", session_token)] {
        let found = search(&function, &[(what, secret.into_bytes())]);
        let (of_lambda, own): (Vec<_>, Vec<_>) =
            found.iter().partition(|at| at.contains("[stack]"));
        assert_eq!((of_lambda.len(), own.len()), (1, 1), "{found:#?}");
    }
}

fn holds_no_token(function: &Deployed<'_>, harness: &Harness, begun: SystemTime) {
    holds_no_token_of(function, harness, harness.server.access_key(), begun);
}

/// Fails if a part of a token signed with `key` since `begun` is in the function's memory.
fn holds_no_token_of(
    function: &Deployed<'_>,
    harness: &Harness,
    key: AccessKey,
    begun: SystemTime,
) {
    let credential = format!("X-Amz-Credential={}", key.id).into_bytes();
    let mut needles = signatures(harness, key, begun);
    let signed = |digit| ("token", format!("X-Amz-Signature={digit}").into_bytes());
    needles.extend("0123456789abcdef".chars().map(signed));
    needles.push(("token", credential));
    let found = search(function, &needles);
    assert!(found.is_empty(), "parts of a token are left: {found:#?}");
}

#[allow(clippy::disallowed_methods, reason = "tokens are dated by it")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// The secret part of every token that `key` can have signed since `begun`: the quarters of its
/// hexadecimal signature, and the halves of its bytes.
fn signatures(harness: &Harness, key: AccessKey, begun: SystemTime) -> Vec<Needle> {
    let resource = harness.server.iam().resource();
    let endpoint = Endpoint::with_region(&resource.host, resource.port, &resource.region).unwrap();
    let AccessKey { id, secret, session_token, .. } = key;
    let credentials =
        aws_credential_types::Credentials::new(id, secret, session_token, None, "the test");
    let seconds = now().duration_since(begun).unwrap().as_secs();
    let mut needles = vec![];
    for second in 0..=seconds + 1 {
        let at = begun + Duration::from_secs(second);
        let token = iam_auth::sign(&endpoint, harness.server.user(), &credentials, at).unwrap();
        let signature = token.expose().rsplit_once('=').unwrap().1.as_bytes();
        let digit = |digit: u8| (digit as char).to_digit(16).unwrap() as u8;
        let raw: Vec<_> =
            signature.chunks(2).map(|two| digit(two[0]) << 4 | digit(two[1])).collect();
        needles.extend(signature.chunks(16).map(|part| ("signature", part.to_vec())));
        needles.extend(raw.chunks(16).map(|part| ("signature in bytes", part.to_vec())));
    }
    needles
}
