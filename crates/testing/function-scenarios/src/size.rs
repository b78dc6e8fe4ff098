//! Large results and events: how much memory they take, and when they are refused.

use engine::Engine;
use function_harness::{Deployed, Harness};

/// About 5 MB of JSON, in many rows and in one.
const ROWS: &str = "SELECT REPEAT('x', 500) AS text FROM items a, items b, items c, items d, items e, \
                    items f, items g, items h, items i LIMIT 10000";
const ONE_ROW: &str = "SELECT REPEAT('x', 5000000) AS text";

/// A result of 5 MB takes less than three times its size in memory. MySQL's driver keeps up to four
/// copies of a row, which matters if one row is the whole result.
pub async fn memory(engine: Engine, bootstrap: &str) {
    let of_one_row = if engine == Engine::Postgres { 3 } else { 6 };
    let harness = Harness::start(engine, bootstrap).await;
    for (sql, times) in [(ROWS, 3), (ONE_ROW, of_one_row)] {
        // A new function for each: a process's peak never goes down.
        let function =
            harness.deploy_with(&[("AWS_LAMBDA_LOG_LEVEL", "WARN")], &[("large", sql)]).await;
        let (_, before) = peak(&function, "items").await;
        let (bytes, after) = peak(&function, "large").await;
        assert!(bytes > 5_000_000, "{bytes} bytes");
        let taken = (after - before) << 20;
        // Both are rounded to whole megabytes, as Lambda reports them.
        assert!(
            taken < times * bytes + (1 << 20),
            "{bytes} bytes took {taken} bytes of memory: {sql}"
        );
    }
}

/// The size of a statement's response, and the peak of the function's memory so far, in MB.
async fn peak(function: &Deployed<'_>, statement: &str) -> (u64, u64) {
    let invocation = function.send(&format!(r#"{{"statement":"{statement}"}}"#)).await;
    assert_eq!(invocation.function_error, None, "{}", function.logs());
    (invocation.payload.len() as u64, invocation.max_memory_mb)
}

/// Events as large as Lambda accepts, and their refusals: none takes more memory than a few times its
/// size, or has a longer response or log line than others.
pub async fn huge_events(engine: Engine, bootstrap: &str) {
    const SIZE: usize = 5_900_000;
    let harness = Harness::start(engine, bootstrap).await;
    let filled = |of: &str, room: usize| of.repeat(room / of.len());
    let keys: Vec<_> = (0..450_000).map(|at| format!(r#""{at:x}":[0]"#)).collect();
    let known = filled(r#"{"statement":"items"},"#, SIZE);
    let array = |of: &str| format!(r#"{{"statement":"adds","params":[{of}]}}"#);
    let nested = format!("{}{}", "[".repeat(SIZE / 2), "]".repeat(SIZE / 2));
    let adds = match engine {
        Engine::Postgres => "SELECT $1::int4 + 1 AS sum",
        Engine::MySql | Engine::MariaDb => "-- mode: write\nSET @sum = ? + 1, @@sql_mode = @sum",
    };
    for (what, event, error_type, times) in [
        ("a key", format!(r#"{{"{}":1}}"#, filled("k", SIZE)), "Event", 4),
        ("an escaped key", format!(r#"{{"{}":1}}"#, filled(r"\u0001", SIZE)), "Event", 4),
        ("a name", format!(r#"{{"statement":"{}"}}"#, filled("é", SIZE)), "Statement", 4),
        ("a value", format!(r#"{{"statement":["{}"]}}"#, filled("v", SIZE)), "Event", 4),
        ("keys", format!("{{{}}}", keys.join(",")), "Event", 4),
        ("depth", format!(r#"{{"a":{nested}}}"#), "Event", 4),
        ("deep parameters", array(&nested), "Event", 4),
        ("parameters", array(&(filled("0,", SIZE) + "0")), "Event", 4),
        ("an array", array(&format!("[{}0]", filled("0,", SIZE))), "Statement", 4),
        // The server quotes it.
        ("a quoted value", array(&format!(r#""{}""#, filled("v", SIZE))), "Query", 8),
        // Each is a valid call, with its name, statement and position.
        (
            "statements",
            format!(r#"{{"transaction":[{known}{{"statement":"itmes"}}]}}"#),
            "Statement",
            8,
        ),
    ] {
        // A new function for each: a process's peak never goes down.
        let statements = [("adds", adds)];
        let function = harness.deploy_as(&statements, |function| function.log_level("INFO")).await;
        function.fails(r#"{"statement":"adds","params":["none"]}"#, "Query").await;
        let before = function.send(r#"{"statement":"none"}"#).await.max_memory_mb;
        let invocation = function.send(&event).await;
        let payload: serde_json::Value = serde_json::from_slice(&invocation.payload).unwrap();
        assert_eq!(payload["errorType"], error_type, "{what}: {payload:.400}");
        assert!(invocation.payload.len() < 8 << 10, "{what}: {}", invocation.payload.len());
        assert!(invocation.log.len() < 8 << 10, "{what}: {}", invocation.log.len());
        let (size, taken) = (event.len() as u64, (invocation.max_memory_mb - before) << 20);
        // Both are rounded to whole megabytes, as Lambda reports them.
        assert!(taken < times * size + (1 << 20), "{what}: {size} bytes took {taken} of memory");
    }
}

/// A single value may be longer than any response: the result is refused, and the function keeps
/// running.
pub async fn long_values(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    // Values that wait for the server's text are not in the JSON yet, but count towards the limit.
    let points = "SELECT id, array_fill(point(1, 2), ARRAY[1500000]) AS p FROM items WHERE id = 2";
    let long = "SELECT name, REPEAT('x', CASE id WHEN 2 THEN 15000000 ELSE 1 END) AS text \
                FROM items ORDER BY id";
    // A few bytes each, and 131,072 digits.
    let numerics = "SELECT array_fill(1e131071::numeric, ARRAY[200000]) AS n";
    let statements = [("long", long), ("points", points), ("numerics", numerics)];
    let function = harness.deploy_with(&[], &statements).await;
    if engine == Engine::Postgres {
        function.fails(r#"{"statement":"numerics"}"#, "ResultTooLarge").await;
        let message = function.fails(r#"{"statement":"points"}"#, "ResultTooLarge").await;
        assert!(message.contains("at row 1"), "{message}");
    }
    let message = function.fails(r#"{"statement":"long"}"#, "ResultTooLarge").await;
    assert!(message.contains("at row 2") && message.contains("LIMIT"), "{message}");
    let response = function.ok(r#"{"statement":"items"}"#).await;
    assert_eq!(response["row_count"], 3);
}
