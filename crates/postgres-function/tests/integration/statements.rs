//! Statements, parameters and results of PostgreSQL.

use engine::Engine;
use function_harness::event::{ADD, ITEMS, call};
use function_harness::{Harness, until};
use serde_json::json;
use std::time::Duration;

/// Users' objects are not used in place of the system's, whatever the search path.
pub(crate) async fn own_sql(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute(
        "CREATE TABLE trapped (what text); GRANT ALL ON trapped TO PUBLIC; CREATE ROLE mallory; \
         GRANT CREATE ON SCHEMA public TO mallory; SET ROLE mallory",
    )
    .await;
    for (head, result) in [
        ("format(text, point)", "text"),
        ("hashtextextended(text, integer)", "bigint"),
        ("has_database_privilege(name, text)", "boolean"),
        ("has_database_privilege(text, text)", "boolean"),
        ("pg_try_advisory_lock(bigint)", "boolean"),
        ("pg_advisory_unlock_all()", "text"),
        ("current_database()", "name"),
        ("version()", "text"),
        ("same(text, text)", "boolean"),
        ("same(name, name)", "boolean"),
        ("same(timestamptz, timestamptz)", "boolean"),
    ] {
        harness
            .execute(&format!(
                "CREATE FUNCTION public.{head} RETURNS {result} LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO public.trapped VALUES ('{head}'); RETURN NULL; END $$"
            ))
            .await;
    }
    for of in ["text", "name", "timestamptz"] {
        harness
            .execute(&format!(
                "CREATE OPERATOR public.= (FUNCTION = public.same, LEFTARG = {of}, RIGHTARG = {of})"
            ))
            .await;
    }
    harness
        .execute("RESET ROLE; ALTER ROLE lambda_user SET search_path = public, pg_catalog")
        .await;
    let statements = [
        ("point", "SELECT point(1, 2) AS p, ARRAY[point(3, 4)] AS q"),
        ("adds", "-- mode: write\nINSERT INTO items VALUES ($1, 'p') RETURNING point(id, 0) AS p"),
        ("bounds", "SELECT '[2:2]={7}'::int[] AS a"),
        ("lock", "-- exclusive: true\nSELECT 1 AS one"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let point = json!([{"p": "(1,2)", "q": ["(3,4)"]}]);
    let bounds = json!([{"a": "[2:2]={7}"}]);
    for _ in 0..2 {
        assert_eq!(function.ok(&call("point")).await["rows"], point);
        assert_eq!(function.ok(&call("bounds")).await["rows"], bounds);
        assert_eq!(function.ok(&call("lock")).await["row_count"], 1);
    }
    let adds = |id| format!(r#"{{"statement":"adds","params":[{id}]}}"#);
    assert_eq!(function.ok(&adds(4)).await["rows"], json!([{"p": "(4,0)"}]));
    let (point_call, bounds_call) = (call("point"), call("bounds"));
    let event = format!(r#"{{"transaction":[{},{point_call},{bounds_call}]}}"#, adds(5));
    let response = function.ok(&event).await;
    assert_eq!(response["transaction"][0]["rows"], json!([{"p": "(5,0)"}]));
    assert_eq!(response["transaction"][1]["rows"], point);
    assert_eq!(response["transaction"][2]["rows"], bounds);
    let event = format!(r#"{{"transaction":[{point_call},{bounds_call}]}}"#);
    assert_eq!(function.ok(&event).await["transaction"][0]["rows"], point);
    let diagnosis = function.ok(r#"{"diagnose":true}"#).await;
    assert!(diagnosis.to_string().contains("CONNECT on database app"), "{diagnosis}");
    let trapped = harness.execute("SELECT what FROM trapped").await;
    assert!(trapped.is_empty(), "{trapped:?}");
    assert_eq!(function.ok(ITEMS).await["connection"]["reused"], true);
}

/// A diagnosis changes nothing, whatever the server runs to plan a statement.
pub(crate) async fn planned(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "CREATE FUNCTION w() RETURNS int LANGUAGE plpgsql AS \
         $$ BEGIN INSERT INTO items VALUES (9, 'planned'); RETURN 1; END $$; \
         CREATE FUNCTION imm() RETURNS int IMMUTABLE LANGUAGE plpgsql AS \
         $$ BEGIN RETURN w(); END $$",
        )
        .await;
    let statements = [
        ("reads", "SELECT imm()"),
        ("writes", "-- mode: write\nSELECT imm()"),
        ("sneaky", "DELETE FROM items"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for _ in 0..2 {
        let diagnosis = function.ok(r#"{"diagnose":true}"#).await.to_string();
        assert!(diagnosis.contains("reads") && diagnosis.contains("25006"), "{diagnosis}");
        assert!(diagnosis.contains("sneaky"), "{diagnosis}");
        assert_eq!(harness.execute("SELECT id FROM items").await.len(), 3, "it wrote");
    }
}

/// Nothing that planning a statement runs outlasts the check of that statement or delays a diagnosis.
pub(crate) async fn nothing_lasts(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "CREATE SEQUENCE s; GRANT ALL ON s TO lambda_user; \
         CREATE FUNCTION does(what text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS \
         $$ BEGIN EXECUTE what; RETURN 1; END $$; \
         CREATE FUNCTION look() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN \
         IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory') \
         OR EXISTS (SELECT FROM pg_prepared_statements WHERE name = 'left_behind') \
         OR EXISTS (SELECT FROM pg_listening_channels()) \
         OR EXISTS (SELECT FROM pg_class WHERE relname = 'temporary') \
         OR COALESCE(current_setting('doctor.left', true), '') <> '' \
         OR current_setting('TimeZone') = 'Asia/Tokyo' OR CURRENT_USER <> SESSION_USER THEN \
         RAISE 'something is left' USING ERRCODE = 'insufficient_privilege'; END IF; \
         RETURN 1; END $$",
        )
        .await;
    let does = [
        "SELECT pg_advisory_lock(7)",
        "SELECT pg_advisory_xact_lock(8)",
        "SELECT set_config(''TimeZone'', ''Asia/Tokyo'', false)",
        "SET SESSION doctor.left = ''behind''",
        "SET ROLE rds_iam",
        "SET transaction_read_only = off",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "PREPARE left_behind AS SELECT 1",
        "LISTEN channel",
        "NOTIFY channel",
        "CREATE TEMPORARY TABLE temporary (id int)",
        "SELECT nextval(''s'')",
        "SELECT setval(''s'', 99)",
        "SELECT lo_create(4711)",
    ];
    let mut statements = vec![];
    for (at, what) in does.iter().enumerate() {
        statements.push((format!("{at:02}-does"), format!("SELECT does('{what}') AS d")));
        statements.push((format!("{at:02}-look"), "SELECT look() AS l".to_owned()));
        let writes = format!("-- mode: write\nSELECT does('{what}') AS d");
        statements.push((format!("{at:02}-write"), writes));
        statements.push((format!("{at:02}-write-look"), "SELECT look() AS l".to_owned()));
    }
    statements.push(("sleeps".to_owned(), "SELECT does('SELECT pg_sleep(600)') AS d".to_owned()));
    let named = statements.iter().map(|(name, sql)| (name.as_str(), sql.as_str()));
    let function = harness.deploy_with(&[], &named.collect::<Vec<_>>()).await;
    let diagnosis = function.ok(r#"{"diagnose":true}"#).await;
    let listed = diagnosis["diagnose"]["steps"][9]["facts"]["statements"].as_array().unwrap();
    assert_eq!(listed.len(), statements.len() + 3, "{diagnosis:#}");
    let looks = listed.iter().filter(|one| one["name"].as_str().unwrap().ends_with("look"));
    for look in looks {
        assert_eq!(look["ok"], true, "{look}");
    }
    let rows = harness.execute("SELECT is_called FROM s").await;
    assert_eq!(rows[0][0].as_deref(), Some("f"), "a number was taken");
    assert!(harness.execute("SELECT oid FROM pg_largeobject_metadata").await.is_empty());
}

/// Counts include what the statement itself changed, as reported by the server.
pub(crate) async fn counted(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "CREATE SEQUENCE numbers; GRANT ALL ON SEQUENCE numbers TO lambda_user; \
         CREATE PROCEDURE p() LANGUAGE sql AS $$ UPDATE items SET name = name $$",
        )
        .await;
    let cte = "WITH added AS (INSERT INTO items VALUES (8, 'x') RETURNING id) ";
    for (sql, rows, affected) in [
        ("SELECT * FROM items FOR UPDATE".to_owned(), 3, 0),
        ("SELECT nextval('numbers') AS n".to_owned(), 1, 0),
        ("UPDATE items SET name = name RETURNING id".to_owned(), 3, 3),
        ("CALL p()".to_owned(), 0, 0),
        (format!("{cte} SELECT * FROM added"), 1, 1),
        (format!("{cte} SELECT items.name FROM added, items"), 3, 1),
        (format!("{cte} UPDATE items SET name = name WHERE id < 3"), 0, 3),
        ("SELECT id INTO t FROM items WHERE id > 1".to_owned(), 0, 2),
        (
            "MERGE INTO items USING (VALUES (1), (8)) v (id) ON items.id = v.id \
             WHEN MATCHED THEN UPDATE SET name = 'm' WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'n')"
                .to_owned(),
            0,
            2,
        ),
        ("CREATE TABLE IF NOT EXISTS t AS SELECT * FROM items".to_owned(), 0, 3),
        ("DELETE FROM items WHERE id = 8".to_owned(), 0, 0),
    ] {
        if sql.starts_with("MERGE") && !harness.is_since("15") {
            continue;
        }
        let statement = ("counted", &*format!("-- mode: write\n{sql}"));
        let function = harness.deploy_with(&[], &[statement]).await;
        let response = function.ok(&call("counted")).await;
        assert_eq!(response["rows_affected"], affected, "{sql}");
        assert_eq!(response["row_count"], rows, "{sql}");
        harness.execute("DELETE FROM items WHERE id > 3; DROP TABLE IF EXISTS t").await;
    }
}

/// A result that is too large, and would take hours, is ended on the server too, over one connection.
pub(crate) async fn ended(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let series = ["a", "b", "c", "d", "e"].map(|name| format!("generate_series(1, 350) {name}"));
    let many = format!("SELECT a, b, c, d, e FROM {}", series.join(", "));
    let few = format!("-- max_rows: 10\n{many}");
    let writes = format!("-- max_rows: 10\n-- mode: write\n{many}");
    let wide = format!("-- max_rows: 99999999\n{many}");
    let statements = [("few", &*few), ("writes", &*writes), ("wide", &*wide)];
    let function = harness.deploy_with(&[], &statements).await;
    for (name, error_type) in
        [("few", "ResultTooLarge"), ("writes", "OutcomeUnknown"), ("wide", "ResultTooLarge")]
    {
        for event in [call(name), format!(r#"{{"transaction":[{ITEMS},{}]}}"#, call(name))] {
            let lone = event == call(name);
            let fails = function.fails(&event, if lone { error_type } else { "ResultTooLarge" });
            tokio::pin!(fails);
            loop {
                tokio::select! {
                    _ = &mut fails => break,
                    () = tokio::time::sleep(Duration::from_millis(50)) => {
                        assert!(harness.connections().await <= 1, "{event}");
                    }
                }
            }
            until("it ended on the server", async || harness.connections().await == 0).await;
        }
    }
}

/// Temporary errors are reported as such; for a procedure, the error does not claim that nothing was
/// changed.
pub(crate) async fn passing(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute("ALTER ROLE lambda_user SET lock_timeout = '300ms'").await;
    let raise = |code| format!("DO $$ BEGIN RAISE 'no' USING ERRCODE = '{code}'; END $$");
    harness
        .execute(
            "CREATE FUNCTION raises(code text) RETURNS int LANGUAGE plpgsql AS \
         $$ BEGIN RAISE 'no' USING ERRCODE = code; END $$",
        )
        .await;
    let procedure = format!("-- mode: write\n{}", raise("40001"));
    let statements = [
        ("raises", "SELECT raises($1)"),
        ("rename", "-- mode: write\nUPDATE items SET name = $1 WHERE id = 1"),
        ("procedure", &*procedure),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for code in ["40001", "40P01", "55P03", "53200"] {
        let event = format!(r#"{{"statement":"raises","params":["{code}"]}}"#);
        let message = function.fails(&event, "Query.Transient").await;
        assert!(message.contains(code) && !message.contains("correct the"), "{message}");
        assert_eq!(function.ok(ITEMS).await["connection"]["reused"], true);
    }
    for code in ["53100", "23505"] {
        function.fails(&format!(r#"{{"statement":"raises","params":["{code}"]}}"#), "Query").await;
    }
    let message = function.fails(&call("procedure"), "Query").await;
    assert!(message.contains("check the data"), "{message}");
    assert!(!message.contains("nothing was changed"), "{message}");
    harness.execute("BEGIN; SELECT * FROM items FOR UPDATE").await;
    let rename = r#"{"statement":"rename","params":["other"]}"#;
    for event in [rename, &format!(r#"{{"transaction":[{ADD},{rename}]}}"#)] {
        let message = function.fails(event, "Query.Transient").await;
        assert!(message.contains("55P03"), "{message}");
    }
    harness.execute("ROLLBACK").await;
    assert_eq!(function.ok(rename).await["rows_affected"], 1);
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
}

/// Bytes are accepted in the form in which they are returned, and in no other.
pub(crate) async fn bytes(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute("CREATE DOMAIN raw AS bytea").await;
    let statements = [
        ("echo", "SELECT $1::bytea AS b, encode($1::bytea, 'hex') AS h"),
        ("raw", "SELECT $1::raw AS b"),
        ("many", "SELECT $1::bytea[] AS b"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for (sent, seen, hex) in [
        (r#""AP8=""#, json!("AP8="), json!("00ff")),
        (r#""""#, json!(""), json!("")),
        ("null", json!(null), json!(null)),
        (r#""\\xDEAD""#, json!("3q0="), json!("dead")),
        (r#""abcd""#, json!("abcd"), json!("69b71d")),
    ] {
        let response = function.ok(&format!(r#"{{"statement":"echo","params":[{sent}]}}"#)).await;
        assert_eq!(response["rows"], json!([{"b": seen, "h": hex}]), "{sent}");
    }
    let raw = function.ok(r#"{"statement":"raw","params":["AP8="]}"#).await;
    assert_eq!(raw["rows"][0]["b"], "AP8=");
    for sent in [r#"["AP8=", null, "\\x00"]"#, r#""{\"\\\\x00ff\",NULL,\"\\\\x00\"}""#] {
        let many = function.ok(&format!(r#"{{"statement":"many","params":[{sent}]}}"#)).await;
        assert_eq!(many["rows"][0]["b"], json!(["AP8=", null, "AA=="]), "{sent}");
    }
    for sent in [r#""AP8""#, r#""\\000\\377""#, "7", "true", r#""é""#] {
        let event = format!(r#"{{"statement":"echo","params":[{sent}]}}"#);
        let message = function.fails(&event, "Statement").await;
        assert!(message.contains("parameter 1") && message.contains("base64"), "{message}");
    }
    function.fails(r#"{"statement":"many","params":[["AP8"]]}"#, "Statement").await;
    function.fails(r#"{"statement":"echo","params":["\\xz"]}"#, "Query").await;
}

/// A document that some JSON readers refuse is a string of its text.
pub(crate) async fn half_characters(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let sql = r#"SELECT '{"a": "\ud800"}'::json AS half, '{"a": "\ud83d\ude00"}'::json AS whole,
                 ARRAY['"\udc00"'::json] AS many"#;
    let function = harness.deploy_with(&[], &[("json", sql)]).await;
    let rows = &function.ok(&call("json")).await["rows"][0];
    assert_eq!(rows["half"], r#"{"a": "\ud800"}"#);
    assert_eq!(rows["whole"], json!({"a": "😀"}));
    assert_eq!(rows["many"], json!([r#""\udc00""#]));
}

/// What the server refuses at COMMIT was rolled back, and the error says so.
pub(crate) async fn deferred(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "CREATE TABLE pairs (id int PRIMARY KEY, \
         other int REFERENCES pairs DEFERRABLE INITIALLY DEFERRED); \
         GRANT ALL ON pairs TO lambda_user",
        )
        .await;
    let pair = ("pair", "-- mode: write\nINSERT INTO pairs VALUES ($1, $2)");
    let function = harness.deploy_with(&[], &[pair]).await;
    let put = |id, other| format!(r#"{{"statement":"pair","params":[{id},{other}]}}"#);
    for event in [put(1, 2), format!(r#"{{"transaction":[{ADD},{}]}}"#, put(1, 2))] {
        let message = function.fails(&event, "Query").await;
        assert!(message.contains("23503"), "{message}");
        assert_eq!(function.ok(ITEMS).await["row_count"], 3, "after {event}");
    }
    function.ok(&format!(r#"{{"transaction":[{},{}]}}"#, put(1, 2), put(2, 1))).await;
    assert_eq!(harness.execute("SELECT id FROM pairs").await.len(), 2);
}
