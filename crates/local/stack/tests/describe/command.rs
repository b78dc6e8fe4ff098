//! The command: whom it asks, what it prints and writes, and its exit codes.

use local_rds::Engine;
use std::fs;
use std::process::Stdio;

use crate::fixture::Served;
use crate::run::{Run, text};
use crate::rust::nasty;

const COUNT: &str = "-- How many.\nSELECT count(*) AS items FROM items";
const TABLE: &str = "CREATE TABLE items (id INT PRIMARY KEY);";

#[test]
fn a_wrong_statement_is_an_error_unless_it_may_be_left_out() {
    let run = Run::new();
    let from = format!("describe --from {}", nasty().display());
    let output = run.output(&format!("{from} --typescript --output client.ts"));
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("broken, line 3: broken.sql: two */ statements line two\n"), "{err}");
    assert!(err.contains("error: a statement is wrong: client.ts stays as it is"), "{err}");
    assert!(!run.path("client.ts").exists());

    let output = run.output(&format!("{from} --typescript --output client.ts --allow-errors"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let client = fs::read_to_string(run.path("client.ts")).unwrap();
    assert!(
        client.contains("\n// broken is left out: broken.sql: two */ statements\n"),
        "{client}"
    );

    // Without a language everything is shown, and the exit code tells.
    let output = run.output(&from);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(out.contains("\n  broken, line 3: ") && out.contains("\n  items (read)\n"), "{out}");
    run.assert_nothing_left();
}

#[test]
fn a_client_is_compared_in_ci() {
    let run = Run::new();
    let from = format!("describe --allow-errors --from {}", nasty().display());
    for language in ["typescript", "rust", "json-schema"] {
        let write = run.output(&format!("{from} --{language} --output client"));
        assert!(write.status.success(), "{}", text(&write.stderr));
        let client = fs::read_to_string(run.path("client")).unwrap();
        let again = run.output(&format!("{from} --{language}"));
        assert_eq!(text(&again.stdout), client, "the same text");
        let check = format!("{from} --{language} --check client");
        assert!(run.output(&check).status.success());
        run.write("client", &client.replacen("items", "itms", 1));
        let output = run.output(&check);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.contains("error: client is not what would be written"), "{err}");
        assert!(
            fs::read_to_string(run.path("client")).unwrap().contains("itms"),
            "it is not written"
        );
    }
    run.assert_nothing_left();
}

#[test]
fn a_client_is_that_of_one_function() {
    let run = Run::with(&[
        ("sql/postgres/count.sql", COUNT),
        ("sql/postgres-reports/total.sql", "SELECT 42 AS total"),
        ("sql/mysql/broken.sql", "-- An order.\nSELECT no_such_column FROM items"),
        ("schema.sql", TABLE),
    ]);
    let of = "describe --statements sql --schema schema.sql";
    let output = run.output(&format!("{of} --rust"));
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    let choose = "there are 3 functions, mysql, postgres, postgres-reports: choose one with \
                  --function-folder or --engine";
    assert!(err.contains(choose) && !err.contains("starting"), "{err}");
    let output = run.output(&format!("{of} --rust --function-folder postgres-total"));
    let err = text(&output.stderr);
    assert!(err.contains("the folders are mysql, postgres, postgres-reports"), "{err}");

    let output = run.output(&format!("{of} --rust --function-folder postgres-reports"));
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && out.contains("pub struct Total;"), "{out}\n{err}");
    assert!(!out.contains("Count") && !err.contains("mysql"), "{out}\n{err}");

    // All of them in one table.
    let output = run.output(of);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    for part in [
        "mysql-function: MySQL ",
        "postgres-function: PostgreSQL ",
        "\n  broken, line 2: ",
        "\n  count (read)\n    How many.\n    returns  items int8\n",
        "\npostgres-function-reports: ",
    ] {
        assert!(out.contains(part), "{part}: {out}\n{err}");
    }
    run.assert_nothing_left();
}

#[test]
fn a_deployed_function_is_asked_by_the_aws_client() {
    let served = Served::start(Engine::Postgres);
    let table = served.describe("");
    let head = "postgres-function: PostgreSQL ";
    assert!(table.starts_with(head) && table.contains("\n  echo (read)\n"), "{table}");
    let answer = served.describe("--json");
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["describe"]["statements"][0]["name"], "add-item");
    // From the answer, as if it had been asked itself.
    served.run.write("answer.json", &answer.to_string());
    let from = served.run.output("describe --from answer.json --typescript");
    assert_eq!(text(&from.stdout), served.describe("--typescript"));

    let mut command = served.run.command("describe --function no-such --json");
    served.as_aws(&mut command);
    let output = command.stdin(Stdio::null()).output().unwrap();
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("no-such") && output.stdout.is_empty(), "{err}");
    served.end();
}

#[test]
fn what_is_no_description_is_told() {
    let run =
        Run::with(&[("answer.json", r#"{"errorType":"Event","errorMessage":"unknown event"}"#)]);
    let output = run.output("describe --from answer.json --rust");
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        err.contains("error: answer.json: the function answered Event: unknown event"),
        "{err}"
    );
    let output = run.output("describe --from no-such.json");
    let err = text(&output.stderr);
    assert!(err.contains("cannot read") && err.contains("no-such.json"), "{err}");
}

#[test]
fn an_interrupt_leaves_nothing_behind() {
    let run = Run::with(&[("sql/postgres/count.sql", COUNT), ("schema.sql", TABLE)]);
    let arguments = "describe --statements sql --schema schema.sql --rust --output client.rs";
    let mut serving = run.serve(arguments);
    serving.wait_for("starting postgres");
    serving.interrupted_with(130);
    assert!(!run.path("client.rs").exists());
    run.assert_nothing_left();
}
