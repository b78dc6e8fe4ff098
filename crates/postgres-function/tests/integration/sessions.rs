//! What a statement does to its session on PostgreSQL, what of it the next event meets, and what a
//! session refuses.

use engine::Engine;
use function_harness::event::{ADD, ITEMS, call};
use function_harness::{Deployed, Harness, at_random, borrowed};
use local_rds::{Profile, Server};
use serde_json::{Value, json};

const MADE: &str = "\
CREATE ROLE r; CREATE ROLE app; GRANT r, app TO lambda_user; CREATE SEQUENCE numbers; \
GRANT ALL ON SEQUENCE numbers TO app; GRANT ALL ON items TO app; \
ALTER ROLE lambda_user SET role = app; ALTER ROLE lambda_user SET lock_timeout = '7s'; \
CREATE FUNCTION change() RETURNS int LANGUAGE plpgsql AS $$ BEGIN \
PERFORM set_config('search_path', 'pg_catalog', false); \
PERFORM pg_advisory_lock_shared(8); RETURN 1; END $$; \
CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$ BEGIN \
PERFORM set_config('role', 'r', false); COMMIT; PERFORM set_config('TimeZone', 'Asia/Tokyo', false); \
END $$";

/// Statements that change a session: a name, the statement, and whether the connection is kept.
const CHANGES: [(&str, &str, bool); 33] = [
    ("role", "SET ROLE r", true),
    ("role-none", "SET ROLE NONE", true),
    ("authorization", "SET SESSION AUTHORIZATION lambda_user", true),
    ("path", "SET search_path = pg_catalog", true),
    ("config", "SELECT set_config('search_path', 'pg_catalog', false)", true),
    ("config-role", "SELECT set_config('role', 'r', false)", true),
    ("local", "SELECT set_config('search_path', 'pg_catalog', true)", true),
    ("reads", "SET default_transaction_read_only = on", true),
    (
        "serializable",
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        true,
    ),
    ("zone", "SET TIME ZONE 'Asia/Tokyo'", true),
    ("dates", "SET datestyle = 'SQL, DMY'", true),
    ("encoding", "SET client_encoding = LATIN1", true),
    ("name", "SET application_name = 'other'", true),
    ("timeout", "SET statement_timeout = '45s'", true),
    ("table", "CREATE TEMPORARY TABLE items (id int, name text)", true),
    ("view", "CREATE TEMP VIEW items AS SELECT 1 AS id, 'x'::text AS name WHERE false", true),
    ("into", "SELECT 1 AS id INTO TEMP items", true),
    ("prepared", "PREPARE p AS SELECT 1", false),
    ("listens", "DO $$ BEGIN EXECUTE 'LISTEN c'; END $$", true),
    ("lock", "SELECT pg_advisory_lock(7)", true),
    ("cursor", "DECLARE c CURSOR WITH HOLD FOR SELECT 1 AS a", true),
    ("discard", "DISCARD ALL", true),
    ("deallocate", "DEALLOCATE ALL", true),
    ("hidden", "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$", true),
    ("seed", "SELECT setseed(0.5)::text AS s", false),
    ("lock-timeout", "SET lock_timeout = 0", true),
    ("columns", "SELECT array_agg(set_config('search_path', 'pg_catalog', false)) AS a", true),
    ("next", "SELECT nextval('numbers') AS n", true),
    ("function", "SELECT change() AS c", true),
    ("procedure", "CALL steps()", true),
    ("exclusive", "-- exclusive: true\nSELECT nextval('numbers') AS n", true),
    ("timed", "-- timeout: 9s\nSELECT set_config('search_path', 'pg_catalog', false)", true),
    (
        "fails",
        "DO $$ BEGIN PERFORM pg_advisory_lock(9); PERFORM nextval('numbers'); RAISE 'no'; END $$",
        true,
    ),
];

