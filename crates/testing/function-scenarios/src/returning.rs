//! Results of writes with `RETURNING`, which MariaDB and PostgreSQL have and MySQL has not.

use engine::Engine;
use function_harness::Harness;
use function_harness::event::{ITEMS, call};

/// If the result of a write is refused, the error says that the write was carried out.
pub async fn refused_result(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let statements = [
        ("few", "-- mode: write\n-- max_rows: 1\nDELETE FROM items WHERE id < 3 RETURNING id"),
        (
            "large",
            "-- mode: write\nINSERT INTO items SELECT id + 10, 'x' FROM items \
             RETURNING id, REPEAT('x', 7000000) AS x",
        ),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let few = call("few");
    function.fails(&format!(r#"{{"transaction":[{few}]}}"#), "ResultTooLarge").await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    for (name, rows) in [("few", 1), ("large", 2)] {
        let message = function.fails(&call(name), "ResultTooLarge").await;
        assert!(message.contains("was executed"), "{message}");
        assert_eq!(function.ok(ITEMS).await["row_count"], rows);
    }
}
