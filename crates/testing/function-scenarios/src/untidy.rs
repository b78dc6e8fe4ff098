//! A server with unusual session defaults: the function gives the same answers as on any server.

use engine::Engine;
use function_harness::Harness;
use function_harness::event::ITEMS;
use local_rds::{Profile, Server};
use serde_json::json;

/// Writes are durable and complete, reads are fresh, reads cannot write, and the diagnosis is right.
pub async fn same_answers(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine).profile(Profile::Untidy), bootstrap).await;
    let function = harness.deploy_with(&[], &[("sneaky", "DELETE FROM items")]).await;
    let mut wrong = Vec::new();
    let mut check = |what: &str, is_so: bool, seen: String| {
        if !is_so {
            wrong.push(format!("{what}: {seen}"));
        }
    };
    let stored =
        async || harness.execute("SELECT id, name FROM items WHERE id > 3 ORDER BY id").await;

    let rows = function.invoke(ITEMS).await;
    check("all rows", rows.as_ref().is_ok_and(|r| r["row_count"] == 3), format!("{rows:?}"));

    for (count, event) in [
        (1, r#"{"statement":"add-item","params":[4,"é😀"]}"#),
        (
            3,
            r#"{"transaction":[{"statement":"add-item","params":[5,"five"]},
            {"statement":"add-item","params":[6,"six"]}]}"#,
        ),
        (4, r#"{"statement":"add-item","params":[7,"seven"]}"#),
    ] {
        let answer = function.invoke(event).await;
        check("a write is told as done", answer.is_ok(), format!("{answer:?}"));
        let seen = stored().await;
        check("another connection sees it", seen.len() == count, format!("{seen:?}"));
    }
    let seen = stored().await;
    let name = seen.first().and_then(|row| row[1].clone());
    check("as it was sent", name.as_deref() == Some("é😀"), format!("{name:?}"));

    harness.execute("INSERT INTO items VALUES (50, 'fresh')").await;
    let rows = function.invoke(ITEMS).await;
    let fresh = |row: &serde_json::Value| row["rows"][7] == json!({"id": 50, "name": "fresh"});
    check("a read is fresh", rows.as_ref().is_ok_and(fresh), format!("{rows:?}"));

    let purged = function.invoke(r#"{"statement":"purge-items","params":[3]}"#).await;
    let five = |r: &serde_json::Value| r["rows_affected"] == 5;
    check("an exclusive write", purged.as_ref().is_ok_and(five), format!("{purged:?}"));
    let denied = function.invoke(r#"{"statement":"sneaky"}"#).await;
    let is_query = denied.as_ref().is_err_and(|(kind, _)| kind == "Query");
    check("a read cannot write", is_query, format!("{denied:?}"));
    let long = format!(r#"{{"statement":"add-item","params":[8,"{}"]}}"#, "x".repeat(300));
    let cut = function.invoke(&long).await;
    check("a value is not cut", cut.is_err(), format!("{cut:?}"));
    let large = format!(r#"{{"statement":"add-item","params":[9,"{}"]}}"#, "x".repeat(2 << 20));
    let large = function.invoke(&large).await;
    let is_query = large.as_ref().is_err_and(|(kind, _)| kind == "Query");
    check("a parameter larger than a packet", is_query, format!("{large:?}"));
    check("nothing else lasts", stored().await.is_empty(), format!("{:?}", stored().await));

    // Without the wrong statement.
    let diagnosis = harness.deploy(&[]).await.ok(r#"{"diagnose":true}"#).await["diagnose"].take();
    let steps = diagnosis["steps"].as_array().unwrap().iter();
    let seen: Vec<_> = steps.filter(|step| step["verdict"] != "ok").map(|s| &s["seen"]).collect();
    check("the diagnosis", diagnosis["ok"] == true && seen.is_empty(), format!("{seen:?}"));
    let steps = diagnosis["steps"].as_array().unwrap();
    let settings =
        steps.iter().find(|step| step["step"] == "database").unwrap()["facts"]["server_settings"]
            .to_string();
    let differing = match engine {
        Engine::Postgres => "default_transaction_read_only is on",
        _ => "autocommit is OFF",
    };
    check("what differs is shown", settings.contains(differing), settings);
    assert!(wrong.is_empty(), "{engine}:\n{}", wrong.join("\n"));
}
