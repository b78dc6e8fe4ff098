//! Values go in and come out unchanged.

use engine::Engine;
use function_harness::Harness;
use local_rds::Server;
use serde_json::{Value, json};

/// A parameter of each JSON type reaches the server as it was sent.
pub async fn parameters(engine: Engine, bootstrap: &str) {
    Harness::on_both_endpoints(engine, bootstrap, parameters_on).await;
}

async fn parameters_on(harness: Harness) {
    let engine = harness.server.engine();
    // Text of the value as the server sees it, whatever its type.
    let echo = match engine {
        Engine::Postgres => "SELECT $1::text AS echo",
        Engine::MySql | Engine::MariaDb => "SELECT CAST(? AS CHAR) AS echo",
    };
    let sum = match engine {
        Engine::Postgres => "SELECT $1::numeric + $2::int4 AS sum",
        Engine::MySql | Engine::MariaDb => {
            "SELECT CAST(CAST(? AS DECIMAL(40,10)) + ? AS DECIMAL(40,10)) AS sum"
        }
    };
    let function = harness.deploy_with(&[], &[("echo", echo), ("sum", sum)]).await;
    let boolean = if engine == Engine::Postgres { "true" } else { "1" };
    for (param, seen) in [
        ("null", Value::Null),
        ("true", json!(boolean)),
        ("-7", json!("-7")),
        ("9007199254740993", json!("9007199254740993")),
        ("18446744073709551615", json!("18446744073709551615")),
        ("0.10", json!("0.10")),
        (r#""it's \"q\" \\ \u0001 😀 é  ""#, json!("it's \"q\" \\ \u{1} 😀 é  ")),
        (r#""""#, json!("")),
    ] {
        let event = format!(r#"{{"statement":"echo","params":[{param}]}}"#);
        assert_eq!(function.ok(&event).await["rows"][0]["echo"], seen, "{param}");
    }
    let event = r#"{"statement":"sum","params":[12345678901234567890.0123456789,1]}"#;
    let sum = &function.ok(event).await["rows"][0]["sum"];
    assert_eq!(*sum, json!("12345678901234567891.0123456789"));
}

/// Columns of common types, with values that a careless reader would change.
pub async fn columns(engine: Engine, bootstrap: &str) {
    Harness::on_both_endpoints(engine, bootstrap, columns_on).await;
}

async fn columns_on(harness: Harness) {
    let engine = harness.server.engine();
    let (sql, row) = match engine {
        Engine::Postgres => (
            "SELECT 9007199254740993::int8 AS big, 1.10::numeric AS exact, 'NaN'::float8 AS nan, \
             '\\x00ff'::bytea AS bytes, true AS yes, NULL::int AS nothing, \
             DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:34:56.789' AS local, \
             TIMESTAMPTZ '2024-02-29 12:34:56+02' AS instant, TIME '23:59:59.5' AS clock, \
             '00112233-4455-6677-8899-aabbccddeeff'::uuid AS id, \
             '{\"n\": 1.000000000000000000001}'::json AS document, 'x'::char(3) AS padded",
            json!({"big": "9007199254740993", "exact": "1.10", "nan": "NaN", "bytes": "AP8=",
                "yes": true, "nothing": null, "day": "2024-02-29",
                "local": "2024-02-29T12:34:56.789", "instant": "2024-02-29T10:34:56Z",
                "clock": "23:59:59.5", "id": "00112233-4455-6677-8899-aabbccddeeff",
                "document": {"n": 1.0}, "padded": "x  "}),
        ),
        Engine::MySql | Engine::MariaDb => (
            "SELECT 9007199254740993 AS big, 18446744073709551615 AS biggest, 1.10 AS exact, \
             UNHEX('00ff') AS bytes, NULL AS nothing, DATE '2024-02-29' AS day, \
             TIMESTAMP '2024-02-29 12:34:56.789' AS local, TIME '-101:00:00.5' AS clock, \
             b'101' + 0 AS bits, 0.1e0 AS approximate, 'é😀' AS text",
            json!({"big": "9007199254740993", "biggest": "18446744073709551615", "exact": "1.10",
                "bytes": "AP8=", "nothing": null, "day": "2024-02-29",
                "local": "2024-02-29T12:34:56.789", "clock": "-101:00:00.5", "bits": 5,
                "approximate": 0.1, "text": "é😀"}),
        ),
    };
    let function = harness.deploy_with(&[], &[("columns", sql)]).await;
    assert_eq!(function.ok(r#"{"statement":"columns"}"#).await["rows"], json!([row]));
}

/// The error for a value that the server cannot parse names the parameter or column, and the type.
pub async fn unparsable(engine: Engine, bootstrap: &str) {
    let table = "CREATE TABLE typed (n INT, d DATE);";
    let harness = Harness::with_tables(Server::builder(engine), table, bootstrap).await;
    let values = if engine == Engine::Postgres { "$1, $2" } else { "?, ?" };
    let put = format!("-- mode: write\nINSERT INTO typed VALUES ({values})");
    let function = harness.deploy_with(&[], &[("put", &put)]).await;
    for (params, of_mysql, of_postgres) in [
        (r#"["one", "2024-02-29"]"#, ["integer", "'n'"], ["integer", "parameter 1"]),
        (r#"[1, "2024-02-30"]"#, ["date", "'d'"], ["date", "parameter 2"]),
        (r#"[99999999999, null]"#, ["Out of range", "'n'"], ["integer", "parameter 1"]),
    ] {
        let event = format!(r#"{{"statement":"put","params":{params}}}"#);
        let message = function.fails(&event, "Query").await.replace("`app`.`typed`.`n`", "'n'");
        let message = message.replace("`app`.`typed`.`d`", "'d'");
        for says in if engine == Engine::Postgres { of_postgres } else { of_mysql } {
            assert!(message.contains(says), "{params}: {message}");
        }
    }
    // PostgreSQL would read this array's text as a date.
    let event = r#"{"statement":"put","params":[1, ["2024-02-29"]]}"#;
    let message = function.fails(event, "Statement").await;
    assert!(message.contains("parameter 2"), "{message}");
}
