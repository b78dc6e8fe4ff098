//! A deployment whose schedule would fail is refused before AWS is asked and before anything is built.

#![allow(clippy::unwrap_used)] // a test

mod by_hand;

use std::process::{Command, Output, Stdio};

/// Runs `deploy` with options for every value of the database, and without AWS. Returns the error.
fn refusal(engine: &str, options: &[&str]) -> String {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_deployment"))
        .args(["deploy", "--engine", engine])
        .args(by_hand::DATABASE)
        .args(options)
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{options:?}: {stderr}");
    assert!(stdout.is_empty(), "{options:?}: {}", String::from_utf8_lossy(&stdout));
    assert_eq!(stderr.trim().lines().count(), 1, "it went on: {stderr}");
    stderr
}

#[test]
fn a_schedule_that_would_fail_is_refused() {
    for engine in ["mysql", "mariadb", "postgres"] {
        // A user may have added statements to the list.
        for (statement, why) in [("purge-items", "takes 1 parameter,"), ("itms", ", purge-items")] {
            for how in [&[][..], &["--dry-run"], &["--no-build"], &["--dry-run", "--no-build"]] {
                let options = [&["--yes", "--statement", statement][..], how].concat();
                let told = refusal(engine, &options);
                assert!(told.contains("every scheduled run would fail"), "{told}");
                assert!(told.contains(why), "{told}");
                assert!(told.contains("--no-schedule"), "{told}");
            }
        }
    }
}
