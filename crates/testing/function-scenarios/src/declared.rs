//! Declared parameters: names, types, and one meaning on every engine.

use engine::Engine;
use function_harness::Harness;
use function_harness::{Deployed, borrowed};
use local_rds::Server;
use serde_json::{Value, json};

use crate::doctor::is_healthy;

/// The n-th placeholder of an engine.
fn placeholder(engine: Engine, number: usize) -> String {
    if engine == Engine::Postgres { format!("${number}") } else { "?".to_owned() }
}

/// Parameters are sent by name or by position, alone or in a transaction, and an event that does not fit
/// is refused before a connection is needed. No name and no value of it is in a log.
pub async fn names(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let [one, two] = [1, 2].map(|number| placeholder(engine, number));
    let statements = [
        (
            "put",
            format!(
                "-- Adds an item.\n-- mode: write\n-- param: id int its number\n\
                 -- param: name text? what it is called\nINSERT INTO items VALUES ({one}, {two})"
            ),
        ),
        ("above", format!("-- param: id int\nSELECT id FROM items WHERE id > {one} ORDER BY id")),
        ("plain", format!("SELECT id FROM items WHERE id = {one}")),
        ("bad", "-- parms: [1]\nSELECT 1".to_owned()),
    ];
    let function = harness.deploy_with(&[], &borrowed(&statements)).await;
    for (event, error_type, says) in [
        (
            r#"{"statement":"put","params":{"id":9}}"#,
            "Statement",
            "parameter \"name\" of \"put\" is missing",
        ),
        (
            r#"{"statement":"put","params":{"id":9,"nmae":"zq"}}"#,
            "Statement",
            "id (int), name (text?)",
        ),
        (r#"{"statement":"put","params":{"id":9,"name":"zq","id":9}}"#, "Statement", "given twice"),
        (r#"{"statement":"put","params":["zq","zq"]}"#, "Statement", "but its type is int"),
        (r#"{"statement":"put","params":[null,"zq"]}"#, "Statement", "\"id\" of \"put\" is null"),
        (r#"{"statement":"put","params":[9]}"#, "Statement", "takes 2 parameters"),
        (r#"{"statement":"plain","params":{"id":9}}"#, "Statement", "declares no names"),
        (r#"{"statement":"plain","params":[{"zq":9}]}"#, "Event", "not an object"),
        (
            r#"{"statement":"bad"}"#,
            "Statement",
            "line 1: unknown option parms; did you mean params?",
        ),
        (
            r#"{"transaction":[{"statement":"put","params":[9,"zq"]},{"statement":"above","params":{"zq":1}}]}"#,
            "Statement",
            "has no such parameter",
        ),
    ] {
        let message = function.fails(event, error_type).await;
        assert!(message.contains(says), "{event}: {message}");
    }
    let rows = |response: &Value| response["rows"].clone();
    assert_eq!(function.ok(r#"{"statement":"items"}"#).await["row_count"], 3, "nothing was run");
    let put = function.ok(r#"{"statement":"put","params":{"name":"four","id":"4"}}"#).await;
    assert_eq!(put["rows_affected"], 1);
    function.ok(r#"{"statement":"put","params":[5.0,""]}"#).await;
    let above = function.ok(r#"{"statement":"above","params":{"id":3}}"#).await;
    assert_eq!(rows(&above), json!([{"id": 4}, {"id": 5}]));
    let event = r#"{"transaction":[{"statement":"put","params":{"id":6,"name":"six"}},
        {"statement":"above","params":[4]}]}"#;
    let results = function.ok(event).await["transaction"].take();
    assert_eq!(rows(&results[1]), json!([{"id": 5}, {"id": 6}]));
    assert!(!function.logs().contains("zq"), "{}", function.logs());
    function.assert_discreet("");
}

/// A statement with a parameter of every type, and what the server gets: text, by a cast that is the same
/// on every engine.
pub async fn types(engine: Engine, bootstrap: &str) {
    let tables = match engine {
        Engine::Postgres => {
            "CREATE TABLE typed (i BIGINT, n NUMERIC(30,10), t TEXT, b BOOLEAN, d DATE, c TIME(6), \
             u UUID, j JSONB, x BYTEA);"
        }
        Engine::MySql | Engine::MariaDb => {
            "CREATE TABLE typed (i BIGINT, n DECIMAL(30,10), t LONGTEXT, b BOOLEAN, d DATE, c TIME(6), \
             u CHAR(36), j JSON, x LONGBLOB);"
        }
    };
    let harness = Harness::with_tables(Server::builder(engine), tables, bootstrap).await;
    let places: Vec<_> = (1..=9).map(|number| placeholder(engine, number)).collect();
    let put = format!(
        "-- mode: write\n-- param: i int?\n-- param: n number?\n-- param: t text?\n-- param: b boolean?\n\
         -- param: d date?\n-- param: c time?\n-- param: u uuid?\n-- param: j json?\n-- param: x base64?\n\
         INSERT INTO typed VALUES ({})",
        places.join(", ")
    );
    let few = format!(
        "-- param: most int\nSELECT id FROM items ORDER BY id LIMIT {}",
        placeholder(engine, 1)
    );
    let any = if engine == Engine::Postgres { "ANY ($1)" } else { "?" };
    let statements = [
        ("put", put),
        ("all", "SELECT * FROM typed".to_owned()),
        ("clear", "-- mode: write\nDELETE FROM typed".to_owned()),
        ("few", few),
        ("ids", format!("-- param: ids int[]\nSELECT id FROM items WHERE id = {any}")),
    ];
    let function = harness.deploy_with(&[], &borrowed(&statements)).await;
    let yes = if engine == Engine::Postgres { json!(true) } else { json!(1) };
    let clock = if engine == Engine::Postgres { "18:59:43.5" } else { "18:59:43.500000" };
    let document = match engine {
        Engine::MariaDb => json!(r#"{"a": [1.50, null]}"#),
        _ => json!({"a": [1.5, null]}),
    };
    let id = "00112233-4455-6677-8899-aabbccddeeff";
    for params in [
        json!({"i": 7, "n": 0.5, "t": "it's", "b": true, "d": "2024-02-29", "c": "18:59:43.5", "u": id,
            "j": {"a": [1.5, null]}, "x": "AP8="}),
        json!({"i": "7", "n": "0.50", "t": "it's", "b": true, "d": "2024-02-29", "c": "18:59:43.500",
            "u": id, "j": "{\"a\": [1.50, null]}", "x": "AP8="}),
    ] {
        function.ok(&json!({"statement": "put", "params": params}).to_string()).await;
        let row = function.ok(r#"{"statement":"all"}"#).await["rows"][0].take();
        let is_text = params["j"].is_string();
        let document = match engine {
            Engine::MariaDb if !is_text => json!(r#"{"a":[1.5,null]}"#),
            _ => document.clone(),
        };
        let expected = json!({"i": 7, "n": "0.5000000000", "t": "it's", "b": yes, "d": "2024-02-29",
            "c": clock, "u": id, "j": document, "x": "AP8="});
        assert_eq!(row, expected, "{params}");
        function.ok(r#"{"statement":"clear"}"#).await;
    }
    let nulls = json!({"statement": "put", "params": vec![Value::Null; 9]}).to_string();
    function.ok(&nulls).await;
    let row = function.ok(r#"{"statement":"all"}"#).await["rows"][0].take();
    assert!(row.as_object().unwrap().values().all(Value::is_null), "{row}");
    // A number where the syntax takes no text.
    let few = function.ok(r#"{"statement":"few","params":{"most":"2"}}"#).await;
    assert_eq!(few["row_count"], 2);
    if engine == Engine::Postgres {
        let ids = function.ok(r#"{"statement":"ids","params":{"ids":[1,"3",3.0]}}"#).await;
        assert_eq!(ids["row_count"], 2);
    } else {
        let message =
            function.fails(r#"{"statement":"ids","params":{"ids":[1]}}"#, "Statement").await;
        assert!(message.contains("ids.sql: line 1") && message.contains("no arrays"), "{message}");
    }
}

/// An instant is the same instant on every engine, whatever the time zone of its session; a column
/// without a time zone holds it in the session's.
pub async fn instants(engine: Engine, bootstrap: &str) {
    for zone in [None, Some("+05:30")] {
        instants_in(engine, bootstrap, zone).await;
    }
}

async fn instants_in(engine: Engine, bootstrap: &str, zone: Option<&str>) {
    let server = Server::builder(engine);
    let server = match (engine, zone) {
        (_, None) => server,
        // POSIX counts offsets westwards.
        (Engine::Postgres, Some(_)) => server.setting("timezone", "<+0530>-05:30"),
        (_, Some(zone)) => server.setting("default-time-zone", zone),
    };
    let tables = match engine {
        Engine::Postgres => "CREATE TABLE moments (at TIMESTAMPTZ, local TIMESTAMP, day DATE);",
        _ => "CREATE TABLE moments (at TIMESTAMP(6) NULL, local DATETIME(6), day DATE);",
    };
    let harness = Harness::with_tables(server, tables, bootstrap).await;
    let [one, two, three] = [1, 2, 3].map(|number| placeholder(engine, number));
    let declared =
        "-- param: at timestamp?\n-- param: local timestamp?\n-- param: day timestamp?\n";
    let epoch = match engine {
        Engine::Postgres => "EXTRACT(epoch FROM at)::text",
        _ => "CAST(UNIX_TIMESTAMP(at) AS CHAR)",
    };
    let statements = [
        (
            "put",
            format!("-- mode: write\n{declared}INSERT INTO moments VALUES ({one}, {two}, {three})"),
        ),
        ("all", format!("SELECT {epoch} AS seconds, local, day FROM moments")),
        ("clear", "-- mode: write\nDELETE FROM moments".to_owned()),
        (
            "equal",
            format!(
                "{declared}SELECT 1 AS found FROM moments WHERE at = {one} AND local = {two} AND day <= {three}"
            ),
        ),
        (
            "by-default",
            match engine {
                Engine::Postgres => {
                    "-- mode: write\nINSERT INTO moments VALUES (now(), now(), now())".to_owned()
                }
                _ => {
                    "-- mode: write\nINSERT INTO moments VALUES (NOW(6), NOW(6), NOW(6))".to_owned()
                }
            },
        ),
        (
            "older",
            format!(
                "-- param: at timestamp\nSELECT count(*) AS older FROM moments WHERE local < {one}"
            ),
        ),
    ];
    let function = harness.deploy_with(&[], &borrowed(&statements)).await;
    let put = |instant: &str| {
        json!({"statement": "put", "params": [instant, instant, instant]}).to_string()
    };
    for (instant, seconds, utc, shifted) in [
        ("2026-03-22T18:59:43Z", "1774205983.000000", "2026-03-22T18:59:43", "2026-03-23T00:29:43"),
        (
            "2026-03-22T20:59:43.25+02:00",
            "1774205983.250000",
            "2026-03-22T18:59:43.25",
            "2026-03-23T00:29:43.25",
        ),
        (
            "2026-03-22t18:59:43.123456z",
            "1774205983.123456",
            "2026-03-22T18:59:43.123456",
            "2026-03-23T00:29:43.123456",
        ),
        (
            "2001-09-08T15:46:40.000001-10:00",
            "1000000000.000001",
            "2001-09-09T01:46:40.000001",
            "2001-09-09T07:16:40.000001",
        ),
    ] {
        function.ok(&put(instant)).await;
        let row = function.ok(r#"{"statement":"all"}"#).await["rows"][0].take();
        assert_eq!(row["seconds"], seconds, "{instant}, {zone:?}");
        let expected = if zone.is_some() { shifted } else { utc };
        let local = row["local"].as_str().unwrap();
        let (local, expected) = (without_zeros(local), without_zeros(expected));
        assert_eq!(local, expected, "{instant}, {zone:?}");
        assert_eq!(row["day"], expected[..10], "{instant}, {zone:?}");
        let equal = json!({"statement": "equal", "params": {"at": instant, "local": instant, "day": instant}});
        assert_eq!(function.ok(&equal.to_string()).await["row_count"], 1, "{instant}, {zone:?}");
        function.ok(r#"{"statement":"clear"}"#).await;
    }
    // What the server itself wrote is older than tomorrow and younger than yesterday.
    function.ok(r#"{"statement":"by-default"}"#).await;
    for (instant, older) in [("2019-01-01T00:00:00Z", 0), ("2037-01-01T00:00:00Z", 1)] {
        let event = json!({"statement": "older", "params": {"at": instant}}).to_string();
        assert_eq!(function.ok(&event).await["rows"][0]["older"], older);
    }
    far_instants(engine, &function, zone).await;
}

/// An instant that MySQL's TIMESTAMP does not hold is refused if the server would write it in UTC instead
/// of the session's time zone.
async fn far_instants(engine: Engine, function: &Deployed<'_>, zone: Option<&str>) {
    function.ok(r#"{"statement":"clear"}"#).await;
    for (instant, utc) in [
        ("1899-12-31T23:00:00-02:00", "1900-01-01T01:00:00"),
        ("9999-01-01T00:00:00Z", "9999-01-01T00:00:00"),
    ] {
        let event = json!({"statement": "put", "params": [null, instant, instant]}).to_string();
        if engine == Engine::Postgres || zone.is_none() {
            function.ok(&event).await;
            let row = function.ok(r#"{"statement":"all"}"#).await["rows"][0].take();
            if zone.is_none() {
                assert_eq!(without_zeros(row["local"].as_str().unwrap()), utc);
            }
            function.ok(r#"{"statement":"clear"}"#).await;
        } else {
            let message = function.fails(&event, "Statement").await;
            assert!(message.contains("the session's time zone"), "{message}");
            assert_eq!(function.ok(r#"{"statement":"all"}"#).await["row_count"], 0);
        }
    }
}

/// A date and time without the zeros at the end of its fraction.
fn without_zeros(local: &str) -> &str {
    if local.contains('.') { local.trim_end_matches('0').trim_end_matches('.') } else { local }
}

/// The diagnosis and the description find nothing wrong in statements that run only with the types that
/// are declared, and leave the prepared statements of the connection as they were.
pub async fn examined(engine: Engine, bootstrap: &str) {
    let postgres = engine == Engine::Postgres;
    let (created, schema) = if postgres { ("TIMESTAMPTZ", "") } else { ("TIMESTAMP NULL", "app.") };
    let tables = format!("CREATE TABLE {schema}bills (id INT, issued {created}, name VARCHAR(9));");
    let harness = Harness::with_tables(Server::builder(engine), &tables, bootstrap).await;
    // The first is that of docs/REFERENCE.md.
    let statements = if postgres {
        [
            (
                "purge",
                "-- mode: write\n-- param: days int\n-- param: before timestamp?\nDELETE FROM bills \
                 WHERE issued < now() - make_interval(days => $1) AND ($2 IS NULL OR issued < $2)",
            ),
            (
                "due",
                "-- param: now timestamp\n-- param: days int\n-- param: since timestamp?\n\
                 SELECT id FROM bills WHERE issued < $1 - make_interval(days => $2) \
                 AND ($3 IS NULL OR issued >= $3)",
            ),
            ("several", "-- param: at timestamp[]?\nSELECT id FROM bills WHERE $1 IS NULL"),
            ("kept", "-- mode: write\nSELECT * INTO TEMPORARY kept FROM bills"),
        ]
    } else {
        [
            (
                "purge",
                "-- mode: write\n-- param: days int\n-- param: before timestamp?\n\
                 -- param: before timestamp?\nDELETE FROM bills \
                 WHERE issued < NOW() - INTERVAL ? DAY AND (? IS NULL OR issued < ?)",
            ),
            (
                "due",
                "-- param: now timestamp\n-- param: days int\n-- param: since timestamp?\n\
                 -- param: since timestamp?\nSELECT id FROM bills \
                 WHERE issued < ? - INTERVAL ? DAY AND (? IS NULL OR issued >= ?)",
            ),
            ("several", "-- param: at timestamp?\nSELECT id FROM bills WHERE ? IS NULL"),
            ("kept", "-- mode: write\n-- param: from int\nALTER TABLE bills AUTO_INCREMENT = ?"),
        ]
    };
    let rights = if postgres { "bills TO lambda_user" } else { "app.* TO 'lambda-user'@'%'" };
    harness.execute(&format!("GRANT ALL ON {rights}")).await;
    let function = harness.deploy_with(&[], &statements).await;
    let params = json!({"now": "2026-03-22T18:59:43Z", "days": 30, "since": null});
    let due = json!({"statement": "due", "params": params}).to_string();
    for _ in 0..2 {
        function.ok(&due).await;
        is_healthy(&function).await;
        let description = function.ok(r#"{"describe":true}"#).await;
        let entries = description["describe"]["statements"].as_array().unwrap();
        assert!(entries.iter().all(|entry| entry["error"].is_null()), "{description:#}");
    }
    let purge = json!({"statement": "purge", "params": {"days": 30, "before": null}}).to_string();
    function.ok(&purge).await;
    let kept = if postgres { json!([]) } else { json!([7]) };
    function.ok(&json!({"statement": "kept", "params": kept}).to_string()).await;
    let connection = function.ok(&due).await["connection"].take();
    assert_eq!(connection["reused"], true, "{connection}");
}
