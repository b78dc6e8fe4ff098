//! Statement files, as people have them.

use super::*;
use crate::sql::MYSQL;

fn parse(sql: &str, dialect: Dialect) -> Result<Statement, String> {
    Statement::parse("s", sql.into(), dialect).map_err(|error| error.report())
}

#[test]
fn a_file_without_options_reads_at_most_ten_thousand_rows() {
    for dialect in [MYSQL, Dialect::Postgres] {
        let statement = parse("SELECT * FROM items;\n", dialect).unwrap();
        assert_eq!(statement.sql, "SELECT * FROM items;\n");
        assert_eq!((statement.mode, statement.exclusive), (Mode::Read, false));
        assert_eq!((statement.timeout, statement.max_rows), (None, 10_000));
    }
}

#[test]
fn options_are_comments_at_the_top() {
    let options = "-- Moves an item: slowly.\n\n--  mode: write\n-- exclusive : true\n-- Timeout: 250ms\n\
                   -- max_rows: 5\nSELECT 1 -- mode: read\n-- mode: nonsense";
    for before in
        ["", "\u{feff}", "/* Licence\n * of 2026 */\n", "/* a */ /* b */\r\n", "-- a\r\n\r\n"]
    {
        let statement = parse(&format!("{before}{options}"), MYSQL).unwrap();
        assert_eq!((statement.mode, statement.exclusive), (Mode::Write, true), "{before:?}");
        assert_eq!(statement.timeout, Some(Duration::from_millis(250)), "{before:?}");
        assert_eq!(statement.max_rows, 5, "{before:?}");
        assert!(!statement.sql.starts_with('\u{feff}'));
    }
    for sql in ["# a\n# mode: write\nSELECT 1", "/*\n * mode: write\n */ SELECT 1"] {
        assert_eq!(parse(sql, MYSQL).unwrap().mode, Mode::Write, "{sql}");
    }
}

#[test]
fn what_a_server_may_run_that_takes_no_writes() {
    let may = |sql: &str, dialect| {
        parse(&format!("-- mode: write\n{sql}"), dialect).unwrap().may_only_read()
    };
    for sql in [
        "CALL mysql.rds_kill(7)",
        "kill 7",
        "FLUSH TABLES",
        "CHECK TABLE t",
        "SELECT f()",
        "WITH a AS (SELECT 1) SELECT f() FROM a",
    ] {
        assert!(may(sql, MYSQL), "{sql}");
    }
    for sql in ["CHECKPOINT", "DO $$ BEGIN END $$", "SELECT pg_terminate_backend(7)", "SET a.b = 1"]
    {
        assert!(may(sql, Dialect::Postgres), "{sql}");
    }
    for sql in [
        "INSERT INTO t VALUES (1)",
        "WITH a AS (SELECT 1) DELETE FROM t",
        "TRUNCATE t",
        "ANALYZE TABLE t",
        "OPTIMIZE TABLE t",
    ] {
        assert!(!may(sql, MYSQL), "{sql}");
    }
}

#[test]
fn any_other_comment_is_a_comment() {
    for comment in [
        "https://example.com/a?b=c",
        "name: items :many",
        "noqa: L010",
        "note: see the wiki",
        "Mode of payment: cash",
        "Timeout: see the wiki",
        "Modes of transport: sea",
        "timout: see the wiki",
        "timout: 5 seconds",
        "Code: A12",
        "node: primary",
        "more: https://example.com/wiki",
        "Inclusive: both",
        "mdoe:",
        "timeout = see the wiki",
        "timeout after 5 seconds",
        "Param: see the wiki",
        "param",
        "params are in order",
        "parts: A12",
        "Schedule: see the wiki",
        "scheduled: nightly",
        "schedule this nightly",
        "schedules: nightly",
        "@param id the item's number",
        "Name: items; Type: TABLE; Schema: public; Owner: postgres",
        "mode",
        "",
    ] {
        assert_eq!(parse(&format!("-- {comment}\nSELECT 1"), MYSQL).unwrap().mode, Mode::Read);
    }
}

