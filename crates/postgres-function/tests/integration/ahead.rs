//! The first read of a connection, which runs in the flight of its preparation.

use engine::Engine;
use function_harness::Harness;
use function_harness::event::call;
use local_rds::Server;
use serde_json::json;

const TABLES: &str = "\
    CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN percent AS NUMERIC CHECK (VALUE <= 100); \
    CREATE SEQUENCE runs; GRANT ALL ON SEQUENCE runs TO PUBLIC;";

/// Types that the driver asks the server for, while the rows wait: a few, more than its own buffers
/// hold, and more than the function keeps. And types that only the server converts to text.
pub(crate) async fn types(engine: Engine, bootstrap: &str) {
    let harness = Harness::with_tables(Server::builder(engine), TABLES, bootstrap).await;
    let few = "SELECT 'ok'::mood AS m, 7::percent AS p, ARRAY['sad'::mood] AS a";
    let many = "-- max_rows: 100000\n\
                SELECT 'ok'::mood AS m, i FROM generate_series(1, 100000) AS i";
    // More than 6 MB in binary, less in JSON.
    let wide = "-- max_rows: 300000\n\
                SELECT 'ok'::mood AS m, 1 AS a, 2 AS b FROM generate_series(1, 200000)";
    let asks = "SELECT 'ok'::mood AS m, '1 day'::interval AS i, '10.0.0.0/8'::cidr AS c";
    let files = [("few", few), ("many", many), ("wide", wide), ("asks", asks)];
    for (name, count, first) in [
        ("few", 1, json!({"m": "ok", "p": "7", "a": ["sad"]})),
        ("many", 100_000, json!({"m": "ok", "i": 1})),
        ("wide", 200_000, json!({"m": "ok", "a": 1, "b": 2})),
        ("asks", 1, json!({"m": "ok", "i": "1 day", "c": "10.0.0.0/8"})),
    ] {
        let function = harness.deploy_with(&[], &files).await;
        for _ in 0..2 {
            let response = function.ok(&call(name)).await;
            assert_eq!(response["row_count"], count, "{name}");
            assert_eq!(response["rows"][0], first, "{name}");
        }
        let new = function.logs().matches(r#""reused":false"#).count();
        assert_eq!(new, 1, "{name}: {}", function.logs());
    }
}

/// A statement that is refused, by the server or for its columns, is refused as on a connection that was
/// used, and the next event gets its own answer.
pub(crate) async fn refused(engine: Engine, bootstrap: &str) {
    let harness = Harness::with_tables(Server::builder(engine), TABLES, bootstrap).await;
    let files = [
        ("wrong", "SELECT 1 AS one\nFRM items"),
        ("missing", "SELECT * FROM nowhere"),
        ("twice", "SELECT 1 AS a, 2 AS a"),
        ("parameters", "SELECT $1::int AS a"),
        ("fails", "SELECT 1 / 0 AS n"),
        ("writes", "SELECT nextval('runs') AS n"),
        ("slow", "SELECT 1 AS a, 2 AS a, pg_sleep(20)::text AS s"),
        ("two", "SELECT 2 AS n"),
    ];
    for (name, _) in files.iter().take(files.len() - 1) {
        let first = harness.deploy_with(&[], &files).await;
        let refused = first.invoke(&call(name)).await.unwrap_err();
        assert_eq!(first.ok(&call("two")).await["rows"], json!([{"n": 2}]), "{name}");
        // Now the connection is used.
        assert_eq!(first.invoke(&call(name)).await.unwrap_err(), refused, "{name}");
        assert_eq!(first.ok(&call("two")).await["rows"], json!([{"n": 2}]), "{name}");
    }
}

/// A first read that takes too long is canceled on the server, while the driver asks for types, too.
pub(crate) async fn too_long(engine: Engine, bootstrap: &str) {
    let harness = Harness::with_tables(Server::builder(engine), TABLES, bootstrap).await;
    for (name, sql) in [
        ("known", "-- timeout: 1s\nSELECT pg_sleep(30)::text AS s"),
        ("asked", "-- timeout: 1s\nSELECT 'ok'::mood AS m, pg_sleep(30)::text AS s"),
    ] {
        let function = harness.deploy_with(&[], &[(name, sql), ("two", "SELECT 2 AS n")]).await;
        let message = function.fails(&call(name), "Timeout").await;
        assert!(message.contains(&format!("statement {name:?}")), "{message}");
        assert_eq!(harness.running("pg_sleep").await, 0, "{message}");
        assert_eq!(function.ok(&call("two")).await["rows"], json!([{"n": 2}]));
    }
}
