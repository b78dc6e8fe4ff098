//! What MySQL and MariaDB say of statements that are not only about rows.

use engine::Engine;
use function_harness::event::{ITEMS, call};
use function_harness::{Deployed, Harness, until};
use local_rds::Server;
use serde_json::{Value, json};

const EVENT: &str = r#"{"describe":true}"#;

async fn describe(function: &Deployed<'_>, name: &str) -> Value {
    let answer = function.ok(EVENT).await;
    let statements = answer["describe"]["statements"].as_array().unwrap();
    statements.iter().find(|entry| entry["name"] == name).unwrap().clone()
}

/// A statement that runs has no error, even if the server cannot prepare it, or takes no placeholder where
/// it takes a value.
pub(crate) async fn others(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "CREATE PROCEDURE app.two() BEGIN SELECT 1 AS one; SELECT 2 AS two; END; \
             GRANT RELOAD ON *.* TO 'lambda-user'@'%'",
        )
        .await;
    let statements = [
        ("call", "-- mode: write\nCALL two()", None, "[]"),
        ("show", "SHOW TABLES", None, "[]"),
        ("auto", "-- mode: write\nALTER TABLE spare AUTO_INCREMENT = ?", Some(json!([])), "[5]"),
        ("explain", "EXPLAIN SELECT * FROM items WHERE id = ?", None, "[1]"),
        ("check", "-- mode: write\nCHECK TABLE items", None, "[]"),
        ("flush", "-- mode: write\nFLUSH STATUS", Some(json!([])), "[]"),
        ("lock", "-- mode: write\nUNLOCK TABLES", None, "[]"),
        ("variable", "-- mode: write\nSET @a = ?", Some(json!([])), "[1]"),
        ("truncate", "-- mode: write\nTRUNCATE TABLE app.spare", Some(json!([])), "[]"),
        ("into", "-- mode: write\nSELECT id INTO @a FROM items LIMIT 1", Some(json!([])), "[]"),
        ("limit", "SELECT id FROM items LIMIT ?", Some(json!(["id"])), "[1]"),
        ("union", "(SELECT id FROM items) UNION SELECT 7", Some(json!(["id"])), "[]"),
        ("document", "SELECT JSON_EXTRACT(?, '$.a') AS a", Some(json!(["a"])), r#"["{}"]"#),
        ("quoted", "SELECT 5-'1:a' AS n", None, "[]"),
    ];
    harness
        .execute("CREATE TABLE app.spare (id INT); GRANT ALL ON app.* TO 'lambda-user'@'%'")
        .await;
    let files = statements.clone().map(|(name, sql, ..)| (name, sql));
    let function = harness.deploy_with(&[], &files).await;
    for (name, sql, columns, params) in statements {
        function.ok(&format!(r#"{{"statement":"{name}","params":{params}}}"#)).await;
        let entry = describe(&function, name).await;
        assert_eq!(entry["error"], Value::Null, "{sql}: {entry}");
        let names = entry["columns"]
            .as_array()
            .map(|columns| Value::from_iter(columns.iter().map(|column| column["name"].clone())));
        assert_eq!(names, columns, "{sql}: {entry}");
    }
}

/// A conditional comment is a part of the statement on the servers that execute it.
pub(crate) async fn conditional(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute("CREATE PROCEDURE app.p() BEGIN SELECT 1 AS one; END").await;
    let statements = [
        ("both", "SELECT id /*!50000 , name */ FROM items"),
        ("one", "SELECT id /*M! , name */ FROM items"),
        ("other", "-- mode: write\n/*M! CALL p() */ /*!80000 SELECT id FROM items */"),
        ("param", "SELECT id FROM items /*!50000 WHERE id = ? */"),
    ];
    let function = harness.deploy_with(&[], &statements[..2]).await;
    for (name, count) in [("both", 2), ("one", if engine == Engine::MariaDb { 2 } else { 1 })] {
        let entry = describe(&function, name).await;
        let told = entry["columns"].as_array().unwrap().len();
        let is = function.ok(&call(name)).await["columns"].as_array().unwrap().len();
        assert_eq!((told, is), (count, count), "{name}: {entry}");
    }
    let function = harness.deploy_with(&[], &statements[2..]).await;
    let entry = describe(&function, "param").await;
    assert_eq!(entry["params"].as_array().unwrap().len(), 1, "{entry}");
    // Which of the two it is depends on the server, and nothing is claimed that may be wrong.
    let entry = describe(&function, "other").await;
    assert!(entry["columns"].is_null() && entry["error"].is_null(), "{entry}");
    assert_eq!(entry["description"], "");
    function.ok(&call("other")).await;
}

/// The type of a column that depends on a parameter or a variable is not told, and that of others is.
pub(crate) async fn untold(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let statements = [
        ("any", "SELECT ? AS v, id, UPPER(?) AS u FROM items"),
        ("int", "-- param: n int\nSELECT ? AS v FROM items"),
        ("bytes", "-- param: b base64\nSELECT ? AS v FROM items"),
        ("at", "-- param: at timestamp\nSELECT ? AS v FROM items"),
        ("variable", "-- mode: write\nSELECT @a AS v, id FROM items"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let columns = async |name: &str| {
        let entry = describe(&function, name).await;
        let columns = entry["columns"].as_array().unwrap().clone();
        columns.into_iter().map(|mut column| (column["type"].take(), column["schema"].take()))
    };
    let mut any = columns("any").await;
    assert_eq!(any.next().unwrap(), (json!("unknown"), json!({})));
    assert_eq!(any.next().unwrap(), (json!("int"), json!({"type": ["integer", "null"]})));
    let (_, int) = columns("int").await.next().unwrap();
    assert_eq!(int["type"], json!(["integer", "string", "null"]));
    let (_, bytes) = columns("bytes").await.next().unwrap();
    assert_eq!(bytes["contentEncoding"], "base64");
    let (at, schema) = columns("at").await.next().unwrap();
    assert_eq!(at, "datetime", "{schema}");
    let mut variable = columns("variable").await;
    assert_eq!(variable.next().unwrap(), (json!("unknown"), json!({})));
    assert_eq!(variable.next().unwrap().0, "int");
}

/// Through an RDS Proxy, which a prepared statement pins, the connection is not used again.
pub(crate) async fn proxied(engine: Engine, bootstrap: &str) {
    let server =
        Server::builder(engine).named("app.proxy-abc123def456.eu-west-1.rds.amazonaws.com");
    let harness = Harness::with(server, bootstrap).await;
    let function = harness.deploy(&[]).await;
    for _ in 0..2 {
        let items = describe(&function, "items").await;
        assert_eq!(items["columns"].as_array().unwrap().len(), 2);
        assert_eq!(function.ok(ITEMS).await["connection"]["reused"], false);
        assert_eq!(function.ok(ITEMS).await["connection"]["reused"], true);
    }
}

/// A table that another session is changing delays the description by a second, and the session is
/// afterwards like a new one.
pub(crate) async fn locked(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute("CREATE TABLE app.held (id INT); GRANT ALL ON app.* TO 'lambda-user'@'%'")
        .await;
    let held = "SELECT id FROM held";
    let files = [
        ("a", held),
        ("b", held),
        ("c", "-- mode: write\nINSERT INTO held VALUES (?)"),
        ("wait", "SELECT @@session.lock_wait_timeout = @@global.lock_wait_timeout AS same"),
        ("change", "-- mode: write\nALTER TABLE held ADD COLUMN n INT"),
    ];
    let function = harness.deploy_with(&[], &files).await;
    let other = harness.deploy_with(&[], &files).await;
    // The change waits for this transaction, and everybody else waits for the change.
    harness.execute("START TRANSACTION; SELECT * FROM app.held").await;
    let describing = async {
        until("the table is being changed", async || harness.running("ALTER TABLE").await > 0)
            .await;
        let answer = function.ok(EVENT).await;
        let same = function.ok(&call("wait")).await;
        harness.execute("ROLLBACK").await;
        (answer, same)
    };
    let changing = call("change");
    let ((answer, same), changed) = tokio::join!(describing, other.invoke(&changing));
    assert!(changed.is_ok(), "{changed:?}");
    let statements = answer["describe"]["statements"].as_array().unwrap();
    let errors = statements.iter().filter(|entry| entry["error"]["errorType"] == "Query.Transient");
    let errors: Vec<_> = errors.map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(errors, ["a", "b", "c"], "{answer:#}");
    assert_eq!(
        (&same["connection"]["reused"], &same["rows"][0]["same"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(describe(&function, "a").await["columns"][0]["name"], "id");
}
