//! `check`: what is wrong, with file and line, and what is right.

use crate::run::{Run, text};
use serde_json::{Value, json};

const SCHEMA: &str = "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20));";

const PURGE: &str =
    "-- Removes one.\n-- mode: write\n-- param: id int its number\nDELETE FROM t WHERE id = ";

/// Files that every engine refuses, with the line.
const WRONG: [(&str, &str, u64); 5] = [
    ("column", "-- A comment.\nSELECT id,\n  nocol\nFROM t", 3),
    ("table", "SELECT id\nFROM missing", 2),
    ("option", "-- Words.\n-- mode: maybe\nSELECT 1", 2),
    ("syntax", "SELECT id\nFORM t", 2),
    ("type", "-- mode: read\n-- param: id whole its number\nSELECT 1", 2),
];

/// Statements of both engines that are right.
fn right() -> Run {
    Run::with(&[
        ("schema.sql", SCHEMA),
        ("sql/mysql/all.sql", "SELECT * FROM t"),
        ("sql/mysql/purge.sql", &format!("{PURGE}?")),
        ("sql/postgres/all.sql", "SELECT * FROM t"),
        ("sql/postgres/purge.sql", &format!("{PURGE}$1")),
    ])
}

#[test]
fn what_is_wrong_has_file_and_line_on_every_engine() {
    let run = right();
    for folder in ["mysql", "postgres"] {
        for (name, sql, _) in WRONG {
            run.write(&format!("sql/{folder}/{name}.sql"), sql);
        }
    }
    run.write("sql/postgres/operator.sql", "SELECT\n  id\n  + name FROM t");
    let arguments = "check --statements sql --schema schema.sql --engine mysql --engine mariadb --engine postgres";
    let output = run.output(arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    for (name, _, line) in WRONG {
        let place = |folder: &str| format!("\nsql/{folder}/{name}.sql:{line}: ");
        assert_eq!(out.matches(&place("mysql")).count(), 2, "{name}: {out}");
        assert_eq!(out.matches(&place("postgres")).count(), 1, "{name}: {out}");
    }
    assert!(
        out.contains("\nsql/postgres/operator.sql:3: ERROR (42883): operator does not"),
        "{out}"
    );
    assert_eq!(out.matches("Unknown column 'nocol'").count(), 2, "{out}");
    assert_eq!(out.matches("\n7 statements, 5 wrong\n").count(), 2, "{out}");
    assert_eq!(out.matches("\n8 statements, 6 wrong\n").count(), 1, "{out}");
    // The others are told all the same.
    assert_eq!(out.matches("  purge      write  id int").count(), 3, "{out}");

    let output = run.output(&format!("{arguments} --json"));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &report["ok"]), (Some(1), &json!(false)));
    let wrong = report["wrong"].as_array().unwrap();
    assert_eq!(wrong.len(), 16, "{wrong:?}");
    let column = wrong
        .iter()
        .find(|wrong| {
            wrong["file"] == "sql/mysql/column.sql" && wrong["function"] == "mariadb-function"
        })
        .unwrap();
    assert_eq!((&column["line"], &column["errorType"]), (&json!(3), &json!("Query")));
    run.assert_nothing_left();
}

#[test]
fn what_is_right_is_a_table_and_success() {
    let run = right();
    let output = run.output("check --statements sql --schema schema.sql");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{out}\n{err}");
    let head = "  statement  mode   params  columns\n  ---------  -----  ------  ----";
    assert_eq!(out.matches("\n2 statements, all right\n").count(), 2, "{out}");
    assert!(out.contains("  all        read   -       id int, name varchar\n"), "{out}");
    assert!(out.contains("  all        read   -        id int4, name varchar\n"), "{out}");
    assert!(out.contains(head), "{out}");

    let output = run.output("check --statements sql --schema schema.sql --engine postgres --json");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success() && report["ok"] == true, "{report}");
    let purge = &report["functions"][0]["statements"][1];
    let expected = json!({"name": "purge", "mode": "write", "description": "Removes one."});
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&purge[field], value, "{purge}");
    }
    assert_eq!(purge["params"][0]["name"], "id");
    run.assert_nothing_left();
}

#[test]
fn a_wrong_call_is_explained_before_anything_starts() {
    let run = right();
    run.write("empty/mysql/notes.txt", "nothing");
    run.write("twice/postgres/a.sql", "SELECT 1");
    run.write("twice/postgres/a.SQL", "SELECT 2");
    for (arguments, says) in [
        ("--engine oracle", "unknown engine \"oracle\""),
        ("--engine postgres@", "there is no version"),
        ("--engine postgres@15 --engine postgres@16", "given with two versions"),
        ("--statements sql", "there is no schema for mysql"),
        ("--statements sql --schema postgres=schema.sql", "there is no schema for mysql"),
        ("--statements sql --schema gone.sql", "cannot read the schema gone.sql"),
        (
            "--statements empty --schema schema.sql",
            "no .sql file in empty/mysql. What to do: put a .sql file into it, or remove the folder",
        ),
        (
            "--statements sql --schema schema.sql --engine postgres@1",
            "--engine postgres@1: there is no such server on this machine, and none can be fetched: the \
             versions of postgres are 14, 15, 16, 17, 18, as in postgres@18; LOCAL_RDS_POSTGRES can name the path of \
             a server",
        ),
    ] {
        let output = run.output(&format!("check {arguments}"));
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {err}");
        assert!(err.starts_with("error: ") && err.contains(says), "{arguments}: {err}");
    }
    let output = run.output("check --statements twice --schema schema.sql");
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("another file defines a statement of this name"), "{out}");
    run.assert_nothing_left();
}
