//! What a response holds is whole, and what it may hold is known before anything lasts.

use local_rds::Engine;

use crate::{Deployed, Rig};

const ITEMS: &str = r#"{"statement":"items"}"#;

fn call(name: &str) -> String {
    format!(r#"{{"statement":"{name}"}}"#)
}

/// Whether an item has the name that the statement gives it.
async fn is_changed(function: &Deployed<'_>) -> bool {
    let response = function.ok(ITEMS).await;
    let rows = response["rows"].as_array().unwrap();
    rows.iter().any(|row| row["name"] == "changed")
}

/// What counts towards Lambda's limit is the whole response: names, columns and envelopes too.
pub async fn whole_response(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    let name = "n".repeat(230);
    let table = if engine == Engine::Postgres { "" } else { "app." };
    let sql = format!("-- mode: write\nUPDATE {table}items SET name = 'changed' WHERE id = 1");
    let function = rig.deploy_with(&[], &[(&name, &sql)]).await;
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

/// The result of a write is refused: the error says that the write was carried out. MySQL has no
/// RETURNING.
pub async fn refused_result(engine: Engine, bootstrap: &str) {
    let rig = Rig::start(engine, bootstrap).await;
    let statements = [
        ("few", "-- mode: write\n-- max_rows: 1\nDELETE FROM items WHERE id < 3 RETURNING id"),
        (
            "large",
            "-- mode: write\nINSERT INTO items SELECT id + 10, 'x' FROM items \
             RETURNING id, REPEAT('x', 7000000) AS x",
        ),
    ];
    let function = rig.deploy_with(&[], &statements).await;
    let few = call("few");
    function.fails(&format!(r#"{{"transaction":[{few}]}}"#), "ResultTooLarge").await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    for (name, rows) in [("few", 1), ("large", 2)] {
        let message = function.fails(&call(name), "ResultTooLarge").await;
        assert!(message.contains("was executed"), "{message}");
        assert_eq!(function.ok(ITEMS).await["row_count"], rows);
    }
}
