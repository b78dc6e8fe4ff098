//! Invocations that block each other: temporary errors are reported as such, and no lock outlives its
//! event.

use deploy_template::{Template, filter};
use engine::Engine;
use function_harness::event::call;
use function_harness::{Harness, until};
use serde_json::Value;

fn transaction(names: &[&str]) -> String {
    let calls: Vec<_> = names.iter().map(|name| call(name)).collect();
    format!(r#"{{"transaction":[{}]}}"#, calls.join(","))
}

fn sleep(engine: Engine, seconds: &str) -> String {
    let function = if engine == Engine::Postgres { "pg_sleep" } else { "SLEEP" };
    format!("SELECT {function}({seconds}) AS slept")
}

/// The server ends one of two transactions in a deadlock: its error has its own type, and the advice is
/// not to change the statement.
pub async fn deadlock(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let pause = sleep(engine, "0.5");
    let statements = [
        ("first", "-- mode: write\nUPDATE items SET name = 'a' WHERE id = 1"),
        ("second", "-- mode: write\nUPDATE items SET name = 'a' WHERE id = 2"),
        ("pause", &*pause),
    ];
    let one = harness.deploy_with(&[], &statements).await;
    let other = harness.deploy_with(&[], &statements).await;
    let (forth, back) = (["first", "pause", "second"], ["second", "pause", "first"]);
    // On a busy machine one may end before the other begins.
    let mut loser = None;
    until("two transactions wait for each other", async || {
        let (forth, back) = (transaction(&forth), transaction(&back));
        let (one, other) = tokio::join!(one.invoke(&forth), other.invoke(&back));
        assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
        loser = one.err().or(other.err());
        loser.is_some()
    })
    .await;
    let (error_type, message) = loser.unwrap();
    assert_eq!(error_type, "Query.Transient", "{message}");
    assert!(message.contains("send the event again"), "{message}");
    assert!(!message.contains("correct the statement"), "{message}");
    // The advice helps.
    one.ok(&transaction(&forth)).await;
    other.ok(&transaction(&back)).await;
}

/// The error for a statement that somebody ended on the server does not ask to correct it.
pub async fn ended_by_somebody(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let rename = "-- mode: write\nUPDATE items SET name = 'a' WHERE id = 1";
    let function = harness.deploy_with(&[], &[("rename", rename)]).await;
    let (lock, end) = match engine {
        Engine::Postgres => (
            "BEGIN; SELECT * FROM items FOR UPDATE",
            "DO $$ BEGIN PERFORM pg_stat_clear_snapshot(); END $$; \
             SELECT pg_cancel_backend(pid) FROM pg_stat_activity \
             WHERE usename = 'lambda_user' AND wait_event_type = 'Lock'",
        ),
        _ => (
            "START TRANSACTION; SELECT * FROM app.items FOR UPDATE",
            "SELECT CONCAT('KILL QUERY ', id) FROM information_schema.processlist \
             WHERE user = 'lambda-user' AND info LIKE '%UPDATE items%'",
        ),
    };
    harness.execute(lock).await;
    let somebody = async {
        let mut ended = vec![];
        until("it waits", async || {
            ended = harness.execute(end).await;
            !ended.is_empty()
        })
        .await;
        if engine != Engine::Postgres {
            harness.execute(ended[0][0].as_deref().unwrap()).await;
        }
    };
    let event = call("rename");
    let (message, ()) = tokio::join!(function.fails(&event, "Query.Transient"), somebody);
    assert!(message.contains("was canceled by the server"), "{message}");
    assert!(!message.contains("correct the statement"), "{message}");
    harness.execute("ROLLBACK").await;
    assert_eq!(function.ok(&event).await["rows_affected"], 1);
}

/// An event that is skipped because of one lock releases its others.
pub async fn locks_are_given_back(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let long = format!("-- exclusive: true\n{}", sleep(engine, "3"));
    let statements = [("a", "-- exclusive: true\nSELECT 1 AS a"), ("b", &*long)];
    let busy = harness.deploy_with(&[], &statements).await;
    let skipped = harness.deploy_with(&[], &statements).await;
    let next = harness.deploy_with(&[], &statements).await;
    let text = if engine == Engine::Postgres { "pg_sleep" } else { "SLEEP" };
    let others = async {
        until("b runs", async || harness.asleep(text).await == 1).await;
        let response = skipped.ok(&transaction(&["a", "b"])).await;
        assert_eq!((&response["skipped"], &response["statement"]), (&true.into(), &"b".into()));
        let response: Value = next.ok(&call("a")).await;
        assert_eq!(response["row_count"], 1, "{response}");
    };
    let event = call("b");
    tokio::join!(busy.ok(&event), others);

    // The alarm's metric filter counts the log line of the skipped run and no other.
    let template = tokio::task::spawn_blocking(|| Template::read(&deploy_template::functions()));
    let template = template.await.unwrap();
    let engine = if engine == Engine::Postgres { "Postgres" } else { "MySql" };
    let filter = &template.source["Resources"][format!("{engine}Skips")]["Properties"];
    let pattern = filter["FilterPattern"].as_str().unwrap();
    for (function, runs) in [(&busy, 0), (&skipped, 1), (&next, 0)] {
        let logs = function.logs();
        let counted = logs.lines().filter(|line| filter::matches(pattern, line)).count();
        assert_eq!(counted, runs, "{pattern} in\n{logs}");
    }
}

/// A statement's time-out applies to that statement only: later ones may take longer.
pub async fn limits_end(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let brief = format!("-- timeout: 400ms\n{}", sleep(engine, "0"));
    let long = sleep(engine, "1");
    let statements = [("brief", &*brief), ("long", &*long)];
    let function = harness.deploy_with(&[], &statements).await;
    function.ok(&call("brief")).await;
    let after = function.ok(&call("long")).await;
    let together = function.ok(&transaction(&["brief", "long"])).await;
    for response in [&after, &together["transaction"][1]] {
        assert!(response["query_ms"].as_f64().unwrap() > 900.0, "{response}");
    }
}
