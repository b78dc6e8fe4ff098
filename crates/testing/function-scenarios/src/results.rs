//! A response is complete, and its size is checked before anything is durable.

use engine::Engine;
use function_harness::event::{ITEMS, call};
use function_harness::{Deployed, Harness};
use std::time::Duration;

/// Whether the statement has changed an item.
async fn is_changed(function: &Deployed<'_>) -> bool {
    let response = function.ok(ITEMS).await;
    let rows = response["rows"].as_array().unwrap();
    rows.iter().any(|row| row["name"] == "changed")
}

/// Lambda's limit applies to the whole response, including names, columns and envelopes.
pub async fn whole_response(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let name = "n".repeat(230);
    let table = if engine == Engine::Postgres { "" } else { "app." };
    let sql = format!("-- mode: write\nUPDATE {table}items SET name = 'changed' WHERE id = 1");
    // 20,000 statements at TRACE would take long.
    let quiet = [("AWS_LAMBDA_LOG_LEVEL", "WARN")];
    let function = harness.deploy_limited(Duration::from_secs(240), &quiet, &[(&name, &sql)]).await;
    let event =
        |count: usize| format!(r#"{{"transaction":[{}]}}"#, vec![call(&name); count].join(","));
    // These results exceed 6 MB without any rows.
    let message = function.fails(&event(20_000), "ResultTooLarge").await;
    assert!(message.contains("fewer statements"), "{message}");
    assert!(!is_changed(&function).await, "nothing of it lasts");
    let few = function.ok(&event(100)).await;
    assert_eq!(few["transaction"].as_array().unwrap().len(), 100);
    assert!(is_changed(&function).await);
}
