//! What an event does to its session does not affect the next event, and the server's own settings do
//! not change results.

use engine::Engine;
use function_harness::Harness;
use function_harness::event::{ADD, ITEMS};
use local_rds::Server;
use serde_json::json;

/// A procedure leaves its transaction open. The event fails, the transaction is rolled back, and the
/// next event's write is durable.
pub async fn open_transaction(engine: Engine, bootstrap: &str) {
    Harness::on_both_profiles(engine, bootstrap, open_transaction_on).await;
}

async fn open_transaction_on(harness: Harness) {
    let engine = harness.server.engine();
    let statements = [
        ("leave", "-- mode: write\nCALL leave_open()"),
        ("half", "-- mode: write\nCALL half()"),
        ("begin", "-- mode: write\nBEGIN"),
        ("end", "-- mode: write\nCOMMIT"),
        ("unbound", "CALL leave_open()"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for name in ["begin", "end"] {
        let alone = format!(r#"{{"statement":"{name}"}}"#);
        let message = function.fails(&alone, "Statement").await;
        assert!(message.contains("controls transactions"), "{message}");
        let event = format!(r#"{{"transaction":[{ADD},{alone}]}}"#);
        function.fails(&event, "Statement").await;
    }
    let message = function.fails(r#"{"statement":"unbound"}"#, "Statement").await;
    assert!(message.contains("-- mode: write"), "{message}");
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    if engine != Engine::Postgres {
        // PostgreSQL's procedures cannot leave a transaction open.
        let insert = |id| format!("INSERT INTO app.items VALUES ({id}, 'held')");
        for (name, last) in [("leave_open", "DO 0"), ("half", "SIGNAL SQLSTATE '45000'")] {
            let id = name.len();
            let body = format!("START TRANSACTION; {}; {last}", insert(id));
            harness.execute(&format!("CREATE PROCEDURE app.{name}() BEGIN {body}; END")).await;
        }
        let message = function.fails(r#"{"statement":"leave"}"#, "Query").await;
        assert!(message.contains("left a transaction open, which was rolled back"), "{message}");
        function.fails(r#"{"statement":"half"}"#, "Query").await;
    }
    let event = format!(r#"{{"transaction":[{ADD}]}}"#);
    function.ok(&event).await;
    let seen =
        harness.execute(&format!("SELECT id FROM {}items WHERE id > 3", schema(engine))).await;
    assert_eq!(seen.len(), 1, "another connection sees what was told as done, and no more");
}

/// A badly configured server gives the same answers.
pub async fn server_settings(engine: Engine, bootstrap: &str) {
    let mut server = Server::builder(engine);
    if engine != Engine::Postgres {
        let settings = [("sql-mode", ""), ("autocommit", "0"), ("completion-type", "CHAIN")];
        for (name, value) in settings {
            server = server.setting(name, value);
        }
        server = server.setting("init-connect", "SET NAMES latin1");
    }
    let harness = Harness::with(server, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let long = "x".repeat(300);
    let event = format!(r#"{{"statement":"add-item","params":[4,"{long}"]}}"#);
    function.fails(&event, "Query").await;
    function.ok(r#"{"statement":"add-item","params":[4,"é😀"]}"#).await;
    let rows = function.ok(ITEMS).await["rows"].clone();
    assert_eq!(rows[3], json!({"id": 4, "name": "é😀"}));
    let seen =
        harness.execute(&format!("SELECT id FROM {}items WHERE id > 3", schema(engine))).await;
    assert_eq!(seen.len(), 1, "a write that was told as done has been committed");
}

/// The next event's session is like a new environment's.
pub async fn next_event(engine: Engine, bootstrap: &str) {
    Harness::on_both_profiles(engine, bootstrap, next_event_on).await;
}

async fn next_event_on(harness: Harness) {
    let engine = harness.server.engine();
    let changes: &[&str] = match engine {
        Engine::Postgres => &[
            "CREATE TEMPORARY TABLE items (id INT, name TEXT)",
            "SET search_path = pg_catalog",
            "SELECT set_config('search_path', 'pg_catalog', false)",
        ],
        _ => &[
            "CREATE TEMPORARY TABLE items (id INT, name TEXT)",
            "SET SESSION sql_select_limit = 1",
            "SET @@session.sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'",
        ],
    };
    let names: Vec<_> = (0..changes.len()).map(|number| format!("change-{number}")).collect();
    let texts: Vec<_> = changes.iter().map(|sql| format!("-- mode: write\n{sql}")).collect();
    let statements: Vec<_> =
        names.iter().zip(&texts).map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let function = harness.deploy_with(&[], &statements).await;
    for name in &names {
        function.ok(&format!(r#"{{"statement":"{name}"}}"#)).await;
        assert_eq!(function.ok(ITEMS).await["row_count"], 3, "after {name}");
    }
}

/// A parameter's type is decided for each event: an earlier event's value does not change a comparison.
pub async fn parameter_kinds(engine: Engine, bootstrap: &str) {
    Harness::on_both_profiles(engine, bootstrap, parameter_kinds_on).await;
}

async fn parameter_kinds_on(harness: Harness) {
    let engine = harness.server.engine();
    let codes = format!("{}codes", schema(engine));
    harness.execute(&format!("CREATE TABLE {codes} (code VARCHAR(9))")).await;
    harness.execute(&format!("INSERT INTO {codes} VALUES ('7'), ('07'), ('007')")).await;
    if engine == Engine::Postgres {
        harness.execute("GRANT SELECT, DELETE ON codes TO lambda_user").await;
    }
    let placeholder = if engine == Engine::Postgres { "$1" } else { "?" };
    let sql = format!("-- mode: write\nDELETE FROM {codes} WHERE code = {placeholder}");
    let function = harness.deploy_with(&[], &[("drop-code", &sql)]).await;
    function.ok(r#"{"statement":"drop-code","params":[8]}"#).await;
    let response = function.ok(r#"{"statement":"drop-code","params":["007"]}"#).await;
    assert_eq!(response["rows_affected"], 1);
}

/// A session token of 8 KB logs in.
pub async fn long_token(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let mut key = harness.server.access_key();
    key.session_token = Some("Ab0/".repeat(2048));
    harness.server.iam().set_keys(vec![key.clone()]);
    let function = harness.deploy_signed_by(key, &[]).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
}

/// The prefix of table names for the administrator.
fn schema(engine: Engine) -> &'static str {
    if engine == Engine::Postgres { "" } else { "app." }
}
