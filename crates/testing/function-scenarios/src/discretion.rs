//! No value is in a log, at any level, whatever the outcome of an event; its response may quote it.

use engine::Engine;
use function_harness::{Deployed, Harness};
use local_lambda::LogFormat;
use local_rds::Server;
use serde_json::{Value, json};

/// Every value, name and key that only events contain includes this, and nothing else does.
const TEXT: &str = "zq-value";
const NUMBER: &str = "77349911";

/// Whether a response quotes its event.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    Quotes,
    MayQuote,
}
use Answer::{MayQuote, Quotes};

const TABLE: &str = "\
    CREATE TABLE kept (id INT PRIMARY KEY, name VARCHAR(30) NOT NULL, day DATE, \
    amount INT, CONSTRAINT positive CHECK (amount > 0));";

/// Creates objects that raise errors and warnings with a value in every field.
const POSTGRES: &str = "\
    CREATE FUNCTION raises(v text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN \
    RAISE EXCEPTION 'raised %', v USING DETAIL = v, HINT = v, SCHEMA = v, TABLE = v, COLUMN = v, \
    DATATYPE = v, CONSTRAINT = v; END $$; \
    CREATE FUNCTION notes(v text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN \
    RAISE NOTICE 'noted %', v USING DETAIL = v; RAISE WARNING 'warned %', v; RAISE INFO 'told %', v; \
    RETURN v; END $$;";
const MYSQL: &str = "\
    CREATE PROCEDURE app.raises(IN v VARCHAR(100)) BEGIN \
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v, TABLE_NAME = v, CONSTRAINT_NAME = v; END; \
    CREATE PROCEDURE app.notes(IN v VARCHAR(100)) BEGIN \
    SIGNAL SQLSTATE '01000' SET MESSAGE_TEXT = v; SELECT v AS v; END; \
    CREATE PROCEDURE app.named(IN v VARCHAR(100)) BEGIN \
    SET @s = CONCAT('SELECT 1 AS `c ', v, '`, 2 AS `c ', v, '`'); PREPARE s FROM @s; EXECUTE s; END;";

fn statements(engine: Engine) -> Vec<(&'static str, &'static str)> {
    let mut statements = vec![("broken", "SELECT * FROM no_such_table")];
    statements.extend(match engine {
        Engine::Postgres => vec![
            ("echo", "SELECT $1::text AS v"),
            ("array", "SELECT $1::text[] AS v"),
            ("bytes", "SELECT $1::bytea AS v"),
            ("int", "SELECT $1::int4 AS v"),
            ("cast", "SELECT ($1::text)::int4 AS v"),
            ("json", "SELECT ($1::text)::json AS v"),
            ("put", "-- mode: write\nINSERT INTO kept VALUES ($1, $2, $3, $4)"),
            ("sneaky", "INSERT INTO kept VALUES (1, $1)"),
            ("syntax", "SELECT $1 FROM WHERE"),
            ("raises", "SELECT raises($1)"),
            ("notes", "SELECT notes($1) AS v"),
            ("many", "-- max_rows: 1\nSELECT $1::text AS v FROM generate_series(1, 5)"),
            ("large", "SELECT repeat($1::text, 1000000) AS v"),
            ("slow", "-- timeout: 300ms\nSELECT $1::text AS v, pg_sleep(3)::text AS s"),
            ("cut", "SELECT $1::text AS v, pg_terminate_backend(pg_backend_pid())"),
            ("point", "SELECT ($1::text)::point AS v"),
            ("state", "SELECT set_config('app.v', $1, false) AS v"),
        ],
        Engine::MySql | Engine::MariaDb => vec![
            ("echo", "SELECT CAST(? AS CHAR) AS v"),
            ("array", "SELECT ? AS v"),
            ("json", "SELECT JSON_EXTRACT(?, '$.a') AS v"),
            ("put", "-- mode: write\nINSERT INTO kept VALUES (?, ?, ?, ?)"),
            ("sneaky", "INSERT INTO kept VALUES (1, ?, NULL, NULL)"),
            ("syntax", "SELECT 1 FROM ? WHERE"),
            ("unnamed", "SELECT UPPER(?)"),
            ("raises", "-- mode: write\nCALL raises(?)"),
            ("notes", "-- mode: write\nCALL notes(?)"),
            ("named", "-- mode: write\nCALL named(?)"),
            ("many", "-- max_rows: 1\nSELECT ? AS v FROM items"),
            ("large", "SELECT REPEAT(?, 1000000) AS v"),
            ("slow", "-- timeout: 300ms\nSELECT ? AS v, SLEEP(3) AS s"),
            ("cut", "-- mode: write\nKILL CONNECTION_ID()"),
            ("state", "-- mode: write\nSET @v = ?"),
        ],
    });
    statements
}

