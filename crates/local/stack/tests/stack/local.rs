//! `local` with the workspace's statements: rows from every engine, the Invoke API, errors of a call.

use crate::run::{Run, text};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

#[test]
fn every_engine_answers_and_nothing_is_left() {
    let run = Run::new();
    let output = run.output("local --engine mysql --engine mariadb --engine postgres --once");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let table =
        "items\n  id  name\n  --  ------\n  1   first\n  2   second\n  3   third\n  (3 rows)\n";
    assert_eq!(out.matches(table).count(), 3, "{out}\n{err}");
    assert_eq!(out.matches("init with login").count(), 3, "{out}\n{err}");
    assert_eq!(out.matches(", warm ").count(), 3, "{out}\n{err}");
    let scheduled = "purge-items, scheduled cron(0 4 * * ? *) Europe/Berlin\n  (0 rows affected)\n";
    assert_eq!(out.matches(scheduled).count(), 3, "{out}\n{err}");
    let other = "\n  {\"statement\":\"add-item\",\"params\":{\"id\":1,\"name\":\"text\"}}\n";
    assert_eq!(out.matches(other).count(), 3, "{out}\n{err}");
    assert_eq!(out.matches("diagnosis: no problems found").count(), 3, "{out}\n{err}");
    run.assert_nothing_left();
}

#[test]
fn a_failed_event_is_told_by_the_exit_code() {
    let run = Run::with(&[("event.json", r#"{"statement":"no-such"}"#)]);
    let output = run.output("local --engine postgres --once --event event.json");
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("no-such: failed\n  Statement: no such statement: \"no-such\""), "{out}");
    run.assert_nothing_left();
}

#[test]
fn a_write_from_standard_input_runs_once() {
    let run = Run::new();
    let mut child = run
        .command("local --once --event -")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let event = br#"{"statement":"add-item","params":[4,"fourth"]}"#;
    child.stdin.take().unwrap().write_all(event).unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("\nadd-item\n  (1 row affected)\n  cold "), "{out}\n{err}");
    assert!(out.contains("  4   fourth\n  (1 row)\n  cold "), "{out}\n{err}"); // RETURNING
    assert!(!out.contains("warm") && !out.contains("sent again"), "{out}\n{err}");
    run.assert_nothing_left();
}

#[test]
fn json_is_one_response_a_line() {
    let run = Run::new();
    let output = run.output("local --engine postgres --once --json");
    let out = text(&output.stdout);
    let names: Vec<_> = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["statement"].clone())
        .collect();
    assert_eq!(names, ["items", "purge-items"], "{out}");
    run.assert_nothing_left();
}

#[test]
fn a_wrong_call_is_explained_before_anything_starts() {
    let run = Run::with(&[
        ("none/notes.txt", "no statement"),
        ("flat/a.sql", "SELECT 1"),
        ("one/postgres/a.sql", "SELECT 1"),
        ("odd/MySQL/a.sql", "SELECT 1"),
    ]);
    for (arguments, says) in [
        ("local --once --engine", "--engine needs a value"),
        ("local --engine oracle", "oracle"),
        ("local --engine mysql@5.7", "the versions of mysql are 8.0, 8.4, 9.7"),
        ("local --engine mysql@", "there is no version; the versions of mysql are 8.0, 8.4, 9.7"),
        ("local --engine mysql --event /no/such/file", "/no/such/file"),
        ("local --engine mysql --event /dev/null", "/dev/null is not JSON"),
        ("local --statements none", "none has no statements"),
        ("local --statements nowhere", "nowhere"),
        ("local --statements flat", "name the one of its files with --engine"),
        (
            "local --statements one --engine mariadb",
            "one has no folder mysql, for --engine mariadb",
        ),
        ("local --statements odd", "odd/MySQL: not the name of a function's folder"),
        ("local --statements one --schema gone.sql", "cannot read the schema gone.sql"),
        (
            "local --statements one --schema mysql=a.sql",
            "--schema mysql=…: the engines are postgres",
        ),
        ("local --schema a.sql --schema b.sql", "given twice"),
        ("local --statements one --statements one", "--statements is given twice"),
        ("local --port abc", "--port abc: expected a number from 1 to 65535"),
        ("local --event {\"secret\":1}", "--event takes the path of a file with the event, or -"),
        ("local --schema postgre=s.sql", "unknown engine \"postgre\""),
        ("check --statement one", "unknown option --statement: did you mean --statements?"),
        (
            "describe --typescript --statements one --output nowhere/client.ts",
            "cannot write nowhere/client.ts: there is no folder nowhere; make it with `mkdir -p nowhere`",
        ),
        ("serve", "cargo xtask local"),
    ] {
        let output = run.output(arguments);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {err}");
        assert!(err.contains("error: ") && err.contains(says), "{arguments}: {err}");
        assert!(!err.contains("secret"), "{arguments}: {err}");
    }
    run.assert_nothing_left();
}

#[test]
fn it_serves_the_invoke_api_until_it_is_interrupted() {
    let run = Run::new();
    let mut serving = run.serve("local --engine postgres");
    serving.wait_for("Save a statement or the schema, and it runs again.\n");
    for folder in fs::read_dir(run.folder.path()).unwrap() {
        let folder = folder.unwrap();
        let mode = folder.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{}: others get into it", folder.path().display());
    }
    // A page in a browser may send this without a preflight request.
    let page = "host: evil.example\r\norigin: http://evil.example\r\ncontent-type: text/plain\r\n";
    let add = r#"{"statement":"add-item","params":[9,"nine"]}"#;
    let refused = serving.post("postgres-function", page, add);
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    let post = |event: &str| serving.post("postgres-function", "host: ADDRESS\r\n", event);
    let response = post(r#"{"statement":"items"}"#);
    let body = response.split_once("\r\n\r\n").unwrap().1;
    let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{response}"));
    assert_eq!(body["row_count"], json!(3));

    post(add);
    post(
        r#"{"transaction":[{"statement":"items"},{"statement":"add-item","params":[9,"secret"]}]}"#,
    );
    post(r#"{"secret":"secret"}"#);
    for line in [
        "Z postgres-function items: ok, ",
        "Z postgres-function add-item: ok, ",
        "Z postgres-function transaction of items, add-item: failed, Query, ",
        "Z postgres-function unknown event: failed, Event, ",
    ] {
        serving.wait_for(line);
    }
    let printed = serving.interrupt();
    assert!(printed.ends_with("Goodbye.\n"), "{printed}");
    assert!(!printed.contains("secret") && !printed.contains("nine"), "{printed}");
    run.assert_nothing_left();
}
