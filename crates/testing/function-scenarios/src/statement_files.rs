//! Statement files as people write them: each works, or is refused with its name, the line and the fix,
//! and only for events that call it.

use diagnosis::Cause;
use engine::Engine;
use function_harness::event::{ADD, ITEMS};
use function_harness::{Deployed, Harness};
use serde_json::Value;
use std::fs;

const SCHEDULED: &str = r#"{"id":"53dc4d37-cffa","detail-type":"Scheduled Event",
    "source":"aws.scheduler","detail":{}}"#;

/// Headers of statements, with an option in place of the braces.
const HEADERS: [(&str, &str); 11] = [
    ("mark", "\u{feff}-- {}\n"),
    ("windows", "-- Saved on Windows.\r\n-- {}\r\n"),
    ("licence", "/* Licence */\n-- {}\n"),
    ("licence-block", "/*\n * Licence: see the file\n * LICENSE\n */\n\n-- {}\n"),
    ("in-block", "/*\n * {}\n */\n"),
    ("link", "-- https://example.com/why?mode=write\n-- {}\n"),
    ("sqlc", "-- name: ListItems :many\n-- {}\n"),
    ("linted", "-- noqa: disable=LT01\n-- {}\n"),
    (
        "dumped",
        "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 17.2\n\n\
         -- Name: items; Type: TABLE; Schema: public; Owner: -\n--\n-- {}\n",
    ),
    ("prose", "-- Mode: rarely used. Timeout, if it takes long.\n-- Max_rows of it: all.\n-- {}\n"),
    ("labels", "-- Code: A12\n-- note: nightly\n-- Mode of transport: by sea\n-- {}\n"),
];