const OBSERVE: &str = "SELECT current_user::text AS u, session_user::text AS s, \
current_setting('search_path') AS path, current_setting('TimeZone') AS zone, \
current_setting('DateStyle') AS dates, current_setting('client_encoding') AS encoding, \
current_setting('application_name') AS name, current_setting('statement_timeout') AS timeout, \
current_setting('default_transaction_read_only') AS reads, \
current_setting('lock_timeout') AS lock_timeout, \
current_setting('transaction_isolation') AS isolation, (SELECT count(*) FROM items) AS items, \
(SELECT count(*) FROM pg_listening_channels()) AS channels, \
(SELECT count(*) FROM pg_cursors WHERE name <> '') AS cursors, \
(SELECT count(*) FROM pg_prepared_statements WHERE from_sql) AS prepared, \
(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks, \
(SELECT count(*) FROM pg_class WHERE relnamespace = pg_my_temp_schema()) AS temporary";

/// A server with what those statements use, the statements, and one that observes the session.
async fn changing(engine: Engine, bootstrap: &str) -> (Harness, Vec<(String, String)>) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute(MADE).await;
    let mut statements = vec![
        ("observe".to_owned(), OBSERVE.to_owned()),
        ("last".to_owned(), "SELECT lastval()".to_owned()),
        ("config-read".to_owned(), CHANGES[4].1.to_owned()),
    ];
    let changes = CHANGES.iter();
    statements.extend(
        changes.map(|(name, sql, _)| ((*name).to_owned(), format!("-- mode: write\n{sql}"))),
    );
    (harness, statements)
}

/// What a session reports about itself; `lastval` fails in a new one.
async fn observed(function: &Deployed<'_>, after: &str) -> (Value, Value) {
    let seen = function.ok(&call("observe")).await;
    let message = function.fails(&call("last"), "Query").await;
    assert!(message.contains("55000"), "after {after}: {message}");
    (seen["rows"].clone(), seen["connection"]["reused"].clone())
}

