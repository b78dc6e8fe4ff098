//! The command lines that `local` prints open sessions in the engines' own clients, with tokens that
//! nothing stores.

use crate::run::Run;
use local_packages::{Installation, fetch_client};
use local_rds::Engine;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const READY: &str = "Save a statement or the schema, and it runs again.\n";

#[test]
fn a_new_token_is_in_a_pipe_and_not_in_the_output() {
    let run = Run::new();
    let mut serving = run.serve("local --engine mysql --engine postgres");
    let printed = serving.wait_for(READY);
    assert!(!printed.contains("X-Amz-Signature"), "{printed}");
    let wide = printed.lines().find(|line| line.starts_with("  ") && line.chars().count() > 80);
    assert_eq!(wide, None, "{printed}");
    for engine in ["mysql", "postgres"] {
        let (path, _) = printed.split_once(&format!("{engine}-token")).expect(engine);
        let path = path.rsplit_once("$(cat ").unwrap().1;
        let path = format!("{path}{engine}-token");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path}");
        for _ in 0..3 {
            let token = fs::read_to_string(&path).unwrap();
            assert_eq!(token.matches("X-Amz-Signature=").count(), 1, "{token}");
            assert!(token.starts_with(&format!("local-{engine}.")), "{token}");
        }
    }
    serving.interrupt();
    run.assert_nothing_left();
}

#[test]
fn what_is_printed_opens_a_session_before_and_after_a_new_schema() {
    let run = Run::with(&[("sql/a.sql", "SELECT 1"), ("schema.sql", "CREATE TABLE t (a INT);")]);
    let engines = "--engine mysql --engine mariadb --engine postgres";
    let mut serving = run.serve(&format!("local --statements sql --schema schema.sql {engines}"));
    serving.wait_for(READY);
    let text = serving.text();
    for engine in Engine::ALL {
        let lines = login(&text, engine);
        assert_eq!(query(&lines, engine, "SELECT count(*) FROM t"), "0", "{engine}");
    }
    run.write("schema.sql", "CREATE TABLE t (a INT); INSERT INTO t VALUES (1), (2);");
    for engine in Engine::ALL {
        serving.wait_for(&format!("making a new {} database\n", engine.title()));
        serving.wait_for("Log in with a new token:\n\n");
        let lines = serving.wait_for("\n\n");
        assert_eq!(query(&lines, engine, "SELECT count(*) FROM t"), "2", "{engine}");
    }
    serving.interrupt();
    run.assert_nothing_left();
}

/// The command line that is printed for an engine.
fn login(printed: &str, engine: Engine) -> String {
    let (_, lines) = printed.split_once(&format!("\n{} is at ", engine.title())).unwrap();
    let (_, lines) = lines.split_once("Log in with a new token:\n\n").unwrap();
    lines.split("\n\n").next().unwrap().to_owned()
}

/// The value that a query returns, in the engine's client. MariaDB's prints warnings before it.
fn query(lines: &str, engine: Engine, sql: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (name, options) = match engine {
        Engine::Postgres => ("psql", "-tAc"),
        Engine::MySql | Engine::MariaDb => ("mysql", "-Ne"),
    };
    install(&fetch_client(engine, &mut |_| ()).unwrap(), &folder.path().join(name));
    let script = format!("{} {options} '{sql}'", lines.trim_end());
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let output = Command::new("sh").args(["-c", &script]).env("PATH", path).output().unwrap();
    assert!(output.status.success(), "{script}\n{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().last().unwrap_or_default().trim().to_owned()
}

/// A script that runs a client as if it were installed.
fn install(client: &Installation, script: &Path) {
    let libraries: Vec<_> =
        client.libraries.iter().map(|path| path.display().to_string()).collect();
    let mut plugins = client.libraries.iter().map(|path| path.join("libmariadb3/plugin"));
    let plugins = plugins.find(|path| path.is_dir()).unwrap_or_default();
    let (libraries, program) = (libraries.join(":"), client.program.display());
    let run = match &client.loader {
        Some(loader) => format!("{} --library-path {libraries} {program}", loader.display()),
        None => format!("env LD_LIBRARY_PATH={libraries} {program}"),
    };
    let text = format!("#!/bin/sh\nMARIADB_PLUGIN_DIR={} exec {run} \"$@\"\n", plugins.display());
    fs::write(script, text).unwrap();
    fs::set_permissions(script, Permissions::from_mode(0o755)).unwrap();
}
