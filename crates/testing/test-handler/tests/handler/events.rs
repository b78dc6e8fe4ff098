//! Events, answers, errors, and what the function answers and logs by itself.

use engine::Engine;
use function_harness::{Collector, Harness};
use local_lambda::Function;
use serde_json::{Value, json};
use std::process::Command;

use crate::sent::{count, last, steps};

/// Queries with logic between them, and their answer.
pub(crate) async fn answers(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let answers = function.ok(&steps(&["one", "count", "add 4", "count"])).await;
    assert_eq!(answers, json!([1, 3, 1, 4]));
    if engine != Engine::MySql {
        assert_eq!(last(&function, &["returning 5"]).await, json!([5]));
    }
    // The server holds a query to reading, and the text to one statement.
    let answers = function.ok(&steps(&["?sneaky", "?two", "?broken", "one"])).await;
    assert_eq!(answers[1]["error"], "Statement", "{answers:#}");
    assert_eq!(answers[2]["error"], "Query", "{answers:#}");
    assert_eq!(answers[3], 1, "a query after failed ones");
    let refused = answers[0]["error"].as_str().unwrap();
    assert!(matches!(refused, "Query" | "ServerReadOnly"), "{answers:#}");
    assert!(count(&function).await.as_u64().unwrap() >= 4);
}

/// Errors of the handler's own have its types and words.
pub(crate) async fn own_errors(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let message = function.fails(&steps(&["own 3"]), "OutOfStock").await;
    assert_eq!(message, "there are only 3 of them");
    assert!(!function.logs().contains("there are only"), "a value of the handler's");
    let message = function.fails(&steps(&["static"]), "Closed").await;
    assert_eq!(message, "the shop is closed");
    assert!(function.logs().contains("the shop is closed"));
    let message = function.fails(&steps(&["add 4", "own 3"]), "OutOfStock").await;
    assert_eq!(message, "there are only 3 of them; an earlier write was carried out");
    assert_eq!(count(&function).await, 4);
}

/// An event, rows or an answer that do not fit.
pub(crate) async fn misfits(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let message = function.fails(r#"{"stpes":["one"]}"#, "Event").await;
    assert!(message.contains("unknown field `stpes`"), "{message}");
    let message = function.fails(&steps(&["misfit"]), "Statement").await;
    assert!(message.contains("do not fit the handler's type"), "{message}");
    let message = function.fails(&steps(&["large"]), "ResultTooLarge").await;
    assert!(message.contains("6 MB"), "{message}");
    assert_eq!(count(&function).await, 3);
}

/// A diagnosis is answered whatever the handler is, and without it.
pub(crate) async fn diagnosis(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let diagnose = function.ok(r#"{"diagnose":true}"#).await;
    assert_eq!(diagnose["diagnose"]["ok"], true, "{diagnose:#}");
    let described = function.ok(r#"{"describe":true}"#).await;
    assert_eq!(described["describe"]["engine"], engine_name(engine), "{described:#}");
    let broken = harness.deploy(&[("DB_USER", "")]).await;
    let diagnose = broken.ok(r#"{"diagnose":true}"#).await;
    assert_eq!(diagnose["diagnose"]["ok"], false, "{diagnose:#}");
    broken.fails(&steps(&["one"]), "Settings").await;

    let output = Command::new(bootstrap).arg("--diagnose").env_clear().output().unwrap();
    let diagnose: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(diagnose["diagnose"]["ok"], false, "{diagnose:#}");
}

fn engine_name(engine: Engine) -> &'static str {
    if engine == Engine::Postgres { "postgres" } else { "mysql" }
}

/// The deployed statements, if there are any.
pub(crate) async fn catalogue(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let exclusive =
        ("exclusive", "-- mode: write\n-- exclusive: true\nUPDATE items SET name = 'x'");
    let function = harness.deploy_with(&[], &[exclusive]).await;
    let items = last(&function, &["items"]).await;
    assert_eq!(items["rows"][2], json!({"id": 3, "name": "third"}));
    assert_eq!(last(&function, &["begin", "items", "commit"]).await, items["rows"]);
    assert_eq!(last(&function, &["statement"]).await, json!({"skipped": false}));

    let without = harness.deploy(&[("STATEMENTS_DIR", "/no/such/folder")]).await;
    let message = without.fails(&steps(&["one", "items"]), "Statement").await;
    assert!(message.contains("no such statement"), "{message}");
}

/// One line for each invocation, the handler's own lines, and no value; no SQL in its spans.
pub(crate) async fn discreet(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[("POWERTOOLS_METRICS_NAMESPACE", "Shop")]).await;
    function.ok(&steps(&["add 77349911", "count"])).await;
    function.fails(&steps(&["add 77349911"]), "Query").await;
    let logs = function.logs();
    assert!(!logs.contains("77349911"), "{logs}");
    assert!(logs.contains("a handler's own line"), "{logs}");
    let line = logs.lines().find(|line| line.contains(r#""message":"invocation""#)).unwrap();
    let counted = [r#""Logins":1"#, r#""Rows":1"#, r#""Errors":0"#, r#""Namespace":"Shop""#];
    let told = [r#""statements":2"#, r#""rows":1"#, r#""rows_affected":1"#, "query_ms", "reused"];
    for part in counted.into_iter().chain(told) {
        assert!(line.contains(part), "{part} in {line}");
    }
    function.assert_discreet("");

    let collector = Collector::start().await;
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url);
    let settings = |function: Function| function.active_tracing().env(endpoint.0, endpoint.1);
    let traced = harness.deploy_as(&[], settings).await;
    traced.ok(&steps(&["one", "count"])).await;
    traced.ok(&steps(&["begin", "add 77349912", "commit", "items"])).await;
    let requests = collector.take(2).await;
    let system = if engine == Engine::Postgres { "postgresql" } else { "mysql" };
    let calls = [system, "items"].map(|name| format!(r#""name":"{name}""#));
    let counts = |request: &String| calls.each_ref().map(|call| request.matches(&**call).count());
    assert_eq!([counts(&requests[0]), counts(&requests[1])], [[2, 0], [1, 1]], "{requests:?}");
    for text in ["SELECT", "INSERT", "text 1", "77349912", "second"] {
        assert!(!requests.concat().contains(text), "{text} in {requests:?}");
    }
}
