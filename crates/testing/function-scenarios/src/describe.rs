//! The description of a function's statements.

use engine::Engine;
use function_harness::event::ITEMS;
use function_harness::{Deployed, Harness, borrowed};
use serde_json::{Value, json};

use crate::type_table;

/// Asks for the description.
const EVENT: &str = r#"{"describe":true}"#;

/// The entry of a statement.
fn entry<'a>(description: &'a Value, name: &str) -> &'a Value {
    let statements = description["statements"].as_array().unwrap();
    let found = statements.iter().find(|entry| entry["name"] == name);
    found.unwrap_or_else(|| panic!("no entry {name}: {description:#}"))
}

async fn describe(function: &Deployed<'_>) -> Value {
    function.ok(EVENT).await["describe"].take()
}

/// Every statement has an entry: with its words, options, parameters, columns and schedules, or with what
/// is wrong and where. The session is afterwards like a new one, and nothing was run.
pub async fn statements(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let postgres = engine == Engine::Postgres;
    let [one, two] = if postgres { ["$1", "$2"] } else { ["?", "?"] };
    let files = [
        (
            "purge",
            format!(
                "-- Removes old items.\n-- mode: write\n-- timeout: 30s\n-- max_rows: 5\n-- exclusive: true\n\
                 -- param: above int only items\n--   and this\n-- param: name text?\n\
                 -- schedule: cron(0 4 * * ? *) Europe/Berlin\n-- params: {{\"above\": 3, \"name\": null}}\n\
                 -- schedule: rate(1 day)\n-- params: [4, \"x\"]\n\
                 DELETE FROM items WHERE id > {one} AND name = {two}"
            ),
        ),
        ("by-id", format!("SELECT name FROM items WHERE id = {one}")),
        ("bad", "-- a comment\n-- shedule: rate(1 day)\nSELECT 1".to_owned()),
        ("missing", "-- a comment\n\nSELECT *\nFROM no_such_table".to_owned()),
        ("no-column", "SELECT id,\n  nmae\nFROM items".to_owned()),
        ("typing", "SELECT id\nFROM items\nWHER id = 1".to_owned()),
        ("twice", "SELECT id, id FROM items".to_owned()),
        ("undeclared", format!("-- a comment\nDELETE FROM items\nWHERE id = {one}")),
        ("undeclared-table", "CREATE TABLE made (id INT)".to_owned()),
        ("closed", "SELECT * FROM other.closed".to_owned()),
        ("sets", "-- mode: write\nSET @v = 1".replace("@v", if postgres { "app.v" } else { "@v" })),
        ("procedure", format!("-- mode: write\nCALL counted({one})")),
        ("makes", "-- mode: write\nCREATE TABLE made (id INT)".to_owned()),
    ];
    harness
        .execute(match engine {
            Engine::Postgres => {
                "CREATE PROCEDURE counted(n INT) LANGUAGE sql AS 'DELETE FROM items'"
            }
            _ => "CREATE PROCEDURE app.counted(n INT) BEGIN DELETE FROM app.items; SELECT n; END",
        })
        .await;
    harness
        .execute(match engine {
            Engine::Postgres => {
                "CREATE SCHEMA other; CREATE TABLE other.closed (id INT); \
                 GRANT USAGE ON SCHEMA other TO lambda_user; REVOKE ALL ON other.closed FROM lambda_user"
            }
            _ => "CREATE DATABASE other; CREATE TABLE other.closed (id INT)",
        })
        .await;
    let function = harness.deploy_with(&[], &borrowed(&files)).await;
    let description = describe(&function).await;
    let statements = description["statements"].as_array().unwrap();
    let names: Vec<_> = statements.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert!(
        names.is_sorted() && names.contains(&"items") && names.len() >= files.len(),
        "{names:?}"
    );
    let title = engine.title();
    assert!(description["server"].as_str().unwrap().starts_with(title), "{description:#}");
    assert_eq!(description["engine"], if postgres { "postgres" } else { "mysql" });

    let purge = entry(&description, "purge");
    let whole = json!({"type": ["integer", "string"], "minimum": i64::MIN, "maximum": u64::MAX,
        "pattern": "^-?[0-9]{1,18}$"});
    let (int, text) = if postgres { ("int4", "varchar") } else { ("int", "text?") };
    let text = if postgres { "text" } else { text };
    let mut expected = json!({
        "name": "purge", "description": "Removes old items.\nand this", "mode": "write",
        "exclusive": true, "timeout_ms": 30000, "max_rows": 5, "columns": [],
        "params": [
            {"name": "above", "type": int, "description": "only items", "schema": whole},
            {"name": "name", "type": text, "schema": {"type": ["string", "null"]}},
        ],
        "schedules": [
            {"expression": "cron(0 4 * * ? *)", "timezone": "Europe/Berlin",
                "params": {"above": 3, "name": null}},
            {"expression": "rate(1 day)", "timezone": "UTC", "params": [4, "x"]},
        ],
    });
    // PostgreSQL may infer either of its types for text.
    if purge["params"][1]["type"] == "varchar" {
        expected["params"][1]["type"] = json!("varchar");
    }
    assert_eq!(purge, &expected);

    let by_id = entry(&description, "by-id");
    assert_eq!(by_id["mode"], "read");
    let name = json!([{"name": "name", "type": "varchar", "schema": {"type": ["string", "null"]}}]);
    assert_eq!(by_id["columns"], name);
    assert_eq!(by_id["params"][0]["name"], Value::Null);
    assert_eq!(by_id["params"][0]["type"], if postgres { "int4" } else { "unknown" });
    assert_eq!(entry(&description, "sets")["columns"], json!([]));
    assert_eq!(entry(&description, "makes")["columns"], json!([]));
    let procedure = entry(&description, "procedure");
    assert_eq!(procedure["columns"], if postgres { json!([]) } else { Value::Null }, "{procedure}");

    for (name, error_type, line, says) in [
        ("bad", "Statement", Some(2), "did you mean schedule?"),
        ("missing", "Query", Some(4), "no_such_table"),
        ("no-column", "Query", Some(2), "nmae"),
        ("typing", "Query", Some(3), ""),
        ("twice", "Statement", None, "the same name"),
        ("undeclared", "Query", Some(2), "-- mode: write"),
        ("undeclared-table", "Query", Some(1), "-- mode: write"),
        ("closed", "Query", None, "GRANT the user the privileges"),
    ] {
        let error = &entry(&description, name)["error"];
        assert_eq!(error["errorType"], error_type, "{name}: {error}");
        assert_eq!(error["line"], json!(line), "{name}: {error}");
        assert!(error["message"].as_str().unwrap().contains(says), "{name}: {error}");
        assert!(error["message"].as_str().unwrap().contains("What to do"), "{name}: {error}");
    }
    assert_eq!(function.ok(ITEMS).await["row_count"], 3, "nothing was run");
    // What is told is true.
    for (name, params) in [("undeclared", "[1]"), ("undeclared-table", "[]"), ("closed", "[]")] {
        function.fails(&format!(r#"{{"statement":"{name}","params":{params}}}"#), "Query").await;
    }
    function.fails(r#"{"describe":false}"#, "Event").await;
}

/// A description changes nothing of the session, holds no lock, and does not wait long for a table that
/// another session has locked.
pub async fn leaves_nothing(engine: Engine, bootstrap: &str) {
    Harness::on_both_profiles(engine, bootstrap, leaves_nothing_on).await;
}

async fn leaves_nothing_on(harness: Harness) {
    let engine = harness.server.engine();
    let state = match engine {
        Engine::Postgres => {
            "SELECT current_setting('lock_timeout') AS a, current_setting('statement_timeout') AS b, \
             current_setting('default_transaction_read_only') AS c, current_setting('search_path') AS d"
        }
        Engine::MySql => {
            "SELECT @@session.max_execution_time AS a, @@session.sql_mode AS b, \
             @@session.transaction_read_only AS c, @@session.autocommit AS d"
        }
        Engine::MariaDb => {
            "SELECT @@session.max_statement_time AS a, @@session.sql_mode AS b, \
             @@session.tx_read_only AS c, @@session.autocommit AS d"
        }
    };
    let call = match engine {
        Engine::Postgres => "-- mode: write\nINSERT INTO items VALUES ($1, $2)",
        _ => "-- mode: write\nINSERT INTO items VALUES (?, ?)",
    };
    let files =
        [("state", state), ("writes", call), ("zz-last", "-- mode: write\nDELETE FROM items")];
    let function = harness.deploy_with(&[], &files).await;
    let session = r#"{"statement":"state"}"#;
    let before = function.ok(session).await["rows"].take();
    let first = describe(&function).await;
    let response = function.ok(session).await;
    assert_eq!(response["rows"], before);
    assert_eq!(response["connection"]["reused"], true, "the connection is good for the next event");
    assert_eq!(describe(&function).await, first, "it is the same each time");
    assert_eq!(harness.connections().await, 1);

    // No lock on the table is left: it can be changed at once.
    let items = if engine == Engine::Postgres { "items" } else { "app.items" };
    let limit = match engine {
        Engine::Postgres => "SET lock_timeout = '2s'",
        _ => "SET SESSION lock_wait_timeout = 2",
    };
    harness.execute(&format!("{limit}; ALTER TABLE {items} ADD COLUMN note VARCHAR(5)")).await;
    // A change since the last description is seen.
    let files = [("every", "SELECT * FROM items")];
    let second = harness.deploy_with(&[], &files).await;
    let columns = entry(&describe(&second).await, "every")["columns"].clone();
    assert_eq!(columns[2]["name"], "note");
    harness.execute(&format!("ALTER TABLE {items} DROP COLUMN note")).await;
    let columns = entry(&describe(&second).await, "every")["columns"].clone();
    assert_eq!(columns.as_array().unwrap().len(), 2, "{columns}");
}

/// What a description says of columns is true of rows: for every type of docs/TYPES.md, and for
/// expressions whose type depends on a parameter.
pub async fn true_schemas(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let lines = type_table::make_tables(&harness).await;
    let mut files: Vec<(String, String)> =
        (0..lines).map(|at| (format!("line_{at}"), format!("SELECT v FROM line_{at}"))).collect();
    let postgres = engine == Engine::Postgres;
    let echoes: &[&str] = if postgres {
        &["$1::text", "$1::numeric + 1", "$1", "coalesce($1, 'x')"]
    } else {
        &[
            "?",
            "? + 1",
            "id + ?",
            "COALESCE(?, 1)",
            "COALESCE(name, ?)",
            "IF(id = 1, ?, NULL)",
            "-?",
        ]
    };
    for (at, echo) in echoes.iter().enumerate() {
        files.push((format!("echo_{at}"), format!("SELECT {echo} AS v FROM items")));
        let declared = if postgres {
            vec!["text"]
        } else {
            vec!["int", "number", "text?", "timestamp", "base64"]
        };
        for of in declared.into_iter().filter(|_| !postgres || !echo.contains("numeric")) {
            let sql = format!("-- param: p {of}\nSELECT {echo} AS v FROM items");
            files.push((format!("echo_{at}_{}", of.trim_end_matches('?')), sql));
        }
    }
    files.push(("functions".into(), if postgres {
        "SELECT count(*) AS c, sum(id) AS s, avg(id) AS a, max(name) AS m, now() AS n, NULL AS nothing, \
         array_agg(id) AS ids, row_to_json(items) AS r, id = 1 AS is_first, ARRAY[]::int4[] AS none, \
         interval '1 day' AS i FROM items GROUP BY items, id".into()
    } else {
        "SELECT COUNT(*) AS c, SUM(id) AS s, AVG(id) AS a, MAX(name) AS m, NOW(6) AS n, NULL AS nothing, \
         GROUP_CONCAT(id) AS ids, JSON_OBJECT('id', MAX(id)) AS r, MAX(id) = 1 AS is_first, \
         TIMEDIFF(NOW(), NOW()) AS i, UNHEX('00') AS x, CURDATE() AS d, RAND() AS f FROM items".into()
    }));
    let settings = [("AWS_LAMBDA_LOG_LEVEL", "WARN")];
    let function = harness.deploy_with(&settings, &borrowed(&files)).await;
    let description = describe(&function).await;
    let mut wrong = vec![];
    let mut rows = 0;
    for (name, _) in &files {
        let entry = entry(&description, name);
        if !entry["error"].is_null() {
            wrong.push(format!("{name}: {}", entry["error"]));
            continue;
        }
        for params in params_for(name) {
            let event = json!({"statement": name, "params": params}).to_string();
            let Ok(response) = function.invoke(&event).await else { continue };
            let columns = entry["columns"].as_array().unwrap();
            for (at, column) in columns.iter().enumerate() {
                let (is, told) = (&response["columns"][at]["type"], &column["type"]);
                let long_or_short = name.starts_with("echo");
                if is != told && told != "unknown" && !long_or_short {
                    wrong.push(format!("{name}: column of type {is}, not {told}"));
                }
                let schema = jsonschema::draft202012::new(&column["schema"]).unwrap();
                for row in response["rows"].as_array().unwrap() {
                    let value = &row[column["name"].as_str().unwrap()];
                    rows += 1;
                    if !schema.is_valid(value) {
                        wrong.push(format!("{name} {params}: {value} by {}", column["schema"]));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{engine}:\n{}", wrong.join("\n"));
    assert!(rows > lines + 10, "{rows} values were checked");
    // What is not anything, for most types.
    let open = (0..lines).filter(|at| {
        let columns = &entry(&description, &format!("line_{at}"))["columns"];
        columns[0]["schema"] == json!({}) || columns[0]["type"] == "unknown"
    });
    assert!(open.count() <= 3, "only JSON may be anything");
}

/// Parameters for a statement of [`true_schemas`], of which some fit.
fn params_for(name: &str) -> Vec<Value> {
    if !name.starts_with("echo") {
        return vec![json!([])];
    }
    let values = json!([
        null,
        true,
        1,
        -7,
        9007199254740993_u64,
        u64::MAX,
        1.5,
        1e300,
        "a",
        "1",
        "AP8=",
        "2026-03-22T18:59:43Z",
        "2026-03-22T18:59:43.25+01:00",
        ""
    ]);
    let values = values.as_array().unwrap().iter();
    values.map(|value| json!([value])).collect()
}
