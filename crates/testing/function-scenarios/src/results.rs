//! What a response holds is whole, and what it may hold is known before anything lasts.

use engine::Engine;
use function_harness::event::{ITEMS, call};
use function_harness::{Deployed, Harness};

/// Whether an item has the name that the statement gives it.
async fn is_changed(function: &Deployed<'_>) -> bool {
    let response = function.ok(ITEMS).await;
    let rows = response["rows"].as_array().unwrap();
    rows.iter().any(|row| row["name"] == "changed")
}

/// What counts towards Lambda's limit is the whole response: names, columns and envelopes too.
pub async fn whole_response(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let name = "n".repeat(230);
    let table = if engine == Engine::Postgres { "" } else { "app." };
    let sql = format!("-- mode: write\nUPDATE {table}items SET name = 'changed' WHERE id = 1");
    let function = harness.deploy_with(&[], &[(&name, &sql)]).await;
    let event =
        |count: usize| format!(r#"{{"transaction":[{}]}}"#, vec![call(&name); count].join(","));
    // 6 MB would take fewer results than these, and hold none of their rows.
    let message = function.fails(&event(20_000), "ResultTooLarge").await;
    assert!(message.contains("fewer statements"), "{message}");
    assert!(!is_changed(&function).await, "nothing of it lasts");
    let few = function.ok(&event(100)).await;
    assert_eq!(few["transaction"].as_array().unwrap().len(), 100);
    assert!(is_changed(&function).await);
}
