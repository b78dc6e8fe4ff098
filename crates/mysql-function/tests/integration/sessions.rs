//! What a statement does to its session on MySQL and MariaDB, and what of it the next event meets.

use engine::Engine;
use function_harness::event::{ADD, ITEMS, call};
use function_harness::{Harness, at_random, borrowed};
use local_rds::Server;
use serde_json::json;

/// Statements that change a session: a name, the statement, and whether a reset can undo it on the same
/// connection.
const CHANGES: [(&str, &str, bool); 32] = [
    ("found", "SELECT SQL_CALC_FOUND_ROWS * FROM items LIMIT 1", true),
    ("warns", "DROP TABLE IF EXISTS no_such_table", true),
    ("clock", "SET timestamp = 1", true),
    ("length", "SET SESSION group_concat_max_len = 4", true),
    ("next-id", "SET insert_id = 77", true),
    ("trigger", "INSERT INTO audited (n) VALUES (1)", true),
    ("role", "SET ROLE r", false),
    ("role-none", "SET ROLE NONE", true),
    ("use", "USE other", true),
    ("variable", "SET @a = 5", true),
    ("assign", "SELECT @a := 6 AS a", true),
    ("into", "SELECT 6 INTO @a", true),
    ("function", "SELECT f() AS f", true),
    ("function-in-insert", "INSERT INTO numbered (n) VALUES (f())", true),
    ("mode", "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'", true),
    ("no-autocommit", "SET autocommit = 0", true),
    ("names", "SET NAMES latin1", true),
    ("limit", "SET SESSION sql_select_limit = 1", true),
    ("isolation", "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", true),
    ("one-transaction", "SET TRANSACTION READ WRITE", true),
    ("writable", "SET SESSION TRANSACTION READ WRITE", true),
    ("checks", "SET foreign_key_checks = 0", true),
    ("lock", "SELECT GET_LOCK('mine', 0) AS l", true),
    ("tables", "LOCK TABLES items WRITE", true),
    ("temporary", "CREATE TEMPORARY TABLE items (id INT)", true),
    ("prepared", "PREPARE p FROM 'SELECT 1'", true),
    ("begun", "EXECUTE p2", true),
    ("procedure", "CALL vars()", true),
    ("open", "CALL leave_open()", false),
    ("numbered", "INSERT INTO numbered (n) VALUES (1)", true),
    ("exclusive", "-- exclusive: true\nINSERT INTO numbered (n) VALUES (1)", true),
    ("fails", "INSERT INTO numbered (id) VALUES (0), (f() + 'x')", true),
];

/// Creates what those statements use. Returns them, and a statement that observes the session.
async fn changing(harness: &Harness) -> Vec<(String, String)> {
    harness
        .execute(
            "CREATE ROLE r; GRANT r TO 'lambda-user'@'%'; CREATE DATABASE other; \
         GRANT ALL ON other.* TO 'lambda-user'@'%'; USE app; \
         CREATE PROCEDURE app.vars() BEGIN SET @a = 7; SET SESSION time_zone = '+05:00'; END; \
         CREATE PROCEDURE app.leave_open() BEGIN START TRANSACTION; \
         INSERT INTO app.items VALUES (99, 'held'); END; \
         SET GLOBAL log_bin_trust_function_creators = 1; \
         CREATE FUNCTION app.f() RETURNS INT BEGIN SET @a = 8; RETURN 1; END; \
         CREATE TABLE app.numbered (id INT AUTO_INCREMENT PRIMARY KEY, n INT); \
         CREATE TABLE app.audited (n INT); \
         CREATE TRIGGER app.t BEFORE INSERT ON app.audited FOR EACH ROW SET @a = 9",
        )
        .await;
    let observe = "SELECT CURRENT_ROLE() AS role, DATABASE() AS db, @a AS a, @@sql_mode AS sql_mode, \
                   @@autocommit AS autocommit, @@time_zone AS time_zone, \
                   IS_USED_LOCK('mine') AS held, \
                   FOUND_ROWS() AS found, ROW_COUNT() AS changed, @@warning_count AS warnings, \
                   @@insert_id AS next_id, @@group_concat_max_len AS length, \
                   @@timestamp > 1 AS clock, LAST_INSERT_ID() AS last_id, \
                   @@character_set_results AS results, @@collation_connection AS collation, \
                   @@ISOLATION AS isolation, @@foreign_key_checks AS checks, \
                   @@READ_ONLY AS read_only, \
                   (SELECT COUNT(*) FROM items) AS items";
    let (isolation, read_only) = match harness.server.engine() {
        Engine::MariaDb => ("tx_isolation", "tx_read_only"),
        _ => ("transaction_isolation", "transaction_read_only"),
    };
    let observe = observe.replace("ISOLATION", isolation).replace("READ_ONLY", read_only);
    let mut statements = vec![("observe".to_owned(), observe)];
    let changes = CHANGES.iter();
    statements.extend(
        changes.map(|(name, sql, _)| ((*name).to_owned(), format!("-- mode: write\n{sql}"))),
    );
    statements
}