/// Whatever a statement did to its session, the next event finds what a new environment finds, on the
/// same connection.
pub(crate) async fn restored(engine: Engine, bootstrap: &str) {
    let (harness, statements) = changing(engine, bootstrap).await;
    let statements = borrowed(&statements);
    let (fresh, _) = observed(&harness.deploy_with(&[], &statements).await, "nothing").await;
    assert_eq!(fresh[0]["u"], "app", "the role's own settings");
    let function = harness.deploy_with(&[], &statements).await;
    function.ok(ITEMS).await;
    for (name, _, kept) in CHANGES.into_iter().chain([("config-read", "", true)]) {
        let outcome = function.invoke(&call(name)).await;
        assert_eq!(outcome.is_err(), name == "fails", "{name}: {outcome:?}");
        let (seen, reused) = observed(&function, name).await;
        assert_eq!(seen, fresh, "after {name}");
        assert_eq!(reused, kept, "after {name}");
        let response = function.ok(ITEMS).await;
        assert_eq!(response["row_count"], 3, "after {name}");
        let event = format!(r#"{{"transaction":[{0},{ITEMS}]}}"#, call(name));
        let _ = function.invoke(&event).await;
        assert_eq!(observed(&function, name).await.0, fresh, "after {name} in a transaction");
    }
}

/// After random sequences of such statements, an event observes what a new environment observes, and a
/// write is durable.
pub(crate) async fn sequences(engine: Engine, bootstrap: &str) {
    let (harness, statements) = changing(engine, bootstrap).await;
    let statements = borrowed(&statements);
    let (fresh, _) = observed(&harness.deploy_with(&[], &statements).await, "nothing").await;
    let function = harness.deploy_with(&[], &statements).await;
    let names = CHANGES.map(|(name, ..)| name);
    let observe = async |sent: &str| {
        assert_eq!(observed(&function, sent).await.0, fresh, "after {sent}");
    };
    let kept = async |id| {
        harness.execute(&format!("DELETE FROM items WHERE id = {id} RETURNING id")).await.len()
    };
    at_random(&function, &names, observe, kept).await;
}

/// Prepared statements follow the schema: the right rows are returned in the same invocation.
pub(crate) async fn stale_plans(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute("CREATE TABLE codes (code int); INSERT INTO codes VALUES (7)").await;
    harness.execute("ALTER TABLE codes OWNER TO lambda_user").await;
    harness
        .execute("CREATE TYPE mood AS ENUM ('sad'); CREATE TYPE other_mood AS ENUM ('bad')")
        .await;
    let statements = [
        ("codes", "SELECT * FROM codes"),
        ("one", "SELECT code::text AS code FROM codes WHERE code = $1"),
        ("put", "-- mode: write\nUPDATE codes SET code = $1"),
        ("returning", "-- mode: write\nUPDATE codes SET code = code RETURNING *"),
        ("adds", "-- mode: write\nALTER TABLE codes ADD COLUMN more int DEFAULT 1"),
        ("drops", "-- mode: write\nALTER TABLE codes DROP COLUMN more"),
        ("forgets", "-- mode: write\nDEALLOCATE ALL"),
        ("hides", "-- mode: write\nDO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"),
        ("discards", "-- mode: write\nDISCARD ALL"),
        ("mood", "SELECT 'sad'::mood AS m"),
        ("other-mood", "SELECT 'bad'::other_mood AS m"),
    ];
    let warm = async || {
        let function = harness.deploy_with(&[], &statements).await;
        for event in
            [ITEMS, &call("codes"), &call("returning"), r#"{"statement":"one","params":[7]}"#]
        {
            function.ok(event).await;
        }
        function
    };
    // A change, how it is undone, and an event with its rows.
    let other = r#"{"statement":"one","params":["x"]}"#;
    let one = r#"{"statement":"one","params":["7"]}"#;
    let codes = &*call("codes");
    let returning = &*call("returning");
    let more = json!([{"code": 7, "more": 1}]);
    let again = "DROP TABLE codes; CREATE TABLE codes (code int, more int); \
                 INSERT INTO codes VALUES (7, 1); ALTER TABLE codes OWNER TO lambda_user";
    let back = "DROP TABLE codes; CREATE TABLE codes (code int); INSERT INTO codes VALUES (7); \
                ALTER TABLE codes OWNER TO lambda_user";
    let to_text = "ALTER TABLE codes ALTER COLUMN code TYPE text";
    for (change, event, rows) in [
        ("ALTER TABLE codes ADD COLUMN more int DEFAULT 1", codes, more.clone()),
        ("ALTER TABLE codes ADD COLUMN more int DEFAULT 1", returning, more.clone()),
        (to_text, codes, json!([{"code": "7"}])),
        (to_text, other, json!([])),
        (to_text, one, json!([{"code": "7"}])),
        (again, codes, more.clone()),
        (again, returning, more.clone()),
    ] {
        for in_transaction in [false, true] {
            let function = warm().await;
            harness.execute(change).await;
            let response = if in_transaction {
                let event = format!(r#"{{"transaction":[{ITEMS},{event},{codes}]}}"#);
                function.ok(&event).await["transaction"][1].clone()
            } else {
                function.ok(event).await
            };
            assert_eq!(response["rows"], rows, "{change}: {event}, {in_transaction}");
            harness.execute(back).await;
        }
    }
    // And back: a parameter that was text is now a number.
    harness.execute(to_text).await;
    let function = warm_text(&harness, &statements).await;
    harness.execute("ALTER TABLE codes ALTER COLUMN code TYPE int USING code::int").await;
    assert_eq!(function.ok(one).await["rows"], json!([{"code": "7"}]));
    // By the function itself.
    for name in ["forgets", "hides", "discards"] {
        // The driver's own queries about types are prepared, too.
        let function = warm().await;
        function.ok(&call("mood")).await;
        function.ok(&call(name)).await;
        assert_eq!(function.ok(&call("other-mood")).await["rows"][0]["m"], "bad");
        function.ok(&call(name)).await;
        assert_eq!(function.ok(ITEMS).await["row_count"], 3, "after {name}");
        function.ok(codes).await;
        if name != "discards" {
            let event = format!(r#"{{"transaction":[{codes},{},{codes}]}}"#, call(name));
            let outcome = function.invoke(&event).await;
            assert!(name == "hides" || outcome.is_ok(), "{name}: {outcome:?}");
        }
        function.ok(codes).await;
    }
    let function = warm().await;
    let event = format!(r#"{{"transaction":[{codes},{},{codes}]}}"#, call("adds"));
    assert_eq!(function.ok(&event).await["transaction"][2]["rows"], more);
    assert_eq!(function.ok(codes).await["rows"], more);
    function.ok(&call("drops")).await;
    assert_eq!(function.ok(codes).await["rows"], json!([{"code": 7}]));
    // An error in this event's own values is not retried.
    let wrong = r#"{"statement":"one","params":["x"]}"#;
    let again = || function.logs().matches("parsing the statement again").count();
    function.ok(one).await;
    let before = again();
    let message = function.fails(wrong, "Query").await;
    assert!(message.contains("22P02"), "{message}");
    assert_eq!(again(), before + 1);
    let cold = harness.deploy_with(&[], &statements).await;
    cold.fails(wrong, "Query").await;
    assert_eq!(cold.logs().matches("parsing the statement again").count(), 0);
}

/// If the server does not restore the session, the write stays, and the connection is not used again.
pub(crate) async fn not_restored(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute("REVOKE EXECUTE ON FUNCTION pg_advisory_unlock_all() FROM PUBLIC").await;
    let function = harness.deploy(&[]).await;
    function.ok(ITEMS).await;
    let purge = r#"{"statement":"purge-items","params":[3]}"#;
    let events = [ADD, ITEMS, &format!(r#"{{"transaction":[{purge},{ADD}]}}"#), purge];
    for (event, count) in events.into_iter().zip([4, 4, 4, 3]) {
        assert_eq!(function.ok(event).await["connection"]["reused"], false, "{event}");
        assert_eq!(function.ok(ITEMS).await["row_count"], count, "after {event}");
    }
    let event = format!(r#"{{"transaction":[{ADD},{ADD}]}}"#);
    function.fails(&event, "Query").await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
}

/// A custom setting is not visible to an event that does not set it; an event that does keeps the
/// connection.
pub(crate) async fn custom_settings(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let tenant = "SELECT current_setting('app.tenant', true) AS tenant";
    let statements = [
        ("set", "-- mode: write\nSET app.tenant = 'a'"),
        ("config", "-- mode: write\nSELECT set_config('app.tenant', $1, true) AS tenant"),
        ("any", "-- mode: write\nSELECT set_config($1, $2, false) AS tenant"),
        ("tenant", tenant),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let config = r#"{"statement":"config","params":["b"]}"#;
    let both = format!(r#"{{"transaction":[{config},{}]}}"#, call("tenant"));
    let any = r#"{"statement":"any","params":["app.tenant","c"]}"#;
    for event in [&call("set"), config, &both, any] {
        function.ok(event).await;
        assert_eq!(function.ok(&call("tenant")).await["rows"][0]["tenant"], Value::Null, "{event}");
    }
    function.ok(&both).await;
    let again = function.ok(&both).await;
    assert_eq!(again["connection"]["reused"], true);
    assert_eq!(again["transaction"][1]["rows"][0]["tenant"], "b");
}

/// A function that has run `one` while its parameter is text.
async fn warm_text<'a>(harness: &'a Harness, statements: &[(&str, &str)]) -> Deployed<'a> {
    let function = harness.deploy_with(&[], statements).await;
    function.ok(r#"{"statement":"one","params":["7"]}"#).await;
    function
}

/// A statement of mode read changes nothing: alone, after other statements, or among writes.
pub(crate) async fn reads_only(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = reads_change_nothing(&harness).await;
    // A write after such a read writes, and a limit applies to its own statement.
    let (limit, none) = (call("limit"), call("no-limit"));
    let event = format!(r#"{{"transaction":[{limit},{none},{ADD},{limit},{none},{ITEMS}]}}"#);
    let response = function.ok(&event).await;
    let of = |at: usize| &response["transaction"][at]["rows"][0]["l"];
    assert_eq!([of(0), of(1), of(3), of(4)], ["9s", "0", "9s", "0"]);
    for (call, seen) in [(&limit, "9s"), (&none, "0")] {
        assert_eq!(function.ok(call).await["rows"][0]["l"], seen);
    }
    assert_eq!(function.ok(ITEMS).await["row_count"], 4);
}

/// Sends reads that try to write. Returns the function.
pub(crate) async fn reads_change_nothing(harness: &Harness) -> Deployed<'_> {
    for (name, loosen) in [
        ("f", "PERFORM 1"),
        ("config", "PERFORM set_config('transaction_read_only', 'off', false)"),
        ("local", "SET LOCAL transaction_read_only = off"),
        ("transaction", "EXECUTE 'SET TRANSACTION READ WRITE'"),
    ] {
        harness
            .execute(&format!(
                "CREATE FUNCTION w_{name}() RETURNS int LANGUAGE plpgsql AS \
             $$ BEGIN {loosen}; DELETE FROM items; RETURN 1; END $$"
            ))
            .await;
    }
    let set = "SELECT set_config('default_transaction_read_only', 'off', false)";
    let statements = [
        ("f", "SELECT w_f()"),
        ("config", "SELECT w_config()"),
        ("local", "SELECT w_local()"),
        ("transaction", "SELECT w_transaction()"),
        ("delete", "DELETE FROM items"),
        ("cte", "WITH gone AS (DELETE FROM items RETURNING *) SELECT * FROM gone"),
        ("own", "SELECT set_config('transaction_read_only', 'off', false)"),
        ("default", set),
        ("loosens", "-- mode: write\nSET TRANSACTION READ WRITE"),
        ("limit", "-- timeout: 9s\nSELECT current_setting('statement_timeout') AS l"),
        ("no-limit", "SELECT current_setting('statement_timeout') AS l"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for name in ["f", "config", "local", "transaction", "delete", "cte"] {
        let _ = function.invoke(&call("own")).await;
        function.ok(&call("default")).await;
        for before in ["", ITEMS, ADD, &call("loosens"), &format!("{ADD},{}", call("default"))] {
            let event = match before {
                "" => call(name),
                _ => format!(r#"{{"transaction":[{before},{}]}}"#, call(name)),
            };
            let message = function.fails(&event, "Query").await;
            assert!(message.contains("read"), "{event}: {message}");
            assert_eq!(function.ok(ITEMS).await["row_count"], 3, "after {event}");
        }
    }
    function
}

/// A role whose own setting makes transactions read-only writes if the statement's mode is write, in a
/// transaction that begins read-write. The setting itself is never changed: what runs only outside
/// transactions has it, and is told.
pub(crate) async fn role_reads(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).profile(Profile::Untidy).setting("log_statement", "all");
    let harness = Harness::with(server, bootstrap).await;
    harness.execute(ROLE_READS).await;
    let statements = [
        ("create", "-- mode: write\nCREATE TABLE own.made (id int)"),
        ("reads", "SELECT current_setting('transaction_read_only') AS r"),
        ("call", "-- mode: write\nCALL own.adds(1)"),
        ("do", "-- mode: write\nDO $$ BEGIN CALL own.adds(1); END $$"),
        ("commits", "-- mode: write\nCALL own.commits()"),
        ("own", "-- mode: write\nCALL own.commits_itself()"),
        ("vacuum", "-- mode: write\nVACUUM own.counted"),
        ("index", "-- mode: write\nCREATE INDEX CONCURRENTLY ON own.counted (n)"),
        ("now", "SELECT n FROM own.counted"),
        ("sets", "-- mode: write\nCALL own.sets()"),
        ("few", "-- mode: write\n-- max_rows: 1\nUPDATE items SET name = 'few' RETURNING id"),
        (
            "few-with",
            "-- mode: write\n-- max_rows: 1\nWITH one AS (UPDATE own.counted SET n = n RETURNING n) \
             UPDATE items SET name = 'few-with' FROM one RETURNING id",
        ),
    ];
    for first in [ADD, &format!(r#"{{"transaction":[{ITEMS},{ADD}]}}"#)] {
        let function = harness.deploy_with(&[], &statements).await;
        function.ok(first).await;
        assert_eq!(function.ok(ITEMS).await["row_count"], 4);
        assert_eq!(function.ok(&call("reads")).await["rows"][0]["r"], "on");
        for event in [r#"{"statement":"purge-items","params":[3]}"#, ADD] {
            assert_eq!(function.ok(event).await["rows_affected"], 1);
        }
        assert!(!function.logs().contains("nothing was run"), "it is known at the login");
        function.ok(&call("create")).await;
        harness.execute("DROP TABLE own.made").await;
        let diagnosis = function.ok(r#"{"diagnose":true}"#).await.to_string();
        assert!(!diagnosis.contains("read-only"), "{diagnosis}");
        harness.execute("DELETE FROM items WHERE id = 4; UPDATE own.counted SET n = 0").await;
        for (name, n) in [("call", 1), ("do", 2), ("own", 12), ("vacuum", 12)] {
            function.ok(&call(name)).await;
            assert_eq!(function.ok(&call("now")).await["rows"][0]["n"], n, "after {name}");
        }
        for (name, code) in [("commits", "25006"), ("index", "25006"), ("sets", "25001")] {
            let message = function.fails(&call(name), "Query").await;
            assert!(message.contains(code), "{name}: {message}");
            assert!(message.contains("with COMMIT; SET TRANSACTION READ WRITE;"), "{message}");
            assert!(message.contains("RESET default_transaction_read_only"), "{name}: {message}");
            assert_eq!(function.ok(&call("now")).await["rows"][0]["n"], 12, "after {name}");
        }
        assert!(!harness.server.log().contains("SESSION CHARACTERISTICS"));
        // A result that is refused is that of a write that was carried out.
        for name in ["few", "few-with"] {
            let message = function.fails(&call(name), "ResultTooLarge").await;
            assert!(message.contains("was executed"), "{name}: {message}");
            let items = function.ok(ITEMS).await;
            assert_eq!(items["rows"][0]["name"], name, "{items}");
        }
    }
    let function = harness.deploy_with(&[], &statements).await;
    function.ok(&format!(r#"{{"transaction":[{}]}}"#, call("create"))).await;
}

/// What makes its own transaction read-only and then writes is told so: at once in a transaction, and after
/// a second login alone, because a server may have become read-only since the first. Nothing of it is
/// there.
pub(crate) async fn read_only_by_itself(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(
            "CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql SET transaction_read_only = on AS \
             $$ BEGIN DELETE FROM items; RETURN 1; END $$; \
             CREATE FUNCTION sets() RETURNS int LANGUAGE plpgsql AS \
             $$ BEGIN SET transaction_read_only = on; DELETE FROM items; RETURN 1; END $$; \
             CREATE FUNCTION reads() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN SET transaction_read_only = on; UPDATE items SET name = 'no'; RETURN NEW; END $$; \
             CREATE TABLE guarded (id int); GRANT ALL ON guarded TO lambda_user; \
             CREATE TRIGGER reads BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION reads(); \
             CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$ BEGIN \
             INSERT INTO items VALUES (9, 'kept'); COMMIT; SET TRANSACTION READ ONLY; DELETE FROM items; \
             END $$",
        )
        .await;
    let statements = [
        ("writes", "-- mode: write\nSELECT writes()"),
        ("sets", "-- mode: write\nSELECT sets()"),
        ("guarded", "-- mode: write\nINSERT INTO guarded VALUES (1)"),
        ("with", "-- mode: write\nWITH one AS (INSERT INTO guarded VALUES (1)) SELECT sets()"),
        ("read-only", "-- mode: write\nSET TRANSACTION READ ONLY"),
        ("steps", "-- mode: write\nCALL steps()"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    let tried = || function.logs().matches("nothing was run; connecting again").count();
    for name in ["writes", "sets", "guarded", "with"] {
        for first in ["", &format!("{},", call("read-only")), &format!("{ITEMS},")] {
            let before = tried();
            let event = match first {
                "" => call(name),
                _ => format!(r#"{{"transaction":[{first}{}]}}"#, call(name)),
            };
            let message = function.fails(&event, "Query").await;
            assert!(message.contains("25006") && message.contains(name), "{event}: {message}");
            let told = match first {
                "" => "the server takes writes, but not this one",
                _ => "the transaction that it runs in is read-only",
            };
            assert!(message.contains(told) && !message.contains("DB_HOST"), "{event}: {message}");
            assert_eq!(tried() - before, usize::from(first.is_empty()), "{event}");
            assert_eq!(function.ok(ITEMS).await["row_count"], 3, "after {event}");
        }
    }
    // A procedure may have committed before.
    let message = function.fails(&call("steps"), "OutcomeUnknown").await;
    assert!(message.contains("25006"), "{message}");
    assert_eq!(function.ok(ITEMS).await["row_count"], 4);
    assert_eq!(harness.execute("SELECT id FROM guarded").await.len(), 0);
}

/// A procedure that can be in a transaction, one that cannot, and one that also makes its own
/// transactions read-write.
const ROLE_READS: &str = "\
CREATE TABLE own.counted (n int); INSERT INTO own.counted VALUES (0); \
ALTER TABLE own.counted OWNER TO lambda_user; \
CREATE PROCEDURE own.adds(more int) LANGUAGE plpgsql AS \
$$ BEGIN UPDATE own.counted SET n = n + more; END $$; \
CREATE PROCEDURE own.commits() LANGUAGE plpgsql AS \
$$ BEGIN COMMIT; UPDATE own.counted SET n = n + 100; END $$; \
CREATE PROCEDURE own.commits_itself() LANGUAGE plpgsql AS \
$$ BEGIN COMMIT; SET TRANSACTION READ WRITE; UPDATE own.counted SET n = n + 10; COMMIT; END $$; \
CREATE PROCEDURE own.sets() LANGUAGE plpgsql AS \
$$ BEGIN SET TRANSACTION READ WRITE; UPDATE own.counted SET n = n + 100; COMMIT; END $$";

/// A statement that cannot run in a transaction runs if its mode is write.
pub(crate) async fn maintenance(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness.execute("ALTER TABLE items OWNER TO lambda_user").await;
    let statements = [
        ("vacuum", "-- mode: write\nVACUUM (ANALYZE) items"),
        ("index", "-- mode: write\nCREATE INDEX CONCURRENTLY by_name ON items (name)"),
        ("again", "-- mode: write\n-- timeout: 9s\nREINDEX TABLE CONCURRENTLY items"),
        ("drop", "-- mode: write\nDROP INDEX CONCURRENTLY by_name"),
    ];
    let function = harness.deploy_with(&[], &statements).await;
    for (name, _) in statements {
        function.ok(&call(name)).await;
        assert_eq!(function.ok(ITEMS).await["connection"]["reused"], true, "after {name}");
    }
}
