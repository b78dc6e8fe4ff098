//! The linters find nothing, in what we wrote and in what CloudFormation gets.

use deploy_template::{Template, example_database, functions};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

use crate::stack::FUNCTIONS;

/// Runs a linter as on a machine without an AWS account.
fn finds_nothing(program: &Path, arguments: &[&str], template: &Path) {
    let home = TempDir::new().unwrap();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(template)
        .env("HOME", home.path())
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SAM_CLI_TELEMETRY", "0");
    for name in ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} {arguments:?}: {said}", program.display());
    let quiet = said.is_empty() || said.trim().ends_with("is a valid SAM Template");
    assert!(quiet, "{} {arguments:?}: {said}", program.display());
}

/// Informational findings count too.
const CFN_LINT: [&str; 3] = ["--include-checks", "I", "--template"];

#[test]
fn cfn_lint_finds_nothing() {
    let tools = private_tools::sam(&mut |line| println!("{line}")).unwrap();
    for template in [functions(), example_database()] {
        finds_nothing(&tools.cfn_lint, &CFN_LINT, &template);
    }
}

#[test]
fn cfn_lint_finds_nothing_in_the_translation() {
    let tools = private_tools::sam(&mut |line| println!("{line}")).unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("translated.json");
    std::fs::write(&file, FUNCTIONS.translated.to_string()).unwrap();
    finds_nothing(&tools.cfn_lint, &CFN_LINT, &file);
}

#[test]
fn sam_validate_finds_nothing() {
    let tools = private_tools::sam(&mut |line| println!("{line}")).unwrap();
    for template in [functions(), example_database()] {
        finds_nothing(&tools.sam, &["validate", "--lint", "--template"], &template);
    }
}

/// A linter that finds nothing in anything would pass above.
#[test]
fn the_linter_finds_what_is_wrong() {
    let tools = private_tools::sam(&mut |line| println!("{line}")).unwrap();
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("wrong.yaml");
    let text = std::fs::read_to_string(functions()).unwrap();
    std::fs::write(&file, text.replace("Condition: HasMySqlQueue", "Condition: HasMySqlQueu"))
        .unwrap();
    let output = Command::new(&tools.cfn_lint).arg(&file).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("HasMySqlQueu"));
}

#[test]
fn the_translation_is_of_both_templates() {
    assert!(FUNCTIONS.source["Transform"].is_string());
    assert!(FUNCTIONS.translated["Transform"].is_null());
    let database = Template::read(&example_database());
    assert_eq!(database.source, database.translated);
}
