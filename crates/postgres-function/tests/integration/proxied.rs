//! What the server is sent through an endpoint of an RDS Proxy, statement by statement: nothing of AWS's
//! list of what pins a session
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html>).

use engine::Engine;
use function_harness::Harness;
use function_harness::event::{ADD, ITEMS, call};
use local_rds::Server;
use serde_json::json;
use std::time::Duration;

use super::sessions::reads_change_nothing;

const PROXY: &str = "app.proxy-abc123def456.eu-west-1.rds.amazonaws.com";

/// A server that logs what it is sent, by user, and whether statements have names.
async fn start(engine: Engine, bootstrap: &str) -> Harness {
    let server = Server::builder(engine)
        .named(PROXY)
        .setting("log_line_prefix", "%u|")
        .setting("log_statement", "all")
        .setting("log_min_duration_statement", "0");
    Harness::with(server, bootstrap).await
}

/// What the function has had parsed or run since the log had this length: the words before each text, such
/// as `execute <unnamed>`, and the text.
fn sent(harness: &Harness, since: usize) -> Vec<(String, String)> {
    let log = harness.server.log();
    let mut sent: Vec<(String, String)> = vec![];
    for line in log[since..].lines() {
        // A text of several lines goes on after a tab.
        if let Some(more) = line.strip_prefix('\t') {
            if let Some((_, text)) = sent.last_mut() {
                *text += "\n";
                *text += more;
            }
            continue;
        }
        let Some(line) = line.strip_prefix("lambda_user|LOG:  ") else { continue };
        let line = match line.strip_prefix("duration: ").and_then(|line| line.split_once(" ms")) {
            Some((_, line)) => line.trim_start(),
            None => line,
        };
        if let Some((how, text)) = line.split_once(": ")
            && ["statement", "parse", "bind", "execute"].iter().any(|word| how.starts_with(word))
        {
            sent.push((how.to_owned(), text.to_owned()));
        }
    }
    sent
}

/// Fails if something that was sent pins a session.
fn assert_unpinned(sent: &[(String, String)], when: &str) {
    const COMMANDS: [&str; 10] = [
        "SET",
        "RESET",
        "DISCARD",
        "PREPARE",
        "EXECUTE",
        "DEALLOCATE",
        "DECLARE",
        "LISTEN",
        "LOAD",
        "UNLISTEN",
    ];
    const WORDS: [&str; 8] = [
        "set_config",
        "nextval",
        "setval",
        "pg_advisory_lock",
        "pg_try_advisory_lock",
        "pg_advisory_unlock",
        "create temp",
        "pg_temp",
    ];
    assert!(!sent.is_empty(), "{when}: nothing was sent");
    for (how, text) in sent {
        let named = how.strip_prefix("statement").is_none() && !how.ends_with("<unnamed>");
        assert!(!named, "{when}: a statement has a name: {how}: {text}");
        assert!(text.len() <= 16 << 10, "{when}: {} bytes", text.len());
        for command in text.split(';') {
            let lines = command.lines().filter(|line| !line.trim_start().starts_with("--"));
            let command = lines.collect::<Vec<_>>().join(" ");
            let verb = command.split_whitespace().next().unwrap_or_default().to_uppercase();
            assert!(!COMMANDS.contains(&&*verb), "{when}: {how}: {text}");
        }
        let lower = text.to_lowercase();
        assert!(!WORDS.iter().any(|word| lower.contains(word)), "{when}: {how}: {text}");
    }
}

const MADE: &str = "\
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN percent AS NUMERIC CHECK (VALUE <= 100); \
CREATE TYPE place AS (x INT, m mood); CREATE TYPE spans AS RANGE (subtype = percent)";
const TYPES: &str = "SELECT 'ok'::mood AS m, 7::percent AS p, ARRAY['sad', 'ok']::mood[] AS moods, \
ROW(1, 'ok')::place AS place, ARRAY[ROW(2, 'sad')::place] AS places, spans(1, 2) AS span, \
to_tsvector('simple', 'a b') AS words, interval '1 day' AS i";
const COUNTED: &str = "-- mode: write\nWITH gone AS (DELETE FROM items WHERE id = 9 RETURNING 1) \
INSERT INTO items SELECT 9, 'nine' RETURNING name";

