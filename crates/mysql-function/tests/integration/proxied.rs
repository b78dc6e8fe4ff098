//! Through an RDS Proxy: nothing pins the session that need not, results are the same, and errors say what
//! became of the statement.

use engine::Engine;
use function_harness::event::{ADD, ITEMS, call};
use function_harness::general_log::{expect_unpinned, log, sent};
use function_harness::{Deployed, Harness, PROXY};
use local_rds::{Builder, Profile, Server};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn proxied(engine: Engine) -> Builder {
    Server::builder(engine).named(PROXY)
}

const TABLES: &str = "CREATE TABLE app.numbered (id INT AUTO_INCREMENT PRIMARY KEY, n INT); \
     CREATE TABLE app.audited (n INT); CREATE TABLE app.log (n INT); \
     CREATE TABLE app.f (f FLOAT, n INT); INSERT INTO app.f VALUES (1234567.8, 1), (0.1, 2); \
     CREATE TRIGGER app.t BEFORE INSERT ON app.audited FOR EACH ROW INSERT INTO app.log VALUES (9); \
     SET GLOBAL log_bin_trust_function_creators = 1; \
     CREATE FUNCTION app.g() RETURNS INT DETERMINISTIC RETURN 5; \
     CREATE PROCEDURE app.two() BEGIN SELECT 1 AS a; INSERT INTO app.log VALUES (1), (2); END; \
     CREATE PROCEDURE app.same() BEGIN INSERT INTO app.log VALUES (3); SELECT 1 AS a, 2 AS a; END; \
     CREATE PROCEDURE app.floats() BEGIN INSERT INTO app.log VALUES (4); SELECT f FROM app.f; END";

const STATEMENTS: [(&str, &str); 22] = [
    ("timed", "-- timeout: 10s\nSELECT * FROM items WHERE id = ?"),
    ("timed-write", "-- mode: write\n-- timeout: 10s\nUPDATE items SET name = ? WHERE id = 1"),
    ("numbered", "-- mode: write\nINSERT INTO numbered (n) VALUES (?), (?)"),
    ("last", "SELECT LAST_INSERT_ID() AS last_id"),
    ("audited", "-- mode: write\nINSERT INTO audited VALUES (1)"),
    ("common", "WITH a AS (SELECT COUNT(*) AS n FROM items) SELECT n FROM a"),
    ("locked", "-- mode: write\nSELECT id FROM items WHERE id = 1 FOR UPDATE"),
    ("function", "SELECT g() AS g"),
    ("function-write", "-- mode: write\n-- timeout: 9s\nSELECT g() AS g"),
    ("two", "-- mode: write\n-- timeout: 9s\nCALL two()"),
    ("shown", "SHOW TABLES"),
    ("missing", "SELECT * FROM missing"),
    ("created", "-- mode: write\nCREATE TABLE IF NOT EXISTS made (id INT)"),
    // Those that fail.
    ("same", "-- mode: write\nCALL same()"),
    ("floats", "-- mode: write\nCALL floats()"),
    ("twice", "-- mode: write\nINSERT INTO items VALUES (1, 'twice')"),
    ("slow", "-- timeout: 1s\nSELECT SLEEP(3) AS s"),
    // Those that pin.
    ("exclusive", "-- mode: write\n-- exclusive: true\nINSERT INTO numbered (n) VALUES (1)"),
    ("variable", "-- mode: write\nSET @a = 5"),
    ("zone", "-- mode: write\nSET time_zone = '+05:00'"),
    ("f", "SELECT f FROM f"),
    ("f-function", "SELECT f, g() AS g FROM f"),
];

async fn reused(function: &Deployed<'_>) -> Value {
    function.ok(ITEMS).await["connection"]["reused"].clone()
}

