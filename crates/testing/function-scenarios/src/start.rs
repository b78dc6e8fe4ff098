//! Failed starts and a lost connection: the function keeps running, and says what to correct.

use engine::Engine;
use function_harness::Harness;
use function_harness::event::ITEMS;
use std::fs;
use std::time::Duration;

/// A function with a missing or wrong setting keeps running, and names the setting for every event.
pub async fn wrong_settings(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    for (change, names) in [
        (("DB_HOST", ""), "DB_HOST"),
        (("DB_USER", ""), "DB_USER"),
        (("DB_NAME", ""), "DB_NAME"),
        (("DB_PORT", "many"), "DB_PORT"),
        (("DB_REGION", "us-east-1"), "DB_REGION"),
        (("DB_CONNECT_TO", "nowhere"), "DB_CONNECT_TO"),
        (("STATEMENTS_DIR", "/no/such/folder"), "STATEMENTS_DIR"),
        (("DB_CA_BUNDLE", "/no/such/ca.pem"), "/no/such/ca.pem"),
        (("DB_CA_BUNDLE", ""), "/opt/rds-ca/eu-west-1-bundle.pem"),
    ] {
        let function = harness.deploy(&[change]).await;
        for _ in 0..2 {
            let message = function.fails(ITEMS, "Settings").await;
            assert!(message.contains(names), "{change:?}: {message}");
        }
        assert_eq!(function.logs().matches("cannot start").count(), 1, "it was started again");
    }
}

/// A bundle without a certificate is refused, not worked around.
pub async fn empty_bundle(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let bundle = harness.folder().join("empty.pem");
    fs::write(&bundle, "no certificate here\n").unwrap();
    let bundle = bundle.display().to_string();
    let function = harness.deploy(&[("DB_CA_BUNDLE", &bundle)]).await;
    let message = function.fails(ITEMS, "Settings").await;
    assert!(message.contains(&bundle), "{message}");
}

/// A connection that fails during initialisation does not end the function: the first event retries,
/// and a later event finds the database available again.
pub async fn database_away(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.server.iam().set_keys(vec![]);
    let function = harness.deploy(&[]).await;
    function.fails(ITEMS, "Login.Denied").await;
    assert!(
        function.logs().contains("cannot connect during initialization"),
        "{}",
        function.logs()
    );
    harness.server.iam().set_keys(vec![harness.server.access_key()]);
    let response = function.ok(ITEMS).await;
    assert_eq!(response["row_count"], 3);
    assert_eq!(response["connection"]["reused"], false);
}

/// A connection that the server ended while the environment was frozen is replaced before anything
/// is sent over it.
pub async fn connection_gone(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let others = match engine {
        Engine::Postgres => {
            "SELECT pid AS id FROM pg_stat_activity \
             WHERE usename = current_user AND pid <> pg_backend_pid()"
        }
        Engine::MySql | Engine::MariaDb => {
            "SELECT id AS id FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
        }
    };
    let function = harness.deploy(&[]).await;
    function.ok(ITEMS).await;
    let other = harness.deploy_with(&[], &[("others", others)]).await;
    let others = other.ok(r#"{"statement":"others"}"#).await;
    assert_eq!(others["row_count"], 1, "{others}");
    let id = &others["rows"][0]["id"];
    // MySQL accepts no parameter here.
    let end = match engine {
        Engine::Postgres => format!("SELECT pg_terminate_backend({id})"),
        Engine::MySql | Engine::MariaDb => format!("-- mode: write\nKILL {id}"),
    };
    harness.deploy_with(&[], &[("end", &end)]).await.ok(r#"{"statement":"end"}"#).await;

    // Longer than a connection is used without a check.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let response = function.ok(ITEMS).await;
    assert_eq!(response["row_count"], 3);
    assert_eq!(response["connection"]["reused"], false);
    assert!(function.logs().contains("the idle connection is closed"), "{}", function.logs());
}
