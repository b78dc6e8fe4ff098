//! SIGTERM while events run, as Lambda sends it to a Managed Instance: nothing new is run, and running
//! events are answered with their outcome.

use engine::Engine;
use function_harness::event::ITEMS;
use function_harness::{Deployed, Harness, until};
use local_rds::Server;
use serde_json::Value;

const QUICK: &str = r#"{"statement":"quick-write"}"#;
const LONG: &str = r#"{"statement":"long-write"}"#;
const LONG_TRANSACTION: &str =
    r#"{"transaction":[{"statement":"quick-write"},{"statement":"long-write"}]}"#;

/// Each write has its own table, so that none waits for another's locks.
const TABLES: &str = "CREATE TABLE quick (id INT PRIMARY KEY, name VARCHAR(50)); \
    CREATE TABLE slow (id INT PRIMARY KEY, name VARCHAR(50));";

/// A server with these tables.
async fn start(engine: Engine, bootstrap: &str) -> Harness {
    Harness::with_tables(Server::builder(engine), TABLES, bootstrap).await
}

async fn deploy(harness: &Harness, at_once: usize) -> Deployed<'_> {
    let sleep = |seconds: &str| match harness.server.engine() {
        Engine::Postgres => format!("pg_sleep({seconds})::text"),
        Engine::MySql | Engine::MariaDb => format!("SLEEP({seconds})"),
    };
    let quick =
        format!("-- mode: write\nINSERT INTO quick SELECT 1, CONCAT('x', {})", sleep("0.2"));
    // Three rows: when MySQL ends the statement, the first sleep returns early as if it were over.
    let long = format!(
        "-- mode: write\nINSERT INTO slow SELECT id, CONCAT('x', {}) FROM items",
        sleep("600")
    );
    harness
        .deploy_as(&[("quick-write", &quick), ("long-write", &long)], |f| f.at_once(at_once))
        .await
}

/// Fails unless the table has `count` rows.
async fn assert_rows(harness: &Harness, table: &str, count: usize) {
    let schema = if harness.server.engine() == Engine::Postgres { "public" } else { "app" };
    let rows = harness.execute(&format!("SELECT id FROM {schema}.{table}")).await;
    assert_eq!(rows.len(), count, "in {table}");
}

/// A write that ends in time succeeds, and is there once. A longer one is ended on the server and
/// reported as not carried out, or its outcome is reported as unknown. Connections are closed.
pub async fn running_events_are_answered(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    let function = deploy(&harness, 4).await;
    let long = function.invoke(LONG);
    let others = async {
        until("the long write runs", async || harness.asleep("slow").await == 1).await;
        let end = async {
            until("the short write runs", async || harness.asleep("quick").await == 1).await;
            harness.shut_down().await;
        };
        tokio::join!(function.ok(QUICK), end).0
    };
    let (long, quick): (Result<Value, _>, Value) = tokio::join!(long, others);
    assert_eq!(quick["rows_affected"], 1, "{quick}");
    assert_rows(&harness, "quick", 1).await;
    let (error_type, message) = long.unwrap_err();
    assert!(
        message.contains("Lambda was shutting down this environment"),
        "{error_type}: {message}"
    );
    match error_type.as_str() {
        "Timeout" => {
            until("the server has ended it", async || harness.running("600").await == 0).await;
            assert_rows(&harness, "slow", 0).await;
        }
        other => assert_eq!(other, "OutcomeUnknown", "{message}"),
    }
    let logs = function.logs();
    assert!(logs.contains("closed the connections"), "{logs}");
    assert!(!logs.contains("asked for another event after SIGTERM"), "{logs}");
    until("the connections are gone", async || harness.connections().await == 0).await;
}

/// An event that arrives after SIGTERM is not run, even if Lambda delivers it; a transaction that takes
/// too long is rolled back.
pub async fn nothing_new_is_run(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    let function = deploy(&harness, 4).await;
    let after = async {
        until("the transaction runs", async || harness.asleep("slow").await == 1).await;
        function.terminate();
        until("SIGTERM has come", async || function.logs().contains("SIGTERM: ")).await;
        // Whichever is first: the function's answer, or the end of its process.
        let (error_type, message) = function.invoke(ITEMS).await.unwrap_err();
        let refused = error_type == "ConnectionLost" && message.contains("nothing was run");
        assert!(refused || error_type == "Runtime.ExitError", "{error_type}: {message}");
    };
    let (cut, ()) = tokio::join!(function.fails(LONG_TRANSACTION, "Timeout"), after);
    assert!(cut.contains("Lambda was shutting down this environment"), "{cut}");
    until("the server has ended it", async || harness.running("600").await == 0).await;
    assert_rows(&harness, "quick", 0).await;
    assert_rows(&harness, "slow", 0).await;
}

/// A function that receives one event at a time answers it too.
pub async fn one_at_a_time(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    let function = deploy(&harness, 1).await;
    let end = async {
        until("it runs", async || harness.asleep("quick").await == 1).await;
        function.terminate();
    };
    let (response, ()) = tokio::join!(function.ok(QUICK), end);
    assert_eq!(response["rows_affected"], 1, "{response}");
    assert_rows(&harness, "quick", 1).await;
    until("the connection is gone", async || harness.connections().await == 0).await;
}

/// If the server does not answer, the outcome of a write is unknown, and the response says so in time.
pub async fn silent_server(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    let function = deploy(&harness, 4).await;
    let end = async {
        until("it runs", async || harness.asleep("slow").await == 1).await;
        harness.server.pause();
        harness.shut_down().await;
        harness.server.resume();
    };
    let (message, ()) = tokio::join!(function.fails(LONG, "OutcomeUnknown"), end);
    assert!(message.contains("Lambda was shutting down this environment"), "{message}");
}

/// A function whose registration for SIGTERM is not answered still starts and answers events.
pub async fn silent_extensions_api(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy_as(&[], |f| f.silent_extensions()).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    let logs = function.logs();
    assert!(logs.contains("not registered for SIGTERM"), "{logs}");
}
