//! A statement that its function would refuse, and a schedule that would fail, are refused before AWS is asked
//! and before anything is built; a plan shows the others.

#![allow(clippy::unwrap_used)] // a test

mod by_hand;

use std::fs;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Runs `deploy` with options for every value of the database, without AWS, and with one statement. Returns the
/// error.
fn refusal(engine: &str, sql: &str, options: &[&str]) -> String {
    let statements = TempDir::new().unwrap();
    let folder = statements.path().join(if engine == "postgres" { engine } else { "mysql" });
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("a.sql"), sql).unwrap();
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_deployment"))
        .args(["deploy", "--engine", engine])
        .args(by_hand::DATABASE)
        .arg("--statements")
        .arg(statements.path())
        .args(options)
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{options:?}: {stderr}");
    assert!(stdout.is_empty(), "{options:?}: {}", String::from_utf8_lossy(&stdout));
    assert!(!stderr.contains("compiling") && !stderr.contains("fetching"), "it went on: {stderr}");
    assert!(stderr.starts_with("error: nothing was built"), "{stderr}");
    // Nothing comes after the file's name.
    assert_eq!(stderr.trim().lines().count(), 2, "it went on: {stderr}");
    stderr
}

#[test]
fn what_would_fail_is_refused() {
    let placeholder = |engine: &str| if engine == "postgres" { "$1" } else { "?" };
    for engine in ["mysql", "mariadb", "postgres"] {
        let declared = format!(
            "-- param: days int how old\n-- schedule: rate(1 day)\n-- params: [\"many\"]\nSELECT {}",
            placeholder(engine)
        );
        let undeclared = format!("-- schedule: rate(1 day)\nSELECT {}", placeholder(engine));
        for (sql, line) in [
            ("-- mode: wrte\nSELECT 1", 1),
            ("-- schedule: rate(1 days)\nSELECT 1", 1),
            ("-- schedule: rate(1 day) Berlin please\nSELECT 1", 1),
            ("-- mode: read\n-- params: [1]\nSELECT 1", 2),
            (&*declared, 2),
            (&undeclared, 1),
        ] {
            for how in [&[][..], &["--dry-run"], &["--yes"]] {
                let told = refusal(engine, sql, how);
                assert!(told.contains(&format!("a.sql:{line}: ")), "{told}");
            }
        }
    }
}
