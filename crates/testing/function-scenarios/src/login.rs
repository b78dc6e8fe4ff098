//! Every way in which a login fails has its own `errorType`, and none reveals the token.

use engine::Engine;
use function_harness::event::ITEMS;
use function_harness::{Harness, closed_port};
use local_rds::Server;
use std::time::Duration;

/// The server denies what IAM refuses: one case after another on one server, each corrected before the
/// next.
pub async fn denied(engine: Engine, bootstrap: &str) {
    let alias = "alias.zyx987wvu654.eu-west-1.rds.amazonaws.com";
    let elsewhere = "alias.zyx987wvu654.us-east-1.rds.amazonaws.com";
    let server = Server::builder(engine).also_named(alias).also_named(elsewhere);
    let harness = Harness::with(server, bootstrap).await;
    let iam = harness.server.iam();
    let key = harness.server.access_key();

    let denied = async |case: &str, changes: &[(&str, &str)], log_says: &str| {
        let before = iam.refusals().len();
        // Not the default 20 s: a denied login is tried again.
        let function = harness.deploy_limited(Duration::from_secs(4), changes, &[]).await;
        let message = function.fails(ITEMS, "Login.Denied").await;
        assert!(message.contains("rds-db:connect"), "{case}: {message}");
        let refusals = iam.refusals();
        let last = refusals.get(before..).and_then(<[String]>::last);
        let last = last.unwrap_or_else(|| panic!("{case}: the verifier was not asked"));
        assert!(last.contains(log_says), "{case}: the verifier says {last:?}");
        function.assert_discreet(&message);
    };

    iam.set_keys(vec![local_rds::iam::AccessKey { secret: "another".into(), ..key.clone() }]);
    denied("bad signature", &[], "signature").await;
    iam.set_keys(vec![key]);

    iam.set_clock_offset(901);
    denied("expired", &[], "for 900 seconds").await;
    iam.set_clock_offset(-60);
    denied("from the future", &[], "is not valid before").await;
    iam.set_clock_offset(0);

    denied("wrong host", &[("DB_HOST", alias)], alias).await;
    denied("wrong region", &[("DB_HOST", elsewhere)], "us-east-1").await;
    denied("wrong port", &[("DB_PORT", "13306")], "13306").await;

    let policy = |effect: &str, resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}",
                "Action":"rds-db:connect","Resource":"{resource}"}}]}}"#
        )
    };
    let arn = harness.server.resource_arn(harness.server.user());
    iam.set_policy(&policy("Deny", &arn)).unwrap();
    denied("policy denies", &[], "polic").await;
    iam.set_policy(&policy("Allow", &harness.server.resource_arn("somebody-else"))).unwrap();
    denied("policy allows another user", &[], "polic").await;
    iam.set_policy(&policy("Allow", &arn)).unwrap();

    // With everything corrected, the login succeeds.
    let function = harness.deploy(&[]).await;
    function.ok(ITEMS).await;
    function.assert_discreet("");
}

/// A user that does not exist is denied like a wrong token.
pub async fn unknown_user(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[("DB_USER", "nobody-here")]).await;
    let message = function.fails(ITEMS, "Login.Denied").await;
    assert!(message.contains("nobody-here"), "{message}");
    // PostgreSQL asks for a password, which is certain. MySQL asks for what it would ask another user.
    let is_repeated = message.contains(" times in ");
    assert!(engine != Engine::Postgres || !is_repeated, "{message}");
    function.assert_discreet(&message);
}

/// A database that does not exist has nothing to do with the token.
pub async fn unknown_database(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[("DB_NAME", "no_such_database")]).await;
    let message = function.fails(ITEMS, "Login.Refused").await;
    assert!(message.contains("no_such_database"), "{message}");
    let advice = if engine == Engine::Postgres { "check DB_NAME" } else { "check that DB_NAME" };
    assert!(message.contains(advice), "{message}");
    // No caller sees the login during initialisation: the log repeats what the server said.
    let code =
        if engine == Engine::Postgres { "(3D000): database" } else { "ERROR 1044 (42000): Access" };
    assert!(function.logs().contains(code), "{}", function.logs());
}

/// A server that cannot prove that it is the endpoint gets no token.
pub async fn unverified(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let before = harness.server.iam().refusals().len();
    let other = Harness::start(engine, bootstrap).await;
    let roots = other.server.ca_bundle().display().to_string();
    let cases = [
        (
            "untrusted CA",
            ("DB_CA_BUNDLE", roots.as_str()),
            "the name of a root in the bundle, but another key",
        ),
        (
            "wrong name",
            ("DB_HOST", "other.abc123def456.eu-west-1.rds.amazonaws.com"),
            "does not name DB_HOST",
        ),
    ];
    for (case, change, advice) in cases {
        let function = harness.deploy(&[change]).await;
        let message = function.fails(ITEMS, "Connect.Tls").await;
        assert!(message.contains(advice), "{case}: {message}");
        assert!(message.contains("1 root"), "{case}: {message}");
        function.assert_discreet(&message);
    }
    assert_eq!(harness.server.iam().refusals().len(), before, "a token was sent");
}

/// A server without TLS gets no token.
pub async fn no_tls(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine).without_tls(), bootstrap).await;
    let function = harness.deploy(&[]).await;
    let message = function.fails(ITEMS, "Connect.Tls").await;
    assert!(message.contains("offers no TLS"), "{message}");
    assert_eq!(harness.server.iam().refusals(), [""; 0], "a token was sent");
    function.assert_discreet(&message);
}

/// Nothing listens, which may pass, or the name does not exist, which is certain.
pub async fn unreachable(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let closed = closed_port();
    let address = closed.local_addr().unwrap().to_string();
    let change = [("DB_CONNECT_TO", address.as_str())];
    let function = harness.deploy_limited(Duration::from_secs(4), &change, &[]).await;
    let message = function.fails(ITEMS, "Connect.Tcp").await;
    assert!(message.contains(&address) && message.contains("IPv4 127.0.0.1: "), "{message}");
    assert!(message.contains(" attempts in "), "{message}");

    let function = harness.deploy(&[("DB_CONNECT_TO", "no-such-host.invalid:3306")]).await;
    let message = function.fails(ITEMS, "Connect.Dns").await;
    assert!(message.contains("no-such-host.invalid"), "{message}");
}

/// Without credentials nothing is signed.
pub async fn no_credentials(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy_without_credentials().await;
    let message = function.fails(ITEMS, "Credentials").await;
    assert!(message.contains("execution role"), "{message}");
}