#[test]
fn a_wrong_option_names_its_line() {
    for (sql, why) in [
        ("-- mode: rw\nSELECT 1", "line 1: mode must be read or write, not \"rw\""),
        ("\n-- exclusive: yes\nSELECT 1", "line 2: exclusive must be true or false"),
        ("-- timeout: 30\nSELECT 1", "30s or 5m, not \"30\"; did you mean 30s? What to do:"),
        ("-- timeout: 0\nSELECT 1", "30s or 5m, not \"0\". What to do:"),
        ("-- timeout: 5h\nSELECT 1", "30s or 5m, not \"5h\". What to do:"),
        ("-- timeout: 0s\nSELECT 1", "timeout must be a time"),
        ("-- timeout: 99999999999999999999m\nSELECT 1", "timeout must be a time"),
        ("-- Timeout: 30\nSELECT 1", "timeout must be a time"),
        ("-- max_rows: -1\nSELECT 1", "max_rows must be a number"),
        ("-- exclusve: true\nSELECT 1", "line 1: unknown option exclusve; did you mean exclusive?"),
        ("-- exclusve: yes\nSELECT 1", "line 1: unknown option exclusve; did you mean exclusive?"),
        ("-- Timout: 5\nSELECT 1", "unknown option timout; did you mean timeout?"),
        ("-- time-out : 5\nSELECT 1", "did you mean timeout?"),
        ("-- max_row: all\nSELECT 1", "did you mean max_rows?"),
        ("/*\n * mod: wrte\n */\nSELECT 1", "line 2: unknown option mod; did you mean mode?"),
        ("-- node: write\nSELECT 1", "did you mean mode?"),
        ("-- max-rows: 5\nSELECT 1", "did you mean max_rows?"),
        ("-- mdoe: write\nSELECT 1", "did you mean mode?"),
        ("-- mode = write\nSELECT 1", "\"mode: write\""),
        ("-- timeout 5s\nSELECT 1", "\"timeout: 5s\""),
        ("-- timeout = 5\nSELECT 1", "needs a colon after its name, and timeout must be a time"),
        ("-- timeout=5s\nSELECT 1", "\"timeout: 5s\""),
        ("-- timout = 5\nSELECT 1", "did you mean timeout?"),
        (
            "-- mode = wrte\nSELECT 1",
            "needs a colon after its name, and mode must be read or write",
        ),
        ("-- parm: days int\nSELECT ?", "unknown option parm; did you mean param?"),
        ("-- Parm : days int how old\nSELECT ?", "did you mean param?"),
        ("-- @param days int how old\nSELECT ?", "did you mean param?"),
        ("-- param days int\nSELECT ?", "needs a colon after its name: \"param: days int\""),
        ("-- parms: [30]\nSELECT ?", "unknown option parms; did you mean params?"),
        ("-- parms: {\"days\": 30}\nSELECT ?", "did you mean params?"),
        ("-- params [30]\nSELECT ?", "\"params: [30]\""),
        ("-- shedule: rate(1 day)\nSELECT 1", "unknown option shedule; did you mean schedule?"),
        ("-- shedule: nightly\nSELECT 1", "did you mean schedule?"),
        ("-- scheduled: rate(5 minutes) UTC\nSELECT 1", "did you mean schedule?"),
        ("-- schedule rate(5 minutes)\nSELECT 1", "\"schedule: rate(5 minutes)\""),
        ("-- schedule: nightly\nSELECT 1", "line 1: a schedule is cron(…), rate(…) or at(…)"),
        ("-- params: [1]\nSELECT ?", "line 1: params belong to a schedule"),
        ("-- schedule: rate(1 day)\n-- params: 1\nSELECT ?", "line 2: params must be a JSON"),
        (
            "-- schedule: rate(1 day)\n-- params: []\n-- params: []\nSELECT 1",
            "line 3: params is given",
        ),
        (
            "-- params: days int\nSELECT ?",
            "a parameter is declared by \"-- param: NAME TYPE WORDS\"",
        ),
        ("/* Licence */\n-- mode: wrte\nSELECT 1", "line 2: mode must be read or write"),
        ("-- mode: read\n-- mode: write\nSELECT 1", "line 2: mode is given twice"),
        ("-- mode: rw\nSELECT 1", "the others are param (NAME TYPE WORDS), schedule (cron(…)"),
        ("-- mode: write\n", "contains no SQL"),
        ("", "contains no SQL"),
        ("\u{feff} ;\n", "contains no SQL"),
    ] {
        let report = parse(sql, MYSQL).expect_err(sql);
        assert!(report.contains(why), "{sql:?}: {report}");
    }
}

