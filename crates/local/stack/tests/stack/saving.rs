//! `local` while it serves: what is saved runs again.

use crate::run::Run;
use std::fs;

const ENGINES: &str = "--engine mysql --engine mariadb --engine postgres";
const READY: &str = "Save a statement or the schema, and it runs again.\n";
const NAMES: [&str; 3] = ["mysql-function", "mariadb-function", "postgres-function"];

#[test]
fn a_saved_statement_runs_again_on_every_engine() {
    let run = Run::with(&[
        ("sql/a.sql", "SELECT 1 AS before_it"),
        ("sql/other.sql", "SELECT 2 AS other"),
    ]);
    let mut serving = run.serve(&format!("local --statements sql {ENGINES}"));
    let first = serving.wait_for(READY);
    assert_eq!(first.matches("before_it").count(), 3, "{first}");

    // An editor writes another file and renames it.
    run.write("sql/a.sql~", "SELECT 1 AS after_it");
    fs::rename(run.path("sql/a.sql~"), run.path("sql/a.sql")).unwrap();
    let mut again = String::new();
    for name in NAMES {
        again += &serving.wait_for(&format!("\n{name}: "));
        again += &serving.wait_for("\na\n  after_it\n  --------\n  1\n  (1 row)\n");
    }
    assert!(!again.contains("other"), "only what changed runs: {again}");

    run.write("sql/a.sql", "-- mode: maybe\nSELECT 1");
    serving.wait_for("refused: sql/a.sql:1: mode must be read or write");
    let response = serving.post("mysql-function", "host: ADDRESS\r\n", r#"{"statement":"other"}"#);
    assert!(response.contains(r#""rows":[{"other":2}]"#), "{response}");

    run.write("sql/new.sql", "-- param: id int\nSELECT 1 WHERE 1 = 2");
    serving.wait_for("refused: sql/new.sql:1: ");
    run.write("sql/new.sql", "SELECT 3 AS new_one");
    serving.wait_for("new_one");
    fs::remove_file(run.path("sql/a.sql")).unwrap();
    for name in NAMES {
        serving.wait_for(&format!("\n{name}: a is gone\n"));
    }
    let response = serving.post("postgres-function", "host: ADDRESS\r\n", r#"{"statement":"a"}"#);
    assert!(response.contains("no such statement"), "{response}");
    let printed = serving.interrupt();
    assert!(printed.ends_with("Goodbye.\n"), "{printed}");
    run.assert_nothing_left();
}

#[test]
fn a_saved_schema_makes_a_new_database() {
    let run = Run::with(&[
        ("sql/mysql/rows.sql", "SELECT id FROM t"),
        ("sql/postgres/rows.sql", "SELECT id FROM t"),
        ("sql/postgres/add.sql", "-- mode: write\nINSERT INTO t VALUES (9)"),
        ("schema.sql", "CREATE TABLE t (id INT);\nINSERT INTO t VALUES (1);"),
    ]);
    let mut serving = run.serve("local --statements sql --schema schema.sql");
    serving.wait_for(READY);
    let post = |serving: &crate::run::Serving, statement: &str| {
        let event = format!(r#"{{"statement":"{statement}"}}"#);
        serving.post("postgres-function", "host: ADDRESS\r\n", &event)
    };
    assert!(post(&serving, "add").contains(r#""rows_affected":1"#));
    assert!(post(&serving, "rows").contains(r#"[{"id":1},{"id":9}]"#));

    run.write("schema.sql", "CREATE TABLE t (id INT);\nINSERT INTO u VALUES (2);");
    for engine in ["mysql", "postgres"] {
        serving.wait_for(&format!("error: schema.sql:2: {engine}: "));
        serving.wait_for("The database before stays.\n");
    }
    assert!(post(&serving, "rows").contains(r#"[{"id":1},{"id":9}]"#));

    run.write("schema.sql", "CREATE TABLE t (id INT);\nINSERT INTO t VALUES (2);");
    for _ in 0..2 {
        serving.wait_for("\nrows\n  id\n  --\n  2\n  (1 row)\n");
    }
    assert!(post(&serving, "rows").contains(r#"[{"id":2}]"#));
    let printed = serving.interrupt();
    assert_eq!(printed.matches("schema.sql changed: making a new ").count(), 4, "{printed}");
    run.assert_nothing_left();
}

#[test]
fn an_event_runs_again_when_its_statement_is_saved() {
    let run = Run::with(&[
        ("sql/a.sql", "SELECT 1 AS a"),
        ("sql/other.sql", "SELECT 2 AS other"),
        ("event.json", r#"{"statement":"a"}"#),
    ]);
    let mut serving = run.serve("local --statements sql --engine postgres --event event.json");
    serving.wait_for(READY);
    run.write("sql/other.sql", "SELECT 2 AS other_column");
    run.write("sql/a.sql", "SELECT 3 AS again");
    serving.wait_for("\na\n  again\n  -----\n  3\n  (1 row)\n");
    assert!(!serving.text().contains("other_column"), "{}", serving.text());
    serving.interrupt();
    run.assert_nothing_left();
}

#[test]
fn ctrl_c_during_a_long_schema_leaves_nothing() {
    let insert = "INSERT INTO t SELECT 1 FROM pg_sleep(0.01);\n".repeat(100_000);
    let run = Run::with(&[
        ("sql/a.sql", "SELECT 1 AS a"),
        ("schema.sql", &format!("CREATE TABLE t (id INT);\n{insert}")),
    ]);
    let mut serving = run.serve("local --statements sql --engine postgres --schema schema.sql");
    serving.wait_for("of 100001 statements, ");
    serving.interrupted_with(130);
    run.assert_nothing_left();
}

#[test]
fn the_shown_calls_are_of_statements_that_did_not_fail() {
    let run = Run::with(&[
        ("sql/schema.sql", "CREATE TABLE t (id INT);"),
        ("sql/postgres/a.sql", "SELECT\n  nocol\nFROM t"),
        ("sql/postgres/b.sql", "SELECT id FROM t"),
        ("sql/postgres-writes/add.sql", "-- mode: write\nINSERT INTO t VALUES (1)"),
    ]);
    let mut serving = run.serve("local --statements sql --schema sql/schema.sql");
    let printed = serving.wait_for(READY);
    assert!(printed.contains("a: failed\n  sql/postgres/a.sql:2: Query: "), "{printed}");
    for (function, event) in [
        ("postgres-function", r#"{"statement":"b"}"#),
        ("postgres-function-writes", r#"{"describe":true}"#),
    ] {
        let curl = format!(
            "--header 'Content-Type: application/json' \\\n    --data '{event}' \\\n    http://"
        );
        assert!(printed.contains(&curl), "{printed}");
        assert!(
            printed.contains(&format!("/2015-03-31/functions/{function}/invocations\n")),
            "{printed}"
        );
        assert!(printed.contains(&format!("  echo '{event}' | \\\n")), "{printed}");
        assert!(printed.contains(&format!("--function-name {function} \\\n")), "{printed}");
        let headers = "host: ADDRESS\r\ncontent-type: application/json\r\n";
        let response = serving.post(function, headers, event);
        assert!(
            response.starts_with("HTTP/1.1 200 ") && !response.contains("errorType"),
            "{response}"
        );
    }
    // While it serves, too: it is told once.
    run.write("sql/postgres/b.sql", "SELECT id,\n  other FROM t");
    serving.wait_for("\nb: failed\n  sql/postgres/b.sql:2: Query: ");
    run.write("sql/postgres/UPPER.SQL", "-- mode: x\nSELECT 1");
    serving.wait_for("\nrefused: sql/postgres/UPPER.SQL:1: mode must be ");
    serving.interrupt();
    run.assert_nothing_left();
}