fn call(name: &str, params: Value) -> Value {
    json!({"statement": name, "params": params})
}

/// Events with values in every place, and whether their responses quote them.
fn events(engine: Engine) -> Vec<(String, Answer)> {
    let number = || NUMBER.parse::<u64>().unwrap();
    let text = |what: &str| format!("{TEXT} {what}");
    let put =
        |id: u64, name: Value, day: Value, amount: i64| call("put", json!([id, name, day, amount]));
    let echo = |value: Value| (call("echo", json!([value])), Quotes);
    let long = text("long").repeat(100_000);
    let mut events = vec![
        echo(json!(text("in"))),
        echo(json!(number())),
        echo(json!(format!("{TEXT} o'clock \\ \" \u{1} é"))),
        (put(number(), json!("one"), Value::Null, 1), MayQuote),
        // Unique, NOT NULL, CHECK, too long, not a date, not a number.
        (put(number(), json!("one"), Value::Null, 1), Quotes),
        (put(2, Value::Null, Value::Null, 77349911), MayQuote),
        (put(3, json!(text("checked")), Value::Null, -77349911), MayQuote),
        (put(4, json!(text("long").repeat(9)), Value::Null, 1), MayQuote),
        (put(5, json!("five"), json!(text("day")), 1), Quotes),
        (call("put", json!([text("id"), "six", null, 1])), Quotes),
        (call("put", json!([7734991177349911_u64, text("range"), null, 1])), MayQuote),
        (call("json", json!([text("no json")])), MayQuote),
        (call("sneaky", json!([text("sneaky")])), MayQuote),
        (call("syntax", json!([text("syntax")])), MayQuote),
        (call("raises", json!([text("raised")])), Quotes),
        (call("notes", json!([text("noted")])), Quotes),
        (call("many", json!([text("many")])), MayQuote),
        (call("large", json!([text("large")])), MayQuote),
        (call("slow", json!([text("slow")])), MayQuote),
        (
            call("cut", if engine == Engine::Postgres { json!([text("cut")]) } else { json!([]) }),
            MayQuote,
        ),
        (call("state", json!([text("state")])), MayQuote),
        (call("broken", json!([])), MayQuote),
        (call("broken", json!([text("too many")])), MayQuote),
        (call("array", json!([[text("a"), [number()]]])), MayQuote),
        (call("echo", json!([{TEXT: number()}])), MayQuote),
        (call("echo", json!([[[[[[[[text("deep")]]]]]]]])), MayQuote),
        (call(&text("name"), json!([])), Quotes),
        (call(&long, json!([])), Quotes),
        (
            json!({"transaction": [put(8, json!("eight"), Value::Null, 1), put(number(), json!(text("twice")), Value::Null, 1)]}),
            Quotes,
        ),
        (
            json!({"transaction": [call("echo", json!([text("read")])), call(&text("name"), json!([]))]}),
            Quotes,
        ),
        (
            json!({"transaction": [call("echo", json!([text("read")])), call("slow", json!([text("slow")]))]}),
            MayQuote,
        ),
        (json!({"transaction": [call("echo", json!([text("read")])), {TEXT: 1}]}), Quotes),
        (json!({TEXT: text("field")}), Quotes),
        (json!({long: number()}), Quotes),
        (json!({"statement": "echo", TEXT: text("key")}), Quotes),
        (json!({"statement": {TEXT: number()}}), Quotes),
        (json!({"statement": "echo", "params": text("params")}), MayQuote),
        (json!({"transaction": text("no array")}), MayQuote),
        (json!({"diagnose": text("no flag")}), MayQuote),
        (json!([text("array")]), MayQuote),
        (json!(text("text")), MayQuote),
        (
            json!({"id": text("id"), "source": "aws.events", "detail-type": "Scheduled Event",
            "detail": {TEXT: text("detail")}}),
            MayQuote,
        ),
        (json!({"id": text("id"), "source": text("source"), "detail-type": "Created"}), Quotes),
        (json!({"diagnose": true}), MayQuote),
    ];
    events.extend(match engine {
        Engine::Postgres => vec![
            (call("array", json!([[text("a"), text("b")]])), Quotes),
            (call("int", json!([text("int")])), Quotes),
            (call("int", json!([[text("array")]])), MayQuote),
            (call("cast", json!([text("cast")])), Quotes),
            (call("bytes", json!([text("bytes")])), MayQuote),
            (call("point", json!(["(77349911,77349911)"])), Quotes),
            (call("point", json!([text("point")])), Quotes),
        ],
        Engine::MySql | Engine::MariaDb => vec![
            (call("unnamed", json!([text("unnamed")])), MayQuote),
            (call("named", json!([text("named")])), Quotes),
        ],
    });
    events.into_iter().map(|(event, answer)| (event.to_string(), answer)).collect()
}