/// Plain statements, writes with a time limit, transactions, exclusive statements, values of every kind,
/// descriptions and diagnoses pin nothing, whatever the role's own setting is.
pub(crate) async fn pins_nothing(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    harness.execute(MADE).await;
    let statements = [
        ("types", TYPES),
        ("counted", COUNTED),
        ("put", "-- mode: write\n-- timeout: 9s\nUPDATE items SET name = $2 WHERE id = $1"),
        ("timed", "-- timeout: 9s\nSELECT count(*) FROM items"),
        ("only", "-- exclusive: true\nSELECT $1::mood AS m"),
        (
            "only-write",
            "-- exclusive: true\n-- mode: write\n-- timeout: 9s\nUPDATE items SET name = name",
        ),
        ("made", "-- mode: write\nCREATE TABLE IF NOT EXISTS made (id int)"),
        ("shown", "SHOW server_version"),
        ("plan", "EXPLAIN ANALYZE SELECT count(*) FROM items"),
    ];
    let put = r#"{"statement":"put","params":[1,"new"]}"#;
    let only = r#"{"statement":"only","params":["ok"]}"#;
    let (types, timed, write) = (&*call("types"), &*call("timed"), &*call("only-write"));
    let transaction = |events: &[&str]| format!(r#"{{"transaction":[{}]}}"#, events.join(","));
    for own in ["off", "on"] {
        harness.execute("DELETE FROM items WHERE id IN (4, 9)").await;
        harness
            .execute(&format!("ALTER ROLE lambda_user SET default_transaction_read_only = {own}"))
            .await;
        let since = harness.server.log().len();
        let function = harness.deploy_with(&[], &statements).await;
        function.ok(ITEMS).await;
        for event in [
            types,
            types,
            put,
            timed,
            ADD,
            &call("counted"),
            &transaction(&[ITEMS, types, timed]),
            &transaction(&[put, types, ITEMS, put, timed, types]),
            &transaction(&[ITEMS, only, put]),
            only,
            write,
            &call("shown"),
            &call("plan"),
            &call("made"),
            ITEMS,
        ] {
            let response = function.ok(event).await;
            assert_eq!(response["connection"]["reused"], true, "{own}: {event}");
            assert_eq!(response.get("skipped"), None, "{event}");
            assert_unpinned(&sent(&harness, since), event);
        }
        for event in [r#"{"describe":true}"#, r#"{"diagnose":true}"#] {
            let answer = function.ok(event).await.to_string();
            assert!(answer.contains("only-write") || answer.contains("statements"), "{answer}");
            assert_eq!(function.ok(ITEMS).await["connection"]["reused"], true, "after {event}");
            assert_unpinned(&sent(&harness, since), event);
        }
        // What fails pins as little.
        let wrong = r#"{"statement":"put","params":["x","new"]}"#;
        function.fails(wrong, "Query").await;
        function.fails(&transaction(&[put, wrong]), "Query").await;
        function.fails(r#"{"statement":"only","params":["none"]}"#, "Query").await;
        assert_unpinned(&sent(&harness, since), "errors");
        let log = &harness.server.log()[since..];
        assert!(!log.contains("canceling"), "{log}");
        assert!(log.contains("pg_try_advisory_xact_lock"), "no exclusive statement was logged");
    }
}

/// A read changes nothing, although it is not made read-only with SET.
pub(crate) async fn reads_only(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    reads_change_nothing(&harness).await;
    let log = harness.server.log();
    assert!(log.contains("transaction_read_only") && !log.contains("SET TRANSACTION READ ONLY"));
    // If it cannot be made so, the error is that, and not that of the statement behind it.
    harness.execute("REVOKE UPDATE ON pg_catalog.pg_settings FROM PUBLIC").await;
    let function = harness.deploy(&[]).await;
    let message = function.fails(&format!(r#"{{"transaction":[{ADD},{ITEMS}]}}"#), "Query").await;
    assert!(message.contains("42501") && message.contains("rolled back"), "{message}");
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
}

/// A statement is exclusive as it is without a proxy, and its errors are those of a statement.
pub(crate) async fn exclusive(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    harness.execute("CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$ BEGIN COMMIT; END $$").await;
    let statements = [
        ("only", "-- exclusive: true\n-- mode: write\nINSERT INTO items VALUES ($1, 'only')"),
        ("slow", "-- exclusive: true\nSELECT pg_sleep(3)::text AS slept"),
        ("call", "-- exclusive: true\n-- mode: write\nCALL steps()"),
        ("vacuum", "-- exclusive: true\n-- mode: write\nVACUUM items"),
        (
            "index",
            "-- exclusive: true\n-- mode: write\nCREATE INDEX IF NOT EXISTS named ON items (name)",
        ),
        (
            "few",
            "-- exclusive: true\n-- mode: write\n-- max_rows: 1\nDELETE FROM items RETURNING id",
        ),
    ];
    harness.execute("ALTER TABLE items OWNER TO lambda_user").await;
    let lock = |name: &str, function: &str| {
        format!("SELECT {function}(hashtextextended('rds-iam-lambda/{name}', 0))::text")
    };
    let (function, other) =
        (harness.deploy_with(&[], &statements).await, harness.deploy_with(&[], &statements).await);
    let only = |id: u32| format!(r#"{{"statement":"only","params":[{id}]}}"#);
    assert_eq!(function.ok(&only(10)).await["rows_affected"], 1);
    // As a function without a proxy holds it.
    harness.execute(&lock("only", "pg_advisory_lock")).await;
    let skipped = function.ok(&only(11)).await;
    assert_eq!(
        (&skipped["skipped"], &skipped["statement"], &skipped["connection"]["reused"]),
        (&json!(true), &json!("only"), &json!(true)),
        "{skipped}"
    );
    let both = format!(r#"{{"transaction":[{},{}]}}"#, call("index"), only(11));
    assert_eq!(function.ok(&both).await["skipped"], true);
    harness.execute(&lock("only", "pg_advisory_unlock")).await;
    assert_eq!(harness.execute("SELECT id FROM items WHERE id = 11").await.len(), 0);
    // A duplicate key is the statement's own error, and its lock is free again.
    let message = function.fails(&only(10), "Query").await;
    assert!(message.contains("23505") && !message.contains("of the transaction"), "{message}");
    assert_eq!(function.ok(&only(11)).await["connection"]["reused"], true);
    // So is what its result is too large for: it is undone, which its error says.
    let message = function.fails(&call("few"), "ResultTooLarge").await;
    assert!(message.contains("was rolled back"), "{message}");
    assert_eq!(function.ok(ITEMS).await["row_count"], 5);
    // One runs at a time.
    let call_slow = call("slow");
    let second = async {
        function_harness::until("the first one runs", async || harness.asleep("slept").await == 1)
            .await;
        let taken = harness.execute(&lock("slow", "pg_try_advisory_lock")).await;
        assert_eq!(taken[0][0].as_deref(), Some("false"));
        other.ok(&call("slow")).await
    };
    let (first, second) = tokio::join!(function.ok(&call_slow), second);
    assert_eq!((first.get("skipped"), &second["skipped"]), (None, &json!(true)));
    // What cannot be in a transaction has a lock of its session, which ends with the connection.
    for (name, reused) in [("call", false), ("vacuum", false), ("index", true)] {
        for _ in 0..2 {
            assert_eq!(function.ok(&call(name)).await.get("skipped"), None, "{name}");
            assert_eq!(function.ok(ITEMS).await["connection"]["reused"], reused, "after {name}");
        }
    }
}

/// A statement that pins its connection costs it, so that the proxy can lend it to another client.
pub(crate) async fn pinned(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    harness.execute("CREATE SEQUENCE numbers; GRANT ALL ON numbers TO lambda_user").await;
    let long = format!("-- {}\nSELECT 1 AS one", "x".repeat(16 << 10));
    let statements = [
        ("path", "-- mode: write\nSELECT set_config('search_path', 'pg_catalog', false)"),
        ("number", "-- mode: write\nSELECT nextval('numbers') AS n"),
        ("temporary", "-- mode: write\nCREATE TEMPORARY TABLE items (id int)"),
        ("lock", "SELECT pg_advisory_lock(7)::text AS l"),
        ("long", &*long),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for (name, _) in statements {
        function.ok(&call(name)).await;
        let response = function.ok(ITEMS).await;
        assert_eq!(response["row_count"], 3, "after {name}");
        assert_eq!(response["connection"]["reused"], false, "after {name}");
        assert_eq!(function.ok(ITEMS).await["connection"]["reused"], true);
    }
}

/// Columns that have changed since the statement was prepared are never misread: a read is run again, and
/// a write is carried out once, which its error says.
pub(crate) async fn changed_columns(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    harness.execute("CREATE TABLE codes (code int, n int); INSERT INTO codes VALUES (7, 0)").await;
    harness.execute("ALTER TABLE codes OWNER TO lambda_user").await;
    let statements = [
        ("codes", "SELECT * FROM codes"),
        ("one", "SELECT code::text AS code FROM codes WHERE code = $1"),
        ("returning", "-- mode: write\nUPDATE codes SET n = n + 1 RETURNING *"),
        ("put", "-- mode: write\nUPDATE codes SET code = $1, n = n + 1"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let (codes, returning) = (call("codes"), call("returning"));
    let (one, put) = (r#"{"statement":"one","params":[7]}"#, r#"{"statement":"put","params":[7]}"#);
    let mut n = 0;
    for (change, back) in [
        ("ALTER TABLE codes ADD COLUMN more int DEFAULT 1", "ALTER TABLE codes DROP COLUMN more"),
        (
            "ALTER TABLE codes ALTER COLUMN code TYPE text",
            "ALTER TABLE codes ALTER COLUMN code TYPE int USING code::int",
        ),
        (
            "ALTER TABLE codes RENAME COLUMN code TO number",
            "ALTER TABLE codes RENAME COLUMN number TO code",
        ),
    ] {
        for event in [&*codes, &returning, one, put] {
            function.ok(event).await;
        }
        n += 2;
        harness.execute(change).await;
        let message = function.fails(&returning, "Query").await;
        n += 1;
        assert!(message.contains("columns") && message.contains("was executed"), "{message}");
        let counted = harness.execute("SELECT n FROM codes").await;
        assert_eq!(counted[0][0].as_deref(), Some(&*n.to_string()), "{change}");
        harness.execute(back).await;
        for event in [&*codes, &returning] {
            function.ok(event).await;
        }
        n += 1;
        harness.execute(change).await;
        let response = function.ok(&codes).await;
        let fresh = harness.deploy_with(&[], &statements).await.ok(&codes).await;
        assert_eq!(response["rows"], fresh["rows"], "{change}");
        assert_eq!(response["columns"], fresh["columns"], "{change}");
        let event = format!(r#"{{"transaction":[{returning},{codes},{returning}]}}"#);
        let response = function.ok(&event).await;
        n += 2;
        assert_eq!(response["transaction"][2]["rows"][0]["n"], n, "{change}");
        harness.execute(back).await;
        let response = function.ok(&event).await;
        n += 2;
        assert_eq!(response["transaction"][2]["rows"], json!([{"code": 7, "n": n}]), "{change}");
        assert_eq!(function.ok(one).await["rows"], json!([{"code": "7"}]), "{change}");
    }
    // A parameter has the type that it was prepared with.
    function.ok(put).await;
    harness.execute("ALTER TABLE codes ALTER COLUMN code TYPE text").await;
    assert_eq!(function.ok(put).await["rows_affected"], 1);
}

/// No cancel request is sent through a proxy. An error says what is known, and the connection is not used
/// again.
pub(crate) async fn time_limits(engine: Engine, bootstrap: &str) {
    let harness = start(engine, bootstrap).await;
    let statements = [
        ("read", "-- timeout: 300ms\nSELECT pg_sleep(9)::text AS slept"),
        (
            "short",
            "-- mode: write\n-- timeout: 300ms\nUPDATE items SET name = 's' WHERE pg_sleep(0.3) IS NOT NULL",
        ),
        (
            "long",
            "-- mode: write\n-- timeout: 300ms\nUPDATE items SET name = 'l' WHERE pg_sleep(3) IS NOT NULL",
        ),
        (
            "only",
            "-- exclusive: true\n-- mode: write\n-- timeout: 300ms\nUPDATE items SET name = 'o' WHERE pg_sleep(3) IS NOT NULL",
        ),
    ];
    let limit = Duration::from_secs(20);
    let function = harness.deploy_limited(limit, &[], &statements).await;
    let since = harness.server.log().len();
    function.ok(ITEMS).await;
    function.fails(&call("read"), "Timeout").await;
    assert_eq!(function.ok(ITEMS).await["connection"]["reused"], false);
    // The server answers a little later that it is done.
    assert_eq!(function.ok(&call("short")).await["rows_affected"], 3);
    let message = function.fails(&call("long"), "OutcomeUnknown").await;
    assert!(message.contains("may have been executed"), "{message}");
    function.fails(&format!(r#"{{"transaction":[{}]}}"#, call("long")), "Timeout").await;
    let message = function.fails(&call("only"), "Timeout").await;
    assert!(message.contains("was rolled back"), "{message}");
    assert_unpinned(&sent(&harness, since), "time limits");
    assert!(!harness.server.log()[since..].contains("canceling statement"), "a cancel request");
}