/// Reads, writes, transactions, functions, procedures and triggers pin nothing, and keep their
/// connection.
pub(crate) async fn plain(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(proxied(engine), bootstrap).await;
    harness.execute(TABLES).await;
    let function = harness.deploy_with(&[], &STATEMENTS).await;
    log(&harness).await;
    let with = |name: &str, params: &str| format!(r#"{{"statement":"{name}","params":{params}}}"#);
    let twice = call("twice");
    let transactions = [
        format!(r#"{{"transaction":[{ITEMS},{},{}]}}"#, with("numbered", "[5, 6]"), call("last")),
        format!(r#"{{"transaction":[{},{ITEMS}]}}"#, with("timed", "[1]")),
        format!(r#"{{"transaction":[{},{}]}}"#, call("two"), call("audited")),
    ];
    let long = "x".repeat(12_000);
    let events = [
        ITEMS.to_owned(),
        ADD.to_owned(),
        with("timed", "[1]"),
        with("timed-write", r#"["other"]"#),
        with("timed-write", r#"["first"]"#),
        with("numbered", "[1, 2]"),
        call("last"),
        call("audited"),
        call("common"),
        call("locked"),
        call("function"),
        call("function-write"),
        call("two"),
        call("shown"),
        call("created"),
        with("timed", &json!([long]).to_string()),
    ];
    for event in events.iter().chain(&transactions) {
        let answer = function.ok(event).await;
        let lines = sent(&harness).await;
        expect_unpinned(event, &lines);
        if event.contains("last") {
            let last = answer.pointer("/transaction/2/rows/0/last_id");
            let expected = if last.is_some() { json!(3) } else { json!(0) };
            let last = last.unwrap_or(&answer["rows"][0]["last_id"]);
            assert_eq!(*last, expected, "{answer}");
        }
        assert_eq!(reused(&function).await, true, "after {event}");
        sent(&harness).await;
    }
    for (event, kind) in [
        (&call("missing"), "Query"),
        (&twice, "Query"),
        (&format!(r#"{{"transaction":[{ADD},{twice}]}}"#), "Query"),
    ] {
        function.fails(event, kind).await;
        expect_unpinned(event, &sent(&harness).await);
        assert_eq!(reused(&function).await, true, "after {event}");
        sent(&harness).await;
    }
    let two = function.ok(&call("two")).await;
    assert_eq!((&two["rows"], &two["rows_affected"]), (&json!([{"a": 1}]), &json!(2)));
    expect_unpinned("a login", &{
        let fresh = harness.deploy_with(&[], &STATEMENTS).await;
        sent(&harness).await;
        fresh.ok(ITEMS).await;
        sent(&harness).await
    });
}

/// A result that is refused: what became of the statement is told as it is.
pub(crate) async fn refused(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(proxied(engine), bootstrap).await;
    harness.execute(TABLES).await;
    harness.execute("CREATE TABLE app.plain (id INT) ENGINE = MyISAM").await;
    let mut statements = STATEMENTS.to_vec();
    statements.push(("locked-same", "-- mode: write\nSELECT id, name AS id FROM items FOR UPDATE"));
    statements.push(("locked-float", "-- mode: write\nSELECT f FROM f FOR UPDATE"));
    if engine == Engine::MariaDb {
        statements.extend([
            ("good", "-- mode: write\nINSERT INTO items VALUES (10, 'a'), (11, 'b') RETURNING id"),
            ("bad", "-- mode: write\nINSERT INTO items VALUES (12, 'a') RETURNING id, name AS id"),
            ("float", "-- mode: write\nDELETE FROM f WHERE n = 1 RETURNING f"),
            ("plain", "-- mode: write\nINSERT INTO plain VALUES (1) RETURNING id, id AS id"),
            ("few", "-- mode: write\n-- max_rows: 1\nDELETE FROM items WHERE id > 9 RETURNING id"),
            ("again", "-- mode: write\nINSERT INTO items VALUES (1, 'a') RETURNING id"),
        ]);
    }
    let function = harness.deploy_with(&[], &statements).await;
    function.ok(ITEMS).await;
    log(&harness).await;
    let count =
        async |table: &str| harness.execute(&format!("SELECT 1 FROM app.{table}")).await.len();
    for (name, rows) in [("same", 1), ("floats", 2)] {
        let message = function.fails(&call(name), "Statement").await;
        assert!(message.contains("was executed"), "{message}");
        assert_eq!(count("log").await, rows, "{message}");
    }
    let message = function.fails(&call("f-function"), "Statement").await;
    assert!(message.contains(": f") && message.contains("CAST("), "{message}");
    function.fails(&call("locked-same"), "Statement").await;
    function.fails(&call("locked-float"), "Statement").await;
    if engine == Engine::MariaDb {
        let good = function.ok(&call("good")).await;
        assert_eq!((&good["rows_affected"], &good["row_count"]), (&json!(2), &json!(2)));
        assert_eq!(count("items").await, 5);
        for (name, kind) in [("bad", "Statement"), ("float", "Statement"), ("again", "Query")] {
            let message = function.fails(&call(name), kind).await;
            assert!(!message.contains("executed"), "{message}");
            assert_eq!((count("items").await, count("f").await), (5, 2), "{name}: {message}");
        }
        let message = function.fails(&call("plain"), "Statement").await;
        assert!(message.contains("was executed"), "{message}");
        assert_eq!(count("plain").await, 1);
        let message = function.fails(&call("few"), "ResultTooLarge").await;
        assert!(message.contains("was executed"), "{message}");
        assert_eq!(count("items").await, 3);
        for name in ["bad", "float"] {
            let event = format!(r#"{{"transaction":[{ADD},{}]}}"#, call(name));
            function.fails(&event, "Statement").await;
            assert_eq!((count("items").await, count("f").await), (3, 2), "{name}");
        }
    }
    expect_unpinned("all of them", &sent(&harness).await);
}

/// What pins is not followed by another event on the same connection.
pub(crate) async fn pinned(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(proxied(engine), bootstrap).await;
    harness.execute(TABLES).await;
    let function = harness.deploy_with(&[], &STATEMENTS).await;
    function.ok(ITEMS).await;
    log(&harness).await;
    let long = json!(["x".repeat(17_000)]);
    let long = format!(r#"{{"statement":"timed","params":{long}}}"#);
    let (describe, diagnose) = (r#"{"describe":true}"#, r#"{"diagnose":true}"#);
    for event in [&call("exclusive"), &call("variable"), &call("f"), &long, describe, diagnose] {
        let answer = function.ok(event).await;
        if *event == *call("f") {
            assert_eq!(answer["rows"], json!([{"f": 1234567.8}, {"f": 0.1}]));
        }
        let lines = sent(&harness).await;
        let pinned: BTreeSet<_> =
            lines.iter().filter(|line| line.pins().is_some()).map(|line| line.thread).collect();
        assert!(!pinned.is_empty(), "{event:.99}: {lines:?}");
        // A diagnosis uses connections of its own.
        assert_eq!(reused(&function).await, *event == *diagnose, "{event:.99}");
        let after = sent(&harness).await;
        expect_unpinned(event, &after);
        assert!(after.iter().all(|line| !pinned.contains(&line.thread)), "{event:.99}: {after:?}");
    }
    assert!(function.logs().contains("a result with a FLOAT"), "{}", function.logs());
    let fresh = harness.deploy_with(&[], &STATEMENTS).await;
    let transaction = fresh.ok(&format!(r#"{{"transaction":[{}]}}"#, call("f"))).await;
    assert_eq!(transaction["transaction"][0]["rows"], json!([{"f": 1234567.8}, {"f": 0.1}]));
    assert_eq!(reused(&fresh).await, false);
    sent(&harness).await;
    // What a proxy tracks is not pinned, and is not kept either.
    function.ok(&call("zone")).await;
    expect_unpinned("a tracked variable", &sent(&harness).await);
    assert_eq!(reused(&function).await, false);
    // From GET_LOCK on, the statement runs on the same connection, which gives the lock back.
    sent(&harness).await;
    function.ok(&call("exclusive")).await;
    let lines = sent(&harness).await;
    let at = |text: &str| {
        let line = lines.iter().find(|line| line.text.contains(text));
        line.unwrap_or_else(|| panic!("no {text}: {lines:?}")).thread
    };
    assert_eq!(at("GET_LOCK"), at("INSERT INTO numbered"));
    assert_eq!(at("GET_LOCK"), at("RELEASE_ALL_LOCKS"));
}

/// A diagnosis names what pins, and what is refused because it returns a FLOAT.
pub(crate) async fn examined(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(proxied(engine), bootstrap).await;
    harness.execute(TABLES).await;
    let statements = [
        ("cast", "SELECT CAST(f AS DOUBLE) AS f FROM f"),
        ("f", "SELECT f FROM f WHERE n = ?"),
        ("variable", "-- mode: write\nSET @a = 5"),
        ("f-locked", "-- mode: write\nSELECT f FROM f FOR UPDATE"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let diagnosis = function.ok(r#"{"diagnose":true}"#).await;
    let steps = diagnosis["diagnose"]["steps"].as_array().unwrap();
    let list = steps.last().unwrap()["facts"]["statements"].as_array().unwrap();
    let of = |name: &str| list.iter().find(|one| one["name"] == name).unwrap().clone();
    for (name, pins) in [("cast", ""), ("items", ""), ("f", "FLOAT"), ("variable", "user variable")]
    {
        let one = of(name);
        assert_eq!(one["ok"], true, "{one}");
        let why = one["pins"].as_str().unwrap_or_default();
        assert!(why.contains(pins) && why.is_empty() == pins.is_empty(), "{one}");
    }
    let refused = of("f-locked");
    assert!(refused["error"].as_str().unwrap_or_default().contains("CAST("), "{refused}");
}

/// Nothing is killed. A late read says so, and a late write is in doubt.
pub(crate) async fn late(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(proxied(engine), bootstrap).await;
    let statements = [
        ("read", "-- timeout: 1s\nSELECT SLEEP(30) AS s"),
        ("write", "-- mode: write\n-- timeout: 1s\nUPDATE items SET name = SLEEP(30) WHERE id = 1"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    function.ok(ITEMS).await;
    log(&harness).await;
    function.fails(&call("read"), "Timeout").await;
    function.fails(&call("write"), "OutcomeUnknown").await;
    let event = format!(r#"{{"transaction":[{},{ITEMS}]}}"#, call("write"));
    function.fails(&event, "Timeout").await;
    let lines = sent(&harness).await;
    expect_unpinned("late statements", &lines);
    assert!(lines.iter().all(|line| !line.text.contains("KILL")), "{lines:?}");
}

/// Settings of the server that would change results are lifted, although that pins.
pub(crate) async fn untidy(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(proxied(engine).profile(Profile::Untidy), bootstrap).await;
    let function = harness.deploy(&[]).await;
    for _ in 0..2 {
        assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    }
    assert_eq!(reused(&function).await, true);
    assert!(function.logs().contains("sql_select_limit"), "{}", function.logs());
}