/// Options are honoured whatever is above or around a statement.
pub async fn as_people_have_them(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let hashes = [("hash", "# Licence\n# {}\n"), ("hash-block", "# Licence\n/* {} */\n")];
    let own = if engine == Engine::Postgres { &[][..] } else { &hashes[..] };
    let headers: Vec<_> = HEADERS.iter().chain(own).collect();
    let mut files = vec![];
    for (id, (name, header)) in (100..).zip(&headers) {
        let with = |option: &str, sql: &str| format!("{}{sql}", header.replace("{}", option));
        let insert = format!("INSERT INTO items (id, name)\r\nVALUES ({id}, '{name}');\r\n");
        files.push((format!("{name}-write"), with("mode: write", &insert)));
        files.push((format!("{name}-rows"), with("max_rows: 2", "SELECT * FROM items ;;\n")));
        files.push((format!("{name}-time"), with("timeout: 50ms", &sleep(engine))));
    }
    files.push(("long".into(), "-- timeout: 99999999m\nSELECT * FROM items".into()));
    let valid = match engine {
        Engine::Postgres => "SELECT (ARRAY[5, 4])[2:2] AS four, '$1 ? :a'::text AS text;",
        _ => "SELECT 5-'1:a' AS four, '$1 ? :a' AS text;",
    };
    files.push(("valid".into(), valid.into()));
    let files: Vec<_> = files.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
    let function = harness.deploy_with(&[], &files).await;

    for (name, _) in &headers {
        let call = |what: &str| format!(r#"{{"statement":"{name}-{what}"}}"#);
        assert_eq!(function.ok(&call("write")).await["rows_affected"], 1, "{name}");
        function.fails(&call("rows"), "ResultTooLarge").await;
    }
    // One is enough: the others differ only above the option.
    for name in ["mark", "licence"] {
        function.fails(&format!(r#"{{"statement":"{name}-time"}}"#), "Timeout").await;
    }
    let written =
        harness.execute(&format!("SELECT id FROM {} WHERE id >= 100", items(engine))).await;
    assert_eq!(written.len(), headers.len());
    let rows = 3 + headers.len();
    assert_eq!(function.ok(r#"{"statement":"long"}"#).await["row_count"], rows);
    let valid = function.ok(r#"{"statement":"valid"}"#).await["rows"][0].take();
    assert_eq!(valid["text"], "$1 ? :a", "{valid}");
    let four = if engine == Engine::Postgres { &valid["four"][0] } else { &valid["four"] };
    assert_eq!(four.as_f64(), Some(4.0), "{valid}");
    let diagnosis = function.ok(diagnosis::EVENT).await["diagnose"].take();
    assert_eq!(diagnosis["ok"], true, "{diagnosis:#}");
}

/// A file that is not a valid statement, and what its refusal says.
struct Bad {
    name: String,
    sql: String,
    /// The wrong line; 0 for the whole file.
    line: usize,
    way_out: &'static str,
}

fn bad(name: &str, sql: &str, line: usize, way_out: &'static str) -> Bad {
    Bad { name: name.into(), sql: sql.into(), line, way_out }
}

fn bad_files(engine: Engine) -> Vec<Bad> {
    const EACH: &str = "put each into its own file, and send them as one event";
    const SELECT: &str = "SELECT * FROM items\nWHERE id = ";
    let write = |sql: &str| format!("-- mode: write\n{sql}");
    let mut all = vec![
        bad("empty", "", 0, "write a statement into it, or delete the file"),
        bad("comment", "-- mode: read\n;\n", 0, "write a statement into it"),
        bad("typing", "-- Adds.\n-- mode: wrte\nDELETE FROM items", 2, "\"-- mode: write\""),
        bad("option", "-- mdoe: write\nDELETE FROM items", 1, "did you mean mode?"),
        bad("option-and-value", "-- exclusve: yes\nSELECT 1", 1, "did you mean exclusive?"),
        bad("option-and-number", "-- timout: 5\nSELECT 1", 1, "did you mean timeout?"),
        bad("number", "-- timeout: 5\nSELECT 1", 1, "did you mean 5s?"),
        bad("twice", &write("-- mode: read\nDELETE FROM items"), 2, "mode is given twice"),
        bad("two", &write("DELETE FROM items;\n\nDELETE FROM items;"), 4, EACH),
        bad("hidden", &write("DELETE FROM items;/* ; */\nCOMMIT"), 3, EACH),
        bad("two words", &write("DELETE FROM items"), 0, "rename the file"),
    ];
    let own: &[(&str, &str, usize, &str)] = match engine {
        Engine::Postgres => &[
            ("named", ":id", 2, "use $1, $2 …"),
            ("question", "?", 2, "use $1, $2 …"),
            ("copy-out", "COPY items TO STDOUT", 2, "use SELECT, or INSERT"),
            ("copy-in", "COPY items FROM STDIN WITH (FORMAT csv)", 2, "use SELECT, or INSERT"),
            ("listen", "LISTEN jobs;", 2, "use NOTIFY"),
            ("dump", "\\restrict x1\nDELETE FROM items;", 2, "remove it: a file is one"),
            ("abort", "ABORT", 2, ""),
            ("end", "END", 2, ""),
            ("prepare", "PREPARE TRANSACTION 'x'", 2, ""),
        ],
        _ => &[
            ("named", ":id", 2, "use ? for each parameter"),
            ("numbered", "$1", 2, "use ? for each parameter"),
            ("load", "LOAD DATA LOCAL INFILE 'items.csv' INTO TABLE items", 2, "use INSERT with"),
            ("delimiter", "\nDELIMITER //\nDELETE FROM items //", 3, "remove it: a file is one"),
            ("xa", "XA START 'x'", 2, ""),
            ("executed", "/*!50000 COMMIT */", 2, ""),
        ],
    };
    let control = ["BEGIN", "START TRANSACTION", "COMMIT;", "ROLLBACK", "SAVEPOINT s"];
    let control = control.into_iter().chain(["ROLLBACK TO SAVEPOINT s", "RELEASE SAVEPOINT s"]);
    let numbered = control.enumerate().map(|(at, sql)| (format!("control-{at}"), sql, 2, ""));
    let own = own.iter().map(|(name, sql, line, way)| ((*name).to_owned(), *sql, *line, *way));
    all.extend(own.chain(numbered).map(|(name, sql, line, way_out)| {
        let placeholder = ["named", "question", "numbered"].contains(&name.as_str());
        let sql = if placeholder { format!("{SELECT}{sql}") } else { write(sql) };
        let transaction = "send the statements between BEGIN and COMMIT as one event";
        let way_out = if way_out.is_empty() { transaction } else { way_out };
        Bad { name, sql, line, way_out }
    }));
    all
}

/// An invalid statement is refused before any of it runs, alone and in a transaction; the function's
/// other statements work, and the diagnosis lists the file.
pub async fn refused_by_name(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let all = bad_files(engine);
    let files: Vec<_> = all.iter().map(|bad| (bad.name.as_str(), bad.sql.as_str())).collect();
    let function = harness.deploy_with(&[], &files).await;
    for Bad { name, line, way_out, .. } in &all {
        let call = format!(r#"{{"statement":"{name}"}}"#);
        let line = if *line == 0 { String::new() } else { format!("line {line}: ") };
        let file = format!("/statements/{name}.sql: {line}");
        for event in [&call, &format!(r#"{{"transaction":[{ADD},{call}]}}"#)] {
            let message = function.fails(event, "Statement").await;
            assert!(message.contains(&file), "{file} {message}");
            assert!(message.contains(way_out), "{name}: {message}");
        }
        assert_eq!(function.ok(ITEMS).await["row_count"], 3, "after {name}");
    }
    function.ok(ADD).await;

    let diagnosis = function.ok(diagnosis::EVENT).await["diagnose"].take();
    assert_eq!(diagnosis["ok"], false, "{diagnosis:#}");
    let steps = diagnosis["steps"].as_array().unwrap();
    let listed = &steps.iter().find(|step| step["step"] == "statements").unwrap()["facts"];
    for name in all.iter().map(|bad| bad.name.as_str()).chain(["items", "add-item"]) {
        let listed = listed["statements"].as_array().unwrap();
        let shown = listed.iter().find(|shown| shown["name"] == name).unwrap();
        let good = ["items", "add-item"].contains(&name);
        assert_eq!(shown["ok"], good, "{shown:#}");
        let file = format!("/statements/{name}.sql: ");
        assert_eq!(shown.to_string().contains(&file), !good, "{shown:#}");
        assert_eq!(steps[0].to_string().contains(&file), !good, "{:#}", steps[0]);
    }
    let causes = diagnosis["causes"].as_array().unwrap();
    let named = |cause: &Value| cause["cause"] == Cause::StatementFile.id();
    assert!(causes.iter().any(named), "{diagnosis:#}");
}

/// A schedule runs an existing statement without parameters. If there is none, only schedules fail.
pub async fn schedules(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let folder = harness.folder().join("without-items");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("one.sql"), "SELECT 1 AS one").unwrap();
    let folder = folder.display().to_string();
    let function = harness.deploy(&[("STATEMENTS_DIR", &folder)]).await;
    for _ in 0..2 {
        assert_eq!(function.ok(r#"{"statement":"one"}"#).await["rows"][0]["one"], 1);
        let message = function.fails(SCHEDULED, "Settings").await;
        assert!(message.contains("SCHEDULED_STATEMENT"), "{message}");
        assert!(message.contains("(one), or deploy items.sql"), "{message}");
    }
    let diagnosis = function.ok(diagnosis::EVENT).await["diagnose"].take();
    assert_eq!(diagnosis["ok"], true, "{diagnosis:#}");

    let files = [("bad", "-- mode: wrte\nSELECT 1"), ("one", "SELECT 1 AS one")];
    for (scheduled, error_type, told) in [
        ("none", "Settings", "there is no such statement"),
        ("add-item", "Settings", "takes 2 parameters, but a schedule passes none"),
        ("bad", "Statement", "bad.sql: line 1: mode must be read or write"),
    ] {
        // The bad file would hide the diagnosis of the others.
        let files = if scheduled == "bad" { &files[..] } else { &files[1..] };
        let function = harness.deploy_with(&[("SCHEDULED_STATEMENT", scheduled)], files).await;
        let message = function.fails(SCHEDULED, error_type).await;
        assert!(message.contains(told), "{message}");
        assert_eq!(function.ok(ITEMS).await["row_count"], 3, "{scheduled}");
        warned_of_schedule(&function, told).await;
    }
    let function = harness.deploy_with(&[("SCHEDULED_STATEMENT", "one")], &files[1..]).await;
    assert_eq!(function.ok(SCHEDULED).await["rows"][0]["one"], 1);
    assert_eq!(function.ok(diagnosis::EVENT).await["diagnose"]["ok"], true);
}

/// The diagnosis completes, and its first step warns about the schedule.
async fn warned_of_schedule(function: &Deployed<'_>, told: &str) {
    let diagnosis = function.ok(diagnosis::EVENT).await["diagnose"].take();
    assert_eq!(diagnosis["ok"], false, "{diagnosis:#}");
    let steps = diagnosis["steps"].as_array().unwrap();
    assert_eq!(steps[0]["verdict"], "warning", "{diagnosis:#}");
    assert!(steps[0].to_string().contains(told), "{diagnosis:#}");
    assert_ne!(steps[9]["verdict"], "not_reached", "{diagnosis:#}");
    let causes = diagnosis["causes"].as_array().unwrap();
    let named = |cause: &Value| cause["cause"] == Cause::ScheduledUnknown.id();
    assert!(causes.iter().any(named), "{diagnosis:#}");
}

/// The error for a statement that cannot run in a read-only transaction names the option that it needs;
/// with the option it runs.
pub async fn no_reads(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let statements: &[(&str, &str, &str)] = match engine {
        Engine::Postgres => {
            let owned = "GRANT CREATE ON SCHEMA public TO lambda_user; \
                         ALTER TABLE items OWNER TO lambda_user";
            harness.execute(owned).await;
            &[
                ("vacuum", "VACUUM items", "Statement"),
                ("index", "CREATE INDEX CONCURRENTLY by_name ON items (name)", "Query"),
                ("reindex", "REINDEX TABLE CONCURRENTLY items", "Statement"),
                ("system", "ALTER SYSTEM SET log_min_messages = 'error'", "Query"),
            ]
        }
        _ => {
            harness.execute("GRANT INDEX, ALTER ON app.* TO 'lambda-user'@'%'").await;
            &[
                ("optimize", "OPTIMIZE TABLE items", "Statement"),
                ("index", "CREATE INDEX by_name ON items (name)", "Query"),
            ]
        }
    };
    let declared: Vec<_> = statements
        .iter()
        .map(|(name, sql, _)| (format!("{name}-write"), format!("-- mode: write\n{sql}")))
        .collect();
    let as_read = statements.iter().map(|(name, sql, _)| (*name, *sql));
    let as_write = declared.iter().map(|(name, sql)| (name.as_str(), sql.as_str()));
    let function = harness.deploy_with(&[], &as_read.chain(as_write).collect::<Vec<_>>()).await;
    let indexes = async || match engine {
        Engine::Postgres => {
            harness.execute("SELECT indexname FROM pg_indexes WHERE indexname = 'by_name'").await
        }
        _ => harness.execute("SHOW INDEX FROM app.items WHERE Key_name = 'by_name'").await,
    };
    for (name, _, error_type) in statements {
        let message = function.fails(&format!(r#"{{"statement":"{name}"}}"#), error_type).await;
        assert!(message.contains("\"-- mode: write\""), "{name}: {message}");
    }
    if engine == Engine::Postgres {
        let message = function.fails(r#"{"transaction":[{"statement":"vacuum-write"}]}"#, "Query");
        let message = message.await;
        assert!(message.contains("in a separate event"), "{message}");
    }
    assert_eq!(indexes().await.len(), 0);
    // No RDS user may run ALTER SYSTEM.
    for (name, ..) in statements.iter().filter(|(name, ..)| *name != "system") {
        function.ok(&format!(r#"{{"statement":"{name}-write"}}"#)).await;
    }
    assert_eq!(indexes().await.len(), 1);
}

/// A statement that takes longer than a short time-out.
fn sleep(engine: Engine) -> String {
    let call = if engine == Engine::Postgres { "pg_sleep(5)" } else { "SLEEP(5)" };
    format!("SELECT {call}\n")
}

/// The administrator's name of the example table.
fn items(engine: Engine) -> &'static str {
    if engine == Engine::Postgres { "items" } else { "app.items" }
}