#[test]
fn the_first_word_is_found_behind_comments() {
    for (sql, verb, main, atomic) in [
        ("select 1", "SELECT", "SELECT", true),
        ("-- Adds.\n\nINSERT INTO t VALUES (1)", "INSERT", "INSERT", true),
        ("/* a; b */ # c\n ((SELECT 1))", "SELECT", "SELECT", true),
        ("WITH a AS (SELECT 1) DELETE FROM t", "WITH", "DELETE", true),
        ("CALL p()", "CALL", "CALL", false),
        ("/*! SELECT */ CALL p()", "SELECT", "SELECT", false),
    ] {
        let statement = parse(&format!("-- mode: write\n{sql}"), MYSQL).unwrap();
        let seen = (statement.verb(), statement.main_verb(), statement.is_atomic());
        assert_eq!(seen, (verb.into(), main.into(), atomic), "{sql}");
    }
}

#[test]
fn what_no_event_may_run_is_refused_with_its_line() {
    let my = MYSQL;
    let pg = Dialect::Postgres;
    for (dialect, sql, why) in [
        (my, "--note\nSELECT 1", "needs a space after the two dashes"),
        (pg, "; ? ;", "no statement begins with \"?\""),
        (my, "COMMIT", "line 2: COMMIT controls transactions"),
        (my, "/*! COMMIT */", "controls transactions"),
        (my, ";COMMIT", "a file contains only one"),
        (my, "START TRANSACTION", "controls transactions"),
        (my, "XA START 'a'", "controls transactions"),
        (pg, "/* /* */ */ begin", "BEGIN controls transactions"),
        (pg, "PREPARE TRANSACTION 'a'", "controls transactions"),
        (pg, "END;", "controls transactions"),
        (my, "SELECT 1;\nSELECT 2", "line 3: a second statement begins here"),
        (pg, "SET a.b = 1; SELECT 2;", "a file contains only one"),
        (my, "CREATE PROCEDURE p() BEGIN SELECT 1; END; DROP TABLE t", "a file contains only one"),
        (my, "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//", "DELIMITER is a command"),
        (my, "SELECT 1\\G", "\\G is a command of the mysql client"),
        (pg, "\\copy t to 'a'", "\\copy is a command of the psql client"),
        (my, "SELECT * FROM t WHERE id = :id", ":id is not a MySQL placeholder"),
        (my, "SELECT * FROM t WHERE id IN (:a,:b)", ":a is not a"),
        (my, "SELECT * FROM t WHERE id = $1", "$1 is not a"),
        (pg, "SELECT * FROM t WHERE id = :id", "use $1"),
        (pg, "SELECT * FROM t WHERE id = ?", "? is not a"),
        (pg, "INSERT INTO t VALUES (?, ?)", "? is not a"),
        (pg, "COPY t FROM STDIN", "COPY exchanges"),
        (pg, "LISTEN a", "LISTEN waits"),
        (my, "LOAD DATA LOCAL INFILE 'a' INTO TABLE t", "LOAD DATA LOCAL"),
    ] {
        let report = parse(&format!("-- mode: write\n{sql}"), dialect).expect_err(sql);
        assert!(report.contains(why), "{sql}: {report}");
    }
}

