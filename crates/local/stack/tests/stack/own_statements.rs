//! `local --statements DIR --schema FILE`: anyone's statements against anyone's tables.

use crate::run::{Run, text};

const SHOP: &str = "CREATE TABLE orders (id INT PRIMARY KEY, placed TIMESTAMP NOT NULL);
INSERT INTO orders VALUES (1, '2026-01-01 00:00:00'), (2, '2037-01-01 00:00:00');";

const COUNT: &str =
    "-- Counts the orders.\n-- schedule: rate(1 hour)\nSELECT count(*) AS orders FROM orders;";

/// Removes what was placed before it runs.
fn purge(placeholder: &str) -> String {
    format!(
        "-- mode: write\n-- param: before timestamp\n-- schedule: cron(0 4 * * ? *) Europe/Berlin\n\
         -- params: {{\"before\": \"<aws.scheduler.scheduled-time>\"}}\n\
         DELETE FROM orders WHERE placed < {placeholder};"
    )
}

fn find(placeholder: &str) -> String {
    format!("-- param: id int the order's number\nSELECT id FROM orders WHERE id = {placeholder};")
}

#[test]
fn statements_and_schedules_run_against_own_tables_on_every_engine() {
    let run = Run::with(&[
        ("sql/mysql/count.sql", COUNT),
        ("sql/mysql/purge.sql", &purge("?")),
        ("sql/mysql/find.sql", &find("?")),
        ("sql/mysql-reports/total.sql", "SELECT 42 AS total FROM orders WHERE id = 2"),
        ("sql/postgres/count.sql", COUNT),
        ("sql/postgres/purge.sql", &purge("$1")),
        ("sql/postgres/find.sql", &find("$1")),
        ("shop.sql", SHOP),
        (
            "shop-postgres.sql",
            "CREATE SCHEMA shop;\nCREATE TABLE shop.orders AS SELECT i AS id, now() AS placed \
             FROM generate_series(1, 7) AS i;\nCREATE VIEW orders AS SELECT * FROM shop.orders;",
        ),
    ]);
    let arguments =
        "local --once --statements sql --schema shop.sql --schema postgres=shop-postgres.sql";
    let output =
        run.output(&format!("{arguments} --engine mysql --engine mariadb --engine postgres"));
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let count = |orders: u32| format!("\ncount\n  orders\n  ------\n  {orders}\n  (1 row)\n");
    assert_eq!(out.matches(&count(2)).count(), 2, "{out}\n{err}");
    assert_eq!(out.matches(&count(7)).count(), 1, "{out}\n{err}");
    let purged = "\npurge, scheduled cron(0 4 * * ? *) Europe/Berlin\n  (1 row affected)\n";
    assert_eq!(out.matches(purged).count(), 2, "{out}\n{err}");
    for name in ["mysql-function-reports", "mariadb-function-reports"] {
        let (_, own) = out.split_once(&format!("\n{name}: ")).expect(name);
        assert!(own.contains("\ntotal\n  total\n  -----\n  42\n  (1 row)\n"), "{out}");
    }
    assert_eq!(out.matches(r#"{"statement":"find","params":{"id":1}}"#).count(), 3, "{out}");

    // An event goes to the function that has its statement.
    run.write("total.json", r#"{"statement":"total"}"#);
    let output = run.output(&format!("{arguments} --event total.json"));
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}");
    assert_eq!(out.matches("-function").count(), 1, "{out}");
    // The event that was listed.
    run.write("find.json", r#"{"statement":"find","params":{"id":1}}"#);
    let output = run.output(&format!("{arguments} --event find.json --engine postgres"));
    let out = text(&output.stdout);
    assert!(output.status.success() && out.contains("  1\n  (1 row)"), "{out}");
    run.assert_nothing_left();
}

#[test]
fn a_schema_that_is_refused_is_named_with_its_line() {
    let wrong =
        "CREATE TABLE a (b INT);\n\n-- A table that is missing.\nINSERT INTO c VALUES (1);\n";
    let syntax = "CREATE TABLE a (b INT);\nCREATE TABLE b (\n  c INT,,\n  d INT\n);";
    let client = "CREATE TABLE a (b INT);\n\\i other.sql\n";
    let run = Run::with(&[
        ("sql/a.sql", "SELECT 1"),
        ("wrong.sql", wrong),
        ("syntax.sql", syntax),
        ("client.sql", client),
    ]);
    for (engine, schema, line, says) in [
        ("mysql", "wrong", 4, "mysql: 1146 (42S02) Table 'app.c' doesn't exist"),
        ("mariadb", "wrong", 4, "mariadb: 1146 (42S02) Table 'app.c' doesn't exist"),
        ("postgres", "wrong", 4, "postgres: 42P01 relation \"c\" does not exist"),
        ("mysql", "syntax", 3, "1064 (42000) You have an error in your SQL syntax"),
        ("mariadb", "syntax", 3, "1064 (42000) You have an error in your SQL syntax"),
        ("postgres", "syntax", 3, "42601 syntax error at or near \",\""),
        ("postgres", "client", 2, "\\i is a command of the client psql, not of the server"),
        ("mysql", "client", 2, "\\i is a command of the client mysql, not of the server"),
    ] {
        let output = run.output(&format!(
            "local --once --statements sql --engine {engine} --schema {schema}.sql"
        ));
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{engine} {schema}: {err}");
        assert!(err.contains(&format!("error: {schema}.sql:{line}: ")), "{engine}: {err}");
        assert!(err.contains(says), "{engine} {schema}: {err}");
    }
    run.assert_nothing_left();
}

#[test]
fn a_bad_file_spoils_itself_alone() {
    let run = Run::with(&[
        ("sql/good.sql", "SELECT 1 AS good"),
        ("sql/bad.sql", "-- A comment.\n-- mode: maybe\nSELECT 1"),
        ("sql/write.sql", "-- mode: write\nDELETE FROM missing"),
    ]);
    let output = run.output("local --once --statements sql --engine postgres");
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("\ngood\n  good\n  ----\n  1\n  (1 row)\n"), "{out}");
    assert!(out.contains("refused: sql/bad.sql:2: mode must be read or write"), "{out}");
    let (_, diagnosis) = out.split_once("the login is ok, but not every statement:").expect(&out);
    assert!(diagnosis.contains("bad.sql:2: ") && diagnosis.contains("\"missing\""), "{out}");
    assert!(err.contains("there is no --schema FILE: the database has no tables"), "{err}");
    run.assert_nothing_left();
}

#[test]
fn every_result_set_of_a_procedure_is_shown() {
    let schema = "DELIMITER //\nCREATE PROCEDURE two() BEGIN SELECT 1 AS a; SELECT 2 AS b; END //";
    let run = Run::with(&[("sql/two.sql", "-- mode: write\nCALL two()"), ("schema.sql", schema)]);
    run.write("event.json", r#"{"statement":"two"}"#);
    let output = run.output(
        "local --once --statements sql --engine mysql --engine mariadb --schema schema.sql \
         --event event.json",
    );
    let out = text(&output.stdout);
    assert!(output.status.success(), "{out}");
    let sets = "\ntwo\n  a\n  -\n  1\n  (1 row)\n\n  b\n  -\n  2\n  (1 row)\n  cold ";
    assert_eq!(out.matches(sets).count(), 2, "{out}");
    run.assert_nothing_left();
}