/// Whatever a statement did to its session, the next event finds what a new environment finds, on the
/// same connection if a reset is enough.
pub(crate) async fn restored(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let statements = changing(&harness).await;
    let statements = borrowed(&statements);
    let fresh =
        harness.deploy_with(&[], &statements).await.ok(&call("observe")).await["rows"].clone();
    assert_eq!(fresh[0]["last_id"], 0, "{fresh}");
    let function = harness.deploy_with(&[], &statements).await;
    function.ok(ITEMS).await;
    for (name, _, kept) in CHANGES {
        let _ = function.invoke(&call(name)).await;
        let seen = function.ok(&call("observe")).await;
        assert_eq!(seen["rows"], fresh, "after {name}");
        assert_eq!(seen["connection"]["reused"], kept, "after {name}");
        assert_eq!(function.ok(ITEMS).await["row_count"], 3, "after {name}");
        // In a transaction, too.
        let event = format!(r#"{{"transaction":[{0},{0}]}}"#, call(name));
        let _ = function.invoke(&event).await;
        assert_eq!(function.ok(&call("observe")).await["rows"], fresh, "after {name} twice");
    }
}

/// After random sequences of such statements, an event observes what a new environment observes, and a
/// write is durable.
pub(crate) async fn sequences(engine: Engine, bootstrap: &str) {
    Harness::on_both_profiles(engine, bootstrap, sequences_on).await;
}

async fn sequences_on(harness: Harness) {
    let statements = changing(&harness).await;
    let statements = borrowed(&statements);
    let fresh =
        harness.deploy_with(&[], &statements).await.ok(&call("observe")).await["rows"].clone();
    let function = harness.deploy_with(&[], &statements).await;
    let names = CHANGES.map(|(name, ..)| name);
    let observe = async |sent: &str| {
        let seen = function.ok(&call("observe")).await;
        assert_eq!(seen["rows"], fresh, "after {sent}");
    };
    let kept = async |id| {
        harness.execute(&format!("DELETE FROM app.items WHERE id = {id} OR id = 99")).await;
        let count = harness.execute("SELECT ROW_COUNT()").await;
        count[0][0].as_deref().unwrap().parse().unwrap()
    };
    at_random(&function, &names, observe, kept).await;
}

/// In a transaction that writes, a statement of mode read cannot write.
pub(crate) async fn reads_among_writes(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "SET GLOBAL log_bin_trust_function_creators = 1; USE app; \
         CREATE FUNCTION app.f() RETURNS INT BEGIN DELETE FROM app.items; RETURN 1; END",
        )
        .await;
    let statements = [
        ("undeclared", "DELETE FROM items"),
        ("calls", "SELECT f() AS f"),
        ("shown", "SHOW TABLES"),
        ("plain", "WITH a AS (SELECT COUNT(*) AS n FROM items) SELECT n, UPPER('a') AS u FROM a"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let add = r#"{"statement":"add-item","params":[4,"four"]}"#;
    for name in ["undeclared", "calls"] {
        let event = format!(r#"{{"transaction":[{add},{}]}}"#, call(name));
        let message = function.fails(&event, "Statement").await;
        assert!(message.contains("-- mode: write"), "{message}");
        function.fails(&call(name), "Query").await;
    }
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    let event = format!(r#"{{"transaction":[{add},{},{}]}}"#, call("plain"), call("shown"));
    let response = function.ok(&event).await;
    assert_eq!(response["transaction"][1]["rows"], json!([{"n": 4, "u": "A"}]));
}

/// A server that refuses COMMIT, or the ROLLBACK after it, leaves nothing for the next event to
/// commit.
pub(crate) async fn refused_commit(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let mut refused = 0;
    // The limit is exceeded by each of the event's commands in turn.
    for queries in 10..22 {
        let limit = format!("WITH MAX_QUERIES_PER_HOUR {queries}");
        harness
            .execute(&format!("ALTER USER 'lambda-user'@'%' {limit}; FLUSH USER_RESOURCES"))
            .await;
        let call = |id| format!(r#"{{"statement":"add-item","params":[{id},"x"]}}"#);
        let (id, next) = (100 + queries, 200 + queries);
        let function = harness.deploy(&[]).await;
        function.ok(ITEMS).await;
        let outcome =
            function.invoke(&format!(r#"{{"transaction":[{},{ITEMS}]}}"#, call(id))).await;
        harness.execute("FLUSH USER_RESOURCES").await;
        function.ok(&format!(r#"{{"transaction":[{}]}}"#, call(next))).await;
        let seen = harness.execute(&format!("SELECT id FROM app.items WHERE id = {id}")).await;
        assert_eq!(seen.len() == 1, outcome.is_ok(), "{queries}: {outcome:?}");
        refused += u32::from(outcome.is_err());
    }
    assert!(refused > 0, "no limit was met");
}

/// A procedure that makes its own transactions read-only and then writes is told so, and not sent elsewhere.
/// What it did before is there, and later events write.
pub(crate) async fn read_only_by_itself(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "USE app; CREATE PROCEDURE app.closes() BEGIN INSERT INTO app.items VALUES (9, 'kept'); \
             SET SESSION TRANSACTION READ ONLY; DELETE FROM app.items; END",
        )
        .await;
    let function = harness.deploy_with(&[], &[("closes", "-- mode: write\nCALL closes()")]).await;
    let message = function.fails(&call("closes"), "Query").await;
    assert!(message.contains("1792"), "{message}");
    assert!(message.contains("the transaction that it runs in is read-only"), "{message}");
    assert!(!message.contains("-- mode: write"), "it has that line: {message}");
    assert!(!function.logs().contains("nothing was run"), "{}", function.logs());
    assert_eq!(function.ok(ITEMS).await["row_count"], 4);
    function.ok(ADD).await;
}

/// init_connect runs at login only: a reset does not replace it.
pub(crate) async fn init_connect(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).setting("init-connect", "SET time_zone = '+05:00'");
    let harness = Harness::with(server, bootstrap).await;
    let statements = [
        ("zone", "SELECT @@time_zone AS zone"),
        ("set", "-- mode: write\nSET time_zone = '+00:00'"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for _ in 0..2 {
        function.ok(&call("set")).await;
        assert_eq!(function.ok(&call("zone")).await["rows"][0]["zone"], "+05:00");
    }
}