#[test]
fn what_looks_like_it_is_taken() {
    let my = MYSQL;
    let pg = Dialect::Postgres;
    for (dialect, sql) in [
        (my, "SELECT 5-'1:a', '; COMMIT' -- ; COMMIT\n;"),
        (my, "SELECT @a := 1, \\N"),
        (my, "START REPLICA"),
        (my, "BEGIN NOT ATOMIC SELECT 1; SELECT 2; END"),
        (
            my,
            "CREATE PROCEDURE p() BEGIN a:LOOP SELECT CASE 1 WHEN 1 THEN 2 END; IF 1 THEN CASE 1 \
             WHEN 1 THEN SELECT 1; END CASE; END IF; LEAVE a; END LOOP; END;",
        ),
        (my, "SELECT delimiter FROM t"),
        (pg, "SELECT a::int, b[1:n], b[:n], c ? 'a', d ?| ARRAY['a'], $1::text"),
        (pg, "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;"),
        (pg, "DO $$ BEGIN PERFORM 1; COMMIT; END $$"),
        (pg, "SELECT l FROM t WHERE ?- l AND p @? '$.a' AND (q ? $1)"),
        (pg, "SELECT JSON_OBJECT('a':b), f(c := 1)"),
        (pg, "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; DELETE FROM b);"),
        (pg, "PREPARE p AS SELECT 1"),
    ] {
        let parsed = parse(&format!("-- mode: write\n{sql}"), dialect);
        assert!(parsed.is_ok(), "{sql}: {parsed:?}");
    }
}

#[test]
fn a_read_is_what_the_server_can_be_held_to() {
    let my = MYSQL;
    let pg = Dialect::Postgres;
    for (dialect, sql) in [
        (my, "CALL p()"),
        (my, "/*!99999 SELECT */ CALL p()"),
        (my, "SET @@session.transaction_read_only = 0"),
        (my, "SELECT 1 INTO OUTFILE 'a'"),
        (pg, "DO $$ $$"),
        (pg, "VACUUM"),
        (pg, "PREPARE p AS DELETE FROM t"),
    ] {
        let report = parse(sql, dialect).expect_err(sql);
        assert!(report.contains("\"-- mode: write\""), "{sql}: {report}");
        assert!(parse(&format!("-- mode: write\n{sql}"), dialect).is_ok(), "{sql}");
    }
    for sql in [
        "(SELECT 1)",
        "SHOW TABLES",
        "EXPLAIN SELECT 1",
        "DELETE FROM t",
        "WITH a AS (SELECT 1) TABLE a",
    ] {
        assert!(parse(sql, my).is_ok(), "{sql}");
    }
}

#[test]
fn parameters_are_counted() {
    assert_eq!(parse("SELECT ?, '?', ? -- ?", MYSQL).unwrap().params(), 2);
    assert_eq!(parse("SELECT $2, $1, '$9', $2", Dialect::Postgres).unwrap().params(), 2);
    assert_eq!(parse("SELECT 1", Dialect::Postgres).unwrap().params(), 0);
}

#[test]
fn parameters_are_declared_in_order() {
    let file = "-- Removes old items.\n--\n-- Runs every night.\n-- mode: write\n\
                -- param: days int how old a row must be\n-- param: name text?\n\
                DELETE FROM items WHERE age > $1 AND name = $2 -- not this";
    let statement = parse(file, Dialect::Postgres).unwrap();
    assert_eq!(statement.description, "Removes old items.\n\nRuns every night.");
    let declared = |name: &str, scalar, is_nullable, description: &str| Declared {
        name: name.into(),
        param_type: ParamType { scalar, is_array: false, is_nullable },
        description: description.into(),
    };
    assert_eq!(
        statement.declared,
        [
            declared("days", Scalar::Int, false, "how old a row must be"),
            declared("name", Scalar::Text, true, ""),
        ]
    );
    assert_eq!(parse("/* A licence */ SELECT 1", MYSQL).unwrap().description, "A licence");
    for scalar in Scalar::ALL {
        let file = format!("-- param: p {}?\nSELECT ?", scalar.name());
        assert_eq!(parse(&file, MYSQL).unwrap().declared[0].param_type.scalar, scalar);
    }
    for sql in ["/*!80000 SELECT */ 1", "/*M! SELECT */ 1", "/*+ a hint */ SELECT 1"] {
        assert_eq!(
            parse(sql, MYSQL).map(|statement| statement.description).unwrap_or_default(),
            ""
        );
    }
    let twice = "-- param: d date\n-- param: d date\nSELECT ?, ?";
    assert_eq!(parse(twice, MYSQL).unwrap().declared.len(), 2);
    let array = parse("-- param: ids int[]? which\nSELECT $1", Dialect::Postgres).unwrap();
    assert_eq!(array.declared[0].param_type.to_string(), "int[]?");
}

