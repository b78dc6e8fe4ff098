//! Events in, responses out.

use engine::Engine;
use function_harness::Harness;
use serde_json::{Value, json};

/// The example statements in every form of event, over one connection.
pub async fn every_form(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let first = json!([
        {"id": 1, "name": "first"}, {"id": 2, "name": "second"}, {"id": 3, "name": "third"}
    ]);

    let scheduled = r#"{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"Scheduled Event",
        "source":"aws.events","account":"123456789012","time":"2026-01-01T00:00:00Z",
        "region":"eu-west-1","resources":[],"detail":{}}"#;
    let response = function.ok(scheduled).await;
    assert_eq!(response["statement"], "items");
    assert_eq!(response["rows"], first);
    assert_eq!(response["row_count"], 3);
    assert_eq!(response["rows_affected"], 0);
    let integer = if engine == Engine::Postgres { "int4" } else { "int" };
    assert_eq!(
        response["columns"],
        json!([{"name": "id", "type": integer}, {"name": "name", "type": "varchar"}])
    );
    assert_eq!(response["connection"]["reused"], false, "opened while it initialised");
    assert!(response["connection"]["connect_ms"].as_f64().unwrap() > 0.0, "{response}");
    assert!(response["query_ms"].as_f64().unwrap() > 0.0, "{response}");
    assert!(function.logs().contains("53dc4d37-cffa"), "the event's id is not logged");

    let response = function.ok(r#"{"statement":"items"}"#).await;
    assert_eq!(response["connection"], json!({"reused": true, "connect_ms": 0.0}));

    let response = function.ok(r#"{"statement":"add-item","params":[4,"f\"o'u--r\u00fc"]}"#).await;
    assert_eq!(response["rows_affected"], 1);

    let response = function
        .ok(r#"{"transaction":[{"statement":"add-item","params":["5","five"]},
            {"statement":"items"}]}"#)
        .await;
    let results = response["transaction"].as_array().unwrap();
    assert_eq!(results[0]["rows_affected"], 1);
    assert_eq!(results[1]["row_count"], 5, "a transaction sees its own writes");
    assert_eq!(results[1]["rows"][3]["name"], "f\"o'u--rü");
    assert_eq!(response["connection"]["reused"], true);

    let response = function.ok(r#"{"statement":"purge-items","params":[3]}"#).await;
    assert_eq!(response["rows_affected"], 2);
    assert_eq!(function.ok(r#"{"statement":"items"}"#).await["rows"], first);

    function.assert_discreet("");
}

/// The error names what is wrong with an event or a statement, and the same connection serves the next
/// event.
pub async fn wrong_events(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let placeholder = if engine == Engine::Postgres { "$1" } else { "?" };
    let function = harness
        .deploy_with(
            &[],
            &[
                ("sneaky", "DELETE FROM items"),
                ("create", "-- No mode: a read\nCREATE TABLE made (id INT)"),
                ("twice", "SELECT id, id FROM items"),
                ("missing", "SELECT * FROM no_such_table"),
                ("few", "-- max_rows: 2\nSELECT * FROM items"),
                ("duplicate", "-- mode: write\nINSERT INTO items VALUES (1, 'again')"),
                ("by-id", &format!("SELECT name FROM items WHERE id = {placeholder}")),
            ],
        )
        .await;
    let duplicate = if engine == Engine::Postgres { "23505" } else { "1062 (23000)" };
    for (event, error_type, says) in [
        (r#"{"statement":"itmes"}"#, "Statement", "add-item"),
        (r#"{"statement":"by-id"}"#, "Statement", "takes 1 parameter, but the event has 0"),
        (r#"{"statement":"by-id","params":[1,2]}"#, "Statement", "takes 1 parameter"),
        (r#"{"statement":"items","parms":[]}"#, "Event", "parms"),
        (r#"{"hello":"world"}"#, "Event", r#"{"diagnose": true}"#),
        (r#"[1,2]"#, "Event", "not a JSON object"),
        // After a write, a session must be read-only again.
        (r#"{"statement":"duplicate"}"#, "Query", duplicate),
        (r#"{"statement":"sneaky"}"#, "Query", "-- mode: write"),
        (r#"{"statement":"create"}"#, "Query", "-- mode: write"),
        (r#"{"statement":"twice"}"#, "Statement", "the same name: id"),
        (r#"{"statement":"missing"}"#, "Query", "no_such_table"),
    ] {
        let message = function.fails(event, error_type).await;
        assert!(message.contains(says), "{event}: {message}");
        let response = function.ok(r#"{"statement":"items"}"#).await;
        assert_eq!(response["row_count"], 3, "after {event}");
        // The first event is refused before a connection is needed.
        assert_eq!(response["connection"]["reused"], says != "add-item", "after {event}");
    }
    // A truncated result leaves rows on the wire: the connection is not used again.
    let message = function.fails(r#"{"statement":"few"}"#, "ResultTooLarge").await;
    assert!(message.contains("max_rows = 2"), "{message}");
    let response = function.ok(r#"{"statement":"items"}"#).await;
    assert_eq!(
        (&response["row_count"], &response["connection"]["reused"]),
        (&json!(3), &json!(false))
    );
}

/// A failed transaction leaves nothing behind; a transaction of reads is read-only.
pub async fn transactions(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy_with(&[], &[("sneaky", "DELETE FROM items")]).await;
    let add = r#"{"statement":"add-item","params":[4,"four"]}"#;
    let (undone, unsent) =
        ("was rolled back, and nothing of it remains", "nothing of the transaction was run");
    for (last, error_type, fate) in [
        (r#"{"statement":"add-item","params":[1,"again"]}"#, "Query", undone),
        (r#"{"statement":"add-item","params":[1]}"#, "Statement", unsent),
        (r#"{"statement":"no-such"}"#, "Statement", unsent),
    ] {
        let event = format!(r#"{{"transaction":[{add},{last}]}}"#);
        let message = function.fails(&event, error_type).await;
        assert!(message.contains("(statement 2 of 2 of the transaction)"), "{message}");
        let name = if last.contains("no-such") { "no-such" } else { "add-item" };
        assert!(message.contains(name) && message.contains(fate), "{message}");
        let response = function.ok(r#"{"statement":"items"}"#).await;
        assert_eq!(response["row_count"], 3, "after {event}");
    }
    let event = r#"{"transaction":[{"statement":"items"},{"statement":"sneaky"}]}"#;
    let message = function.fails(event, "Query").await;
    assert!(message.contains("-- mode: write"), "{message}");

    if engine != Engine::Postgres {
        harness.execute("CREATE TABLE app.plain (id INT) ENGINE = MyISAM").await;
        let fill = [("fill", "-- mode: write\nINSERT INTO plain VALUES (1)")];
        let function = harness.deploy_with(&[], &fill).await;
        let again = r#"{"statement":"add-item","params":[1,"again"]}"#;
        let event = format!(r#"{{"transaction":[{{"statement":"fill"}},{again}]}}"#);
        let message = function.fails(&event, "Query").await;
        assert!(message.contains("except for what was written to tables without"), "{message}");
        assert!(!message.contains("nothing of it"), "{message}");
        assert_eq!(harness.execute("SELECT id FROM app.plain").await.len(), 1);
    }
}

/// While an exclusive statement runs, a second run is skipped, and says so.
pub async fn exclusive(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let sleep = if engine == Engine::Postgres { "pg_sleep(3)" } else { "SLEEP(3)" };
    let statements = [("slow", format!("-- exclusive: true\nSELECT {sleep} AS slept"))];
    let statements = statements.each_ref().map(|(name, sql)| (*name, sql.as_str()));
    // Two deployments, because one function would use one environment.
    let first = harness.deploy_with(&[], &statements).await;
    let second = harness.deploy_with(&[], &statements).await;
    let event = r#"{"statement":"slow"}"#;
    let (one, two) = tokio::join!(first.ok(event), second.ok(event));
    let skipped = [&one, &two].iter().filter(|response| response["skipped"] == true).count();
    assert_eq!(skipped, 1, "{one:#}\n{two:#}");
    let reason = if one["skipped"] == true { &one["reason"] } else { &two["reason"] };
    assert!(reason.as_str().unwrap().contains("slow"), "{reason}");
    // When it has ended, the lock is free.
    assert_eq!(second.ok(event).await["row_count"], 1);
}

/// A statement that exceeds its time-out is ended, and the next one gets its own rows.
pub async fn timeout(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let sleep = if engine == Engine::Postgres { "pg_sleep(3)" } else { "SLEEP(3)" };
    let slow = format!("-- timeout: 300ms\nSELECT {sleep} AS slept");
    let function = harness.deploy_with(&[], &[("slow", &slow)]).await;
    let message = function.fails(r#"{"statement":"slow"}"#, "Timeout").await;
    assert!(message.contains("slow"), "{message}");
    let response = function.ok(r#"{"statement":"items"}"#).await;
    assert_eq!(response["row_count"], 3);
    assert_eq!(response["connection"]["reused"], false);
}

/// A response too large for Lambda is the function's error before it is Lambda's.
pub async fn too_large(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let wide = "-- max_rows: 1000000\nSELECT a.id AS a, REPEAT('x', 100000) AS x \
                FROM items a, items b, items c, items d, items e";
    let function = harness.deploy_with(&[], &[("wide", wide)]).await;
    let message = function.fails(r#"{"statement":"wide"}"#, "ResultTooLarge").await;
    assert!(message.contains("at row 6"), "{message}");
    let response: Value = function.ok(r#"{"statement":"items"}"#).await;
    assert_eq!(response["row_count"], 3);
}
