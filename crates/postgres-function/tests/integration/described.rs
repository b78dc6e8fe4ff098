//! What PostgreSQL says of its own types and statements.

use engine::Engine;
use function_harness::event::ITEMS;
use function_harness::{Deployed, Harness};
use local_rds::Server;
use serde_json::{Value, json};

const EVENT: &str = r#"{"describe":true}"#;
const TYPES: &str = "\
    CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN percent AS NUMERIC CHECK (VALUE <= 100); \
    CREATE TABLE days (at TIMESTAMP, day DATE, m mood, p percent, tags TEXT[], big BIGINT, d JSONB);";

async fn describe(function: &Deployed<'_>, name: &str) -> Value {
    let answer = function.ok(EVENT).await;
    let statements = answer["describe"]["statements"].as_array().unwrap();
    statements.iter().find(|entry| entry["name"] == name).unwrap().clone()
}

/// The types of parameters are the server's, and values that their schemas allow are taken.
pub(crate) async fn types(engine: Engine, bootstrap: &str) {
    let harness = Harness::with_tables(Server::builder(engine), TYPES, bootstrap).await;
    let put = "-- mode: write\nINSERT INTO days VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let declared =
        "-- param: at timestamp\nSELECT count(*) AS n FROM days WHERE at < $1 OR day < $1";
    let several = "-- param: at timestamp[]?\nSELECT $1 AS at";
    let files = [("put", put), ("declared", declared), ("several", several)];
    let function = harness.deploy_with(&[], &files).await;
    let entry = describe(&function, "put").await;
    let params = entry["params"].as_array().unwrap();
    let types: Vec<_> = params.iter().map(|param| param["type"].as_str().unwrap()).collect();
    assert_eq!(types[..3], ["timestamp", "date", "mood"]);
    assert_eq!(types[4..], ["text[]", "int8", "jsonb"]);
    assert_eq!(
        params[2]["schema"],
        json!({"type": ["string", "null"], "enum": ["sad", "ok", null]})
    );
    for (at, value) in [
        (0, json!("2026-03-22T18:59:43")),
        (2, json!("sad")),
        (3, json!(99.5)),
        (3, json!("99.50")),
        (4, json!(["a", null, "b"])),
        (4, json!([["a"], ["b"]])),
        (4, json!("{a}")),
        (5, json!(i64::MIN)),
        (5, json!("9007199254740993")),
        (6, json!("{\"a\": 1}")),
        (6, json!(null)),
    ] {
        let schema = jsonschema::draft202012::new(&params[at]["schema"]).unwrap();
        assert!(schema.is_valid(&value), "{value} by {}", params[at]);
        let mut values = vec![Value::Null; 7];
        values[at] = value;
        function.ok(&json!({"statement": "put", "params": values}).to_string()).await;
    }
    for (at, value) in [(2, json!("angry")), (5, json!(1.5)), (6, json!({})), (4, json!([1]))] {
        let schema = jsonschema::draft202012::new(&params[at]["schema"]).unwrap();
        assert!(!schema.is_valid(&value), "{value} by {}", params[at]);
    }
    let entry = describe(&function, "declared").await;
    assert_eq!(entry["params"][0]["type"], "timestamptz");
    let event = r#"{"statement":"several","params":{"at":["2026-03-22t18:59:43z","2026-03-22T20:59:43.5+02:00"]}}"#;
    let several = function.ok(event).await["rows"][0]["at"].take();
    assert_eq!(several, json!(["2026-03-22T18:59:43Z", "2026-03-22T18:59:43.5Z"]));
    assert_eq!(describe(&function, "several").await["params"][0]["type"], "timestamptz[]");
}

/// A type or a table that another session has changed is described as it is now.
pub(crate) async fn changed_types(engine: Engine, bootstrap: &str) {
    let harness = Harness::with_tables(Server::builder(engine), TYPES, bootstrap).await;
    let function = harness.deploy_with(&[], &[("moods", "SELECT m FROM days")]).await;
    let moods = r#"{"statement":"moods"}"#;
    function.ok(moods).await;
    let schema = async || describe(&function, "moods").await["columns"][0]["schema"].take();
    assert_eq!(schema().await["enum"], json!(["sad", "ok", null]));
    harness.execute("ALTER TYPE mood ADD VALUE 'happy'").await;
    assert_eq!(schema().await["enum"], json!(["sad", "ok", "happy", null]));
    harness.execute("ALTER TABLE days ALTER m TYPE TEXT").await;
    assert_eq!(schema().await, json!({"type": ["string", "null"]}));
    assert_eq!(function.ok(moods).await["columns"][0]["type"], "text");
}

/// Statements without rows, and those that would be refused.
pub(crate) async fn others(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute("CREATE PROCEDURE p(INOUT n INT) LANGUAGE plpgsql AS $$ BEGIN n := n + 1; END $$")
        .await;
    let statements = [
        ("block", "-- mode: write\nDO $$ BEGIN DELETE FROM items; END $$"),
        ("call", "-- mode: write\nCALL p($1)"),
        ("vacuum", "-- mode: write\nVACUUM items"),
        ("anonymous", "SELECT ROW(1, 2) AS r"),
        ("unicode", "-- é😀\nSELECT 'é😀' AS e,\n  nmae\nFROM items"),
        ("returning", "-- mode: write\nDELETE FROM items RETURNING id"),
        ("locked", "SELECT id FROM held"),
        ("for-update", "-- a comment\nSELECT id FROM items FOR UPDATE"),
        ("in-with", "\nWITH d AS (DELETE FROM items RETURNING id) SELECT id FROM d"),
        ("for-update-declared", "-- mode: write\nSELECT id FROM items FOR UPDATE"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    harness.execute("CREATE TABLE held (id INT); GRANT SELECT ON held TO lambda_user").await;
    harness.execute("BEGIN; LOCK TABLE held").await;
    let names = |entry: &Value| {
        let columns = entry["columns"].as_array().unwrap().iter();
        columns.map(|column| column["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(names(&describe(&function, "block").await).is_empty());
    assert!(names(&describe(&function, "vacuum").await).is_empty());
    assert_eq!(names(&describe(&function, "call").await), ["n"]);
    assert_eq!(names(&describe(&function, "returning").await), ["id"]);
    let anonymous = describe(&function, "anonymous").await["error"].take();
    assert_eq!(anonymous["errorType"], "Statement");
    assert!(anonymous["message"].as_str().unwrap().contains("::text"), "{anonymous}");
    assert_eq!(describe(&function, "unicode").await["error"]["line"], 3);
    for name in ["for-update", "in-with"] {
        let error = describe(&function, name).await["error"].take();
        assert_eq!(error["line"], 2, "{name}: {error}");
        assert!(error["message"].as_str().unwrap().contains("-- mode: write"), "{name}: {error}");
        function.fails(&format!(r#"{{"statement":"{name}"}}"#), "Query").await;
    }
    assert_eq!(names(&describe(&function, "for-update-declared").await), ["id"]);
    let locked = describe(&function, "locked").await["error"].take();
    assert_eq!(locked["errorType"], "Query.Transient", "{locked}");
    harness.execute("ROLLBACK").await;
    assert_eq!(names(&describe(&function, "locked").await), ["id"]);
    assert_eq!(function.ok(ITEMS).await["row_count"], 3, "nothing was run");
}
