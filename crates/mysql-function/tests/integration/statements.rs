//! Statements, parameters and results of MySQL and MariaDB.

use engine::Engine;
use function_harness::event::{ITEMS, call};
use function_harness::{Harness, borrowed, until};
use local_rds::Server;
use serde_json::{Value, json};
use std::time::Duration;

/// Text from a document, a variable or a CAST can be compared with a column.
pub(crate) async fn collations(engine: Engine, bootstrap: &str) {
    Harness::on_both_profiles(engine, bootstrap, collations_on).await;
}

async fn collations_on(harness: Harness) {
    // MariaDB changed the collation of tables, and not that of documents.
    let is_apart = harness.server.engine() == Engine::MariaDb && harness.is_since("11.5");
    let collate = if is_apart { "COLLATE utf8mb4_uca1400_ai_ci " } else { "" };
    let table = format!(
        "SELECT i.id FROM items i JOIN JSON_TABLE(?, '$[*]' COLUMNS (name VARCHAR(100) {collate}PATH '$')) \
         t ON i.name = t.name"
    );
    let statements = [
        ("table", &*table),
        ("cast", "SELECT id FROM items WHERE name = CAST(? AS CHAR)"),
        ("variable", "SELECT id FROM items, (SELECT @a := ?) v WHERE name = @a"),
        ("like", "SELECT id FROM items WHERE name LIKE CONCAT(?, '%')"),
        ("in", "SELECT id FROM items WHERE name IN (?, 'x') OR LOWER(name) = UPPER(?)"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for (name, params) in [
        ("table", r#"["[\"first\"]"]"#),
        ("cast", r#"["first"]"#),
        ("variable", r#"["first"]"#),
        ("like", r#"["fir"]"#),
        ("in", r#"["first","none"]"#),
    ] {
        let event = format!(r#"{{"statement":"{name}","params":{params}}}"#);
        assert_eq!(function.ok(&event).await["rows"], json!([{"id": 1}]), "{name}");
    }
}

/// A result that is too large, and would take hours, is ended on the server too, over one connection.
pub(crate) async fn ended(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute("CREATE TABLE app.n (n INT); INSERT INTO app.n VALUES (0), (1)").await;
    for _ in 0..8 {
        harness.execute("INSERT INTO app.n SELECT n FROM app.n LIMIT 100").await;
    }
    let many = "-- max_rows: 10\nSELECT a.n, b.n AS o, c.n AS p, d.n AS q FROM n a, n b, n c, n d";
    // Much less than hours, and long enough for the first rows on a busy machine.
    let patience = Duration::from_secs(120);
    let function = harness.deploy_limited(patience, &[], &[("many", many)]).await;
    for _ in 0..3 {
        function.fails(&call("many"), "ResultTooLarge").await;
        until("it ended on the server", async || harness.connections().await == 0).await;
    }
}

/// FLOAT keeps all its digits, in the first event and in later ones, alone and in a transaction.
pub(crate) async fn floats(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute("CREATE TABLE app.f (f FLOAT); INSERT INTO app.f VALUES (1234567.8), (0.1)")
        .await;
    let statements = [("f", "SELECT f FROM f"), ("few", "-- max_rows: 1\nSELECT f FROM f")];
    let function = harness.deploy_with(&[], &statements).await;
    let rows = json!([{"f": 1234567.8}, {"f": 0.1}]);
    function.fails(&call("few"), "ResultTooLarge").await;
    for _ in 0..3 {
        assert_eq!(function.ok(&call("f")).await["rows"], rows);
    }
    let function = harness.deploy_with(&[], &statements).await;
    let transaction = function.ok(&format!(r#"{{"transaction":[{}]}}"#, call("f"))).await;
    assert_eq!(transaction["transaction"][0]["rows"], rows);
}

/// Counts include what the statement itself changed.
pub(crate) async fn counted(engine: Engine, bootstrap: &str) {
    Harness::on_both_profiles(engine, bootstrap, counted_on).await;
}

async fn counted_on(harness: Harness) {
    harness
        .execute(
            "CREATE TABLE app.numbered (id INT AUTO_INCREMENT PRIMARY KEY, n INT); \
         CREATE PROCEDURE app.two() BEGIN SELECT 1 AS a; SELECT 2 AS b, 3 AS c; \
         INSERT INTO numbered (n) VALUES (1), (2); END",
        )
        .await;
    let statements = [
        ("add", "-- mode: write\nINSERT INTO numbered (n) VALUES (?), (?), (?)"),
        ("returning", "-- mode: write\nINSERT INTO numbered (n) VALUES (?), (?) RETURNING id"),
        ("locked", "-- mode: write\nSELECT * FROM items FOR UPDATE"),
        ("none", "-- mode: write\nUPDATE numbered SET n = n"),
        ("two", "-- mode: write\nCALL two()"),
        ("colon", "SELECT 5-'1:a' AS n"),
        ("unnamed", "SELECT ?, UPPER(?)"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let of = |response: &Value| {
        (response["rows_affected"].as_u64(), response["last_insert_id"].as_u64())
    };
    let added = function.ok(r#"{"statement":"add","params":[1,2,3]}"#).await;
    assert_eq!(of(&added), (Some(3), Some(1)));
    assert_eq!(of(&function.ok(ITEMS).await), (Some(0), None));
    assert_eq!(of(&function.ok(&call("locked")).await), (Some(0), None));
    assert_eq!(of(&function.ok(&call("none")).await), (Some(0), None));
    let two = function.ok(&call("two")).await;
    assert_eq!(of(&two).0, Some(2), "{two}");
    assert_eq!(two["rows"], json!([{"a": 1}]));
    assert_eq!(two["more_results"][0]["rows"], json!([{"b": 2, "c": 3}]));
    assert_eq!(two["more_results"].as_array().unwrap().len(), 1);
    assert_eq!(function.ok(&call("colon")).await["rows"][0]["n"], 4.0);
    let unnamed = function.ok(r#"{"statement":"unnamed","params":[7,"it's"]}"#).await;
    assert_eq!(unnamed["rows"], json!([{"?": 7, "UPPER(?)": "IT'S"}]));
    if harness.server.engine() == Engine::MariaDb {
        let returned = function.ok(r#"{"statement":"returning","params":[1,2]}"#).await;
        assert_eq!(of(&returned), (Some(2), None));
        assert_eq!(returned["row_count"], 2);
    }
}

/// A number is the decimal that was sent, in arithmetic, comparison and JSON.
pub(crate) async fn exact(engine: Engine, bootstrap: &str) {
    Harness::on_both_profiles(engine, bootstrap, exact_on).await;
}

async fn exact_on(harness: Harness) {
    harness
        .execute(
            "CREATE TABLE app.acc (id INT, bal DECIMAL(30,2)); \
         INSERT INTO app.acc VALUES (1, 900719925474099312.20), (2, 900719925474099312.30)",
        )
        .await;
    let statements = [
        ("pay", "-- mode: write\nUPDATE acc SET bal = bal + ? WHERE bal = ?"),
        ("acc", "SELECT bal FROM acc ORDER BY id"),
        ("round", "SELECT ROUND(?, 2) AS r"),
        ("json", "SELECT JSON_UNQUOTE(JSON_EXTRACT(JSON_OBJECT('n', ?, 't', ?), '$')) AS j"),
        ("bytes", "SELECT ? = '\\\\' AS same, LENGTH(?) AS length"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let pay = r#"{"statement":"pay","params":[0.10,900719925474099312.20]}"#;
    assert_eq!(function.ok(pay).await["rows_affected"], 1);
    let balances = json!([{"bal": "900719925474099312.30"}, {"bal": "900719925474099312.30"}]);
    assert_eq!(function.ok(&call("acc")).await["rows"], balances);
    let round = function.ok(r#"{"statement":"round","params":[1.005]}"#).await;
    assert_eq!(round["rows"][0]["r"], "1.01");
    let json = function.ok(r#"{"statement":"json","params":[1.5,true]}"#).await;
    let document: Value = serde_json::from_str(json["rows"][0]["j"].as_str().unwrap()).unwrap();
    assert_eq!(document, json!({"n": 1.5, "t": true}));
    let bytes = function.ok(r#"{"statement":"bytes","params":["\\","\u0000'"]}"#).await;
    assert_eq!(bytes["rows"], json!([{"same": 1, "length": 2}]));
    let event = format!(r#"{{"statement":"round","params":[0.{}]}}"#, "1".repeat(40));
    assert!(function.fails(&event, "Statement").await.contains("parameter 1"));
}

/// A statement longer than the server accepts is refused before it is sent.
pub(crate) async fn max_allowed_packet(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).setting("max-allowed-packet", "1M");
    let harness = Harness::with(server, bootstrap).await;
    let function = harness.deploy_with(&[], &[("length", "SELECT LENGTH(?) AS n")]).await;
    let event = |length| format!(r#"{{"statement":"length","params":["{}"]}}"#, "x".repeat(length));
    assert_eq!(function.ok(&event(1 << 19)).await["rows"][0]["n"], 1 << 19);
    let message = function.fails(&event(2 << 20), "Query").await;
    assert!(message.contains("max_allowed_packet of 1048576"), "{message}");
    assert_eq!(function.ok(ITEMS).await["connection"]["reused"], true);
}

/// A file is one statement, and no read writes.
pub(crate) async fn one_statement(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let statements = [
        ("two", "SELECT 1; SET SESSION TRANSACTION READ WRITE; DELETE FROM items"),
        ("two-writes", "-- mode: write\nDELETE FROM items; DELETE FROM items"),
        ("hidden", "SELECT 1 /*! ; SET SESSION TRANSACTION READ WRITE; DELETE FROM items */"),
        // MySQL's answer to preparing it is a packet that no driver reads.
        ("global", "-- mode: write\nSET GLOBAL max_connections = 200"),
        ("tail", "SELECT ';' AS a; -- done; really\n"),
        (
            "procedure",
            "-- mode: write\nCREATE PROCEDURE p() BEGIN DELETE FROM items; SELECT 1; END;",
        ),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for name in ["two", "two-writes", "hidden"] {
        let message = function.fails(&call(name), "Statement").await;
        assert!(message.contains("a file contains only one"), "{message}");
    }
    let message = function.fails(&call("global"), "Query").await;
    assert!(message.contains("1227"), "{message}");
    assert_eq!(function.ok(&call("tail")).await["rows"], json!([{"a": ";"}]));
    function.ok(&call("procedure")).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
}

/// Temporary errors are reported as such, and temporary tables do not commit.
pub(crate) async fn passing(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).setting("innodb-lock-wait-timeout", "1");
    let harness = Harness::with(server, bootstrap).await;
    let statements = [
        ("rename", "-- mode: write\nUPDATE items SET name = ? WHERE id = 1"),
        ("temporary", "-- mode: write\nCREATE TEMPORARY TABLE t (id INT)"),
        ("away", "-- mode: write\nDROP TEMPORARY TABLE t"),
        ("fill", "-- mode: write\nINSERT INTO t VALUES (1)"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    harness.execute("START TRANSACTION; SELECT * FROM app.items FOR UPDATE").await;
    let rename = r#"{"statement":"rename","params":["other"]}"#;
    let message = function.fails(rename, "Query.Transient").await;
    assert!(message.contains("1205") && !message.contains("correct the statement"), "{message}");
    harness.execute("ROLLBACK").await;
    assert_eq!(function.ok(rename).await["rows_affected"], 1);
    let names = ["temporary", "fill", "away"].map(call).join(",");
    function.ok(&format!(r#"{{"transaction":[{rename},{names}]}}"#)).await;
}

/// A diagnosis changes nothing, whatever the server runs to prepare a statement.
pub(crate) async fn prepared(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "SET GLOBAL log_bin_trust_function_creators = 1; USE app; \
         CREATE TABLE app.plain (id INT) ENGINE = MyISAM; \
         CREATE TABLE app.parted (id INT) PARTITION BY HASH (id) PARTITIONS 4; \
         CREATE FUNCTION app.f() RETURNS INT DETERMINISTIC BEGIN \
         INSERT INTO app.items VALUES (99, 'prepared'); RETURN 1; END; \
         CREATE FUNCTION app.g() RETURNS INT DETERMINISTIC BEGIN \
         INSERT INTO app.plain VALUES (99); RETURN 1; END; \
         CREATE VIEW app.v AS SELECT f() AS f; \
         CREATE VIEW app.w AS SELECT g() AS f",
        )
        .await;
    let shapes = [
        ("selects", "SELECT f() AS f"),
        ("where", "SELECT id FROM items WHERE f() = 1"),
        ("derived", "SELECT d.f FROM (SELECT f() AS f UNION ALL SELECT f()) d"),
        ("limited", "SELECT d.f FROM (SELECT f() AS f LIMIT 1) d WHERE d.f = 1"),
        ("scalar", "SELECT id FROM items WHERE id = (SELECT f())"),
        ("in", "SELECT id FROM items WHERE id IN (SELECT f() UNION SELECT 2)"),
        ("common", "WITH c AS (SELECT f() AS f) SELECT a.f FROM c a, c b"),
        ("having", "SELECT f() AS f FROM items GROUP BY f() HAVING f() > 0 ORDER BY f()"),
        ("view", "SELECT f FROM VIEW"),
        ("json", "SELECT JSON_EXTRACT('[1]', CONCAT('$[', f() - 1, ']')) AS j"),
        ("interval", "SELECT DATE_ADD('2020-01-01', INTERVAL f() DAY) AS d, f() LIKE '1' AS l"),
        (
            "table",
            "SELECT t.n FROM JSON_TABLE(CONCAT('[', f(), ']'), '$[*]' COLUMNS (n INT PATH '$')) t",
        ),
        ("pruned", "SELECT id FROM parted WHERE id = f()"),
        ("deletes", "DELETE FROM parted WHERE id = f()"),
        ("updates", "UPDATE parted SET id = 2 WHERE id = f()"),
        ("inserts", "INSERT INTO parted VALUES (f())"),
        ("copies", "INSERT INTO parted SELECT f() FROM items WHERE f() = 1"),
        ("sets", "SET @a = f()"),
        ("does", "DO f()"),
        ("locks", "SELECT GET_LOCK('doctor', 0) AS l"),
    ];
    let mut statements = vec![];
    for (name, sql) in shapes {
        for (suffix, head) in [("", ""), ("-w", "-- mode: write\n")] {
            for (table, function, view) in [("", "f()", "v"), ("-plain", "g()", "w")] {
                let sql = sql.replace("f()", function).replace("VIEW", view);
                statements.push((format!("{name}{table}{suffix}"), format!("{head}{sql}")));
            }
        }
    }
    let borrowed = borrowed(&statements);
    let function = harness.deploy_with(&[], &borrowed).await;
    // A log of every query.
    harness.execute("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON").await;
    let diagnosis = function.ok(r#"{"diagnose":true}"#).await;
    let listed = diagnosis["diagnose"]["steps"][9]["facts"]["statements"].as_array().unwrap();
    assert_eq!(listed.len(), statements.len() + 3, "{diagnosis:#}");
    let described = function.ok(r#"{"describe":true}"#).await;
    assert_eq!(described["describe"]["statements"].as_array().unwrap().len(), listed.len());
    let asked =
        harness.execute("SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log").await;
    let asked: Vec<_> = asked.into_iter().flatten().flatten().collect();
    // Each is prepared in a transaction that is rolled back.
    let asked = asked.join("; ");
    let parts: Vec<_> = asked.split("PREPARE rds_iam FROM").collect();
    assert!(parts.len() > statements.len() / 2, "{asked}");
    assert!(parts[..parts.len() - 1].iter().all(|before| before.contains("; START TRANSACTION;")));
    assert!(parts[1..].iter().all(|after| after.contains("; ROLLBACK")), "{asked}");
    assert_eq!(harness.execute("SELECT id FROM app.items").await.len(), 3, "it wrote");
    assert!(harness.execute("SELECT id FROM app.plain").await.is_empty(), "it wrote");
}
