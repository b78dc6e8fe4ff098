//! A copied clone deploys its own files, not those of the clone where the program was compiled.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test

mod by_hand;

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to)
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Runs a deployment up to the change set, as cargo runs it in the workspace in `folder`.
fn deploy(folder: &Path, options: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_deployment"))
        .args(["deploy", "--engine", "mysql"])
        .args(by_hand::DATABASE)
        .args(options)
        .env("CARGO_MANIFEST_DIR", folder.join("xtask"))
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        .env("AWS_MAX_ATTEMPTS", "1")
        .env("AWS_ACCESS_KEY_ID", "none")
        .env("AWS_SECRET_ACCESS_KEY", "none")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn a_copied_clone_deploys_its_own() {
    let workspace = pinned_tools::workspace().unwrap();
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    for part in ["deploy", "certs"] {
        copy(&workspace.join(part), &folder.path().join(part));
    }
    // The plan comes before AWS is asked who calls.
    let statements = folder.path().join("deploy/statements/mysql/of-the-copy.sql");
    fs::write(&statements, "-- schedule: rate(1 day)\nSELECT 1").unwrap();
    let (code, said) = deploy(folder.path(), &[]);
    assert!(said.contains("mysql-function  of-the-copy  rate(1 day)"), "{code:?}: {said}");
    let (_, said) = deploy(&workspace, &[]);
    assert!(!said.contains("of-the-copy"), "the copy's is not the first one's: {said}");

    let template = folder.path().join("deploy/template.yaml");
    let text = fs::read_to_string(&template).unwrap();
    fs::write(&template, text.replacen("\n  MemorySize:\n", "\n  OfTheCopy:\n", 1)).unwrap();
    let option = ["--parameter", "OfTheCopy=256"];
    let (_, said) = deploy(folder.path(), &option);
    assert!(said.contains("of-the-copy"), "{said}");
    let (_, said) = deploy(&workspace, &option);
    assert!(said.contains("the template has no parameter OfTheCopy"), "{said}");

    fs::remove_dir_all(folder.path().join("certs")).unwrap();
    let (code, said) = deploy(folder.path(), &[]);
    assert!(
        said.contains(&format!("{}", folder.path().join("certs").display())),
        "{code:?}: {said}"
    );
}