async fn harness(engine: Engine, bootstrap: &str) -> Harness {
    let tables =
        if engine == Engine::Postgres { format!("{TABLE}{POSTGRES}") } else { TABLE.into() };
    let harness = Harness::with_tables(Server::builder(engine), &tables, bootstrap).await;
    if engine != Engine::Postgres {
        harness.execute(MYSQL).await;
    }
    harness
}

/// Sends every event. Returns the function's own log lines for each of them.
async fn send(harness: &Harness, function: &Deployed<'_>) -> Vec<(String, Vec<String>)> {
    let mut written = vec![];
    for (event, answer) in events(harness.server.engine()) {
        let invocation = function.send(&event).await;
        let shown = &event[..event.len().min(200)];
        let payload = String::from_utf8_lossy(&invocation.payload).to_lowercase();
        let quotes = [TEXT, NUMBER].iter().any(|mark| payload.contains(mark));
        assert!(answer == MayQuote || quotes, "{shown}: {payload}");
        if invocation.function_error.is_some() {
            assert!(invocation.payload.len() < 8 << 10, "{shown}: {}", invocation.payload.len());
        }
        let lambdas = |line: &str| {
            line.contains(r#""type":"platform."#)
                || ["START ", "END ", "REPORT ", "INIT_START "]
                    .iter()
                    .any(|of| line.starts_with(of))
        };
        let lines = invocation.log.lines().filter(|line| !lambdas(line)).map(str::to_owned);
        written.push((shown.to_owned(), lines.collect()));
    }
    harness.shut_down().await;
    let logs = function.logs();
    for line in logs.lines() {
        let lower = line.to_lowercase();
        for mark in [TEXT, NUMBER, "zq_value", "7a712d76616c7565"] {
            assert!(!lower.contains(mark), "a log line holds a value: {line}");
        }
        assert!(line.len() < 6 << 10, "a line of {} bytes: {line:.200}", line.len());
    }
    written
}

/// At TRACE, in JSON.
pub async fn no_value(engine: Engine, bootstrap: &str) {
    let harness = harness(engine, bootstrap).await;
    let function = harness.deploy_as(&statements(engine), |function| function).await;
    send(&harness, &function).await;
    let logs = function.logs();
    function.assert_discreet("");
    // They contain what may be logged: the code, the statement, the item, the advice, the fate.
    let code = if engine == Engine::Postgres { "ERROR (23505)" } else { "ERROR 1062 (23000)" };
    let line = |error: &str| {
        let lines = logs.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut lines =
            lines.filter(|line| line["error"].as_str().is_some_and(|e| e.contains(error)));
        lines.next().unwrap_or_else(|| panic!("no line holds {error}: {logs}"))
    };
    let twice = line(&format!("statement \"put\" failed: {code}"));
    assert_eq!(
        (&twice["outcome"], &twice["fate"]),
        (&json!("Query"), &json!("not_run")),
        "{twice}"
    );
    assert!(twice["advice"].is_string() && twice["span"]["requestId"].is_string(), "{twice}");
    assert!(twice["cause"].is_string(), "{twice}");
    line("(statement 2 of 2 of the transaction)");
    line("; the transaction was rolled back, and nothing of it remains");
    if engine == Engine::Postgres {
        line("(23505) (routine _bt_check_unique, schema public, table kept, constraint kept_pkey)");
    }
}

/// At TRACE, as text.
pub async fn no_value_in_text(engine: Engine, bootstrap: &str) {
    let harness = harness(engine, bootstrap).await;
    let text = |function: local_lambda::Function| function.log_format(LogFormat::Text);
    let function = harness.deploy_as(&statements(engine), text).await;
    send(&harness, &function).await;
    assert!(function.logs().contains("TRACE"), "{}", function.logs());
}

/// At INFO, an invocation writes one line.
pub async fn one_line(engine: Engine, bootstrap: &str) {
    let harness = harness(engine, bootstrap).await;
    let info = |function: local_lambda::Function| function.log_level("INFO");
    let function = harness.deploy_as(&statements(engine), info).await;
    for (event, lines) in send(&harness, &function).await {
        let of_invocation = lines.iter().filter(|line| line.contains("requestId"));
        let ours: Vec<_> = of_invocation.collect();
        assert!(
            ours.len() == 1 && ours[0].contains("\"message\":\"invocation\""),
            "{event}: {ours:#?}"
        );
    }
}