#[test]
fn a_declaration_that_does_not_fit_is_refused_with_its_line() {
    let my = MYSQL;
    let pg = Dialect::Postgres;
    for (dialect, sql, why) in [
        (my, "-- param: days\nSELECT ?", "line 1: the parameter days has no type"),
        (my, "-- param: days integer\nSELECT ?", "unknown type \"integer\" of the parameter days"),
        (my, "-- param: 1day int\nSELECT ?", "name is a letter and then"),
        (my, "-- param: a.b int\nSELECT ?", "name is a letter and then"),
        (my, "\n-- param: a int\nSELECT 1", "line 2: 1 parameter is declared, but the SQL has 0"),
        (my, "-- param: a int\nSELECT ?, ?", "line 1: 1 parameter is declared, but the SQL has 2"),
        (pg, "-- param: a int\n-- param: b int\nSELECT $1", "line 2: 2 parameters are declared"),
        (pg, "-- param: a int\nSELECT $2", "but the SQL has 2 parameters"),
        (
            pg,
            "-- param: a int\n-- param: a int\nSELECT $1, $2",
            "line 2: the parameter a is declared",
        ),
        (my, "-- param: a int\n-- param: a int?\nSELECT ?, ?", "with two types, int and int?"),
        (my, "-- param: a int[]\nSELECT ?", "MySQL has no arrays"),
        (pg, "-- param: a json[]\nSELECT $1", "unknown type \"json[]\""),
        (my, "-- param: a int?[]\nSELECT ?", "unknown type"),
        (
            my,
            "-- param: a base64\nSELECT from_base64( ? )",
            "line 1: the parameter a is declared as",
        ),
    ] {
        let report = parse(sql, dialect).expect_err(sql);
        assert!(report.contains(why), "{sql:?}: {report}");
        assert!(report.contains("What to do"), "{report}");
    }
}

#[test]
fn a_statement_has_any_number_of_schedules() {
    let file = "-- schedule: cron(0 4 * * ? *) Europe/Berlin\n-- params: {\"days\": 30}\n\
                -- schedule: rate(1 day)\n-- Deletes.\n-- params: [7]\n-- mode: write\n\
                -- param: days int\nDELETE FROM items WHERE age > ?";
    let statement = parse(file, MYSQL).unwrap();
    let schedule = |expression: &str, timezone: Option<&str>, params: &str, line| Schedule {
        expression: expression.into(),
        timezone: timezone.map(Into::into),
        params: Some(params.into()),
        line,
    };
    assert_eq!(
        statement.schedules,
        [
            schedule("cron(0 4 * * ? *)", Some("Europe/Berlin"), "{\"days\": 30}", 1),
            schedule("rate(1 day)", None, "[7]", 3),
        ]
    );
    assert_eq!(statement.description, "Deletes.");
}

#[test]
fn what_runs_only_outside_transactions_is_known() {
    let is_transactional = |sql: &str| {
        parse(&format!("-- mode: write\n{sql}"), Dialect::Postgres).unwrap().is_transactional()
    };
    for sql in [
        "VACUUM items",
        "CALL p()",
        "DO $$ BEGIN END $$",
        "CREATE UNIQUE INDEX CONCURRENTLY i ON items (name)",
        "REINDEX TABLE CONCURRENTLY items",
        "REINDEX SCHEMA public",
        "REINDEX (VERBOSE) DATABASE d",
        "REINDEX (VERBOSE, TABLESPACE t) TABLE partitioned",
        "ALTER DATABASE d SET TABLESPACE t",
        "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
        "ALTER SUBSCRIPTION s SET PUBLICATION p",
        "DROP SUBSCRIPTION s",
        "CREATE TABLESPACE t LOCATION '/t'",
        "CLUSTER",
        "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
        "ALTER SYSTEM SET jit = off",
        "CREATE DATABASE d",
    ] {
        assert!(!is_transactional(sql), "{sql}");
    }
    for sql in [
        "INSERT INTO items VALUES (1)",
        "CREATE SCHEMA s",
        "CREATE INDEX i ON items (name)",
        "ALTER DATABASE d SET jit = off",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "SELECT 'CALL p()' AS \"CONCURRENTLY\"",
    ] {
        assert!(is_transactional(sql), "{sql}");
    }
}
