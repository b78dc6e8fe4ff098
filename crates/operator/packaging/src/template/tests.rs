//! Templates of folders, as text. `deploy-template` translates, lints and renders them.

use std::fs;

use super::template;
use crate::Failure;
use crate::functions::functions;
use tempfile::TempDir;

/// The template of a folder with these files.
fn of_files(files: &[(&str, &str)]) -> Result<String, Failure> {
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    for (file, sql) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, sql).unwrap();
    }
    template(&functions(folder.path())?)
}

#[test]
fn an_engine_without_statements_is_left_out() {
    let template = of_files(&[("postgres-a/a.sql", "SELECT 1")]).unwrap();
    for absent in [
        "MySqlEndpoint",
        "HasMySql",
        "mysql-function",
        "!Ref PostgresEndpoint",
        " PostgresFunction:",
        "OneIsDialled",
    ] {
        assert!(!template.contains(absent), "{absent}: {template}");
    }
    assert!(template.contains("CodeUri: postgres-function-a/bootstrap.zip\n"), "{template}");
    assert!(template.contains("AssertDescription: Set PostgresAEndpoint.\n"), "{template}");
}

/// A copy whose entries would have the names of other entries.
#[test]
fn a_name_that_is_taken_is_refused() {
    for (name, entry) in [("queue", "HasMySqlQueue"), ("skips", "WatchesMySqlSkips")] {
        let file = format!("mysql-{name}/a.sql");
        let error = of_files(&[("mysql/a.sql", "SELECT 1"), (&file, "SELECT 1")]).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(&format!("mysql-{name}: the template has an entry {entry}")),
            "{error}"
        );
    }
    let error = of_files(&[("mysql-a1/a.sql", "SELECT 1"), ("mysql-a-1/a.sql", "SELECT 1")]);
    assert!(error.unwrap_err().to_string().contains("choose another"));
    // Like a parameter, but no copy has its name.
    let template = of_files(&[("mysql/a.sql", "SELECT 1"), ("mysql-trust/a.sql", "SELECT 1")]);
    let template = template.unwrap();
    for entry in ["MySqlTrust", "MySqlTrustTrust", "HasTwoIdsOfMySqlTrust", "SaysTrustOfMySqlTrust"]
    {
        assert_eq!(template.matches(&format!("\n  {entry}:")).count(), 1, "{entry}");
    }
}

#[test]
fn what_cloudformation_would_refuse_is_refused() {
    let many = |count: usize| {
        let files: Vec<_> = (0..count).map(|number| format!("mysql-f{number}/a.sql")).collect();
        let files: Vec<_> = files.iter().map(|file| (file.as_str(), "SELECT 1")).collect();
        of_files(&files)
    };
    let template = many(22).unwrap();
    assert!(template.len() < 1_000_000, "{}", template.len());
    // No function has more than ten conditions.
    let assert = template.lines().find(|line| line.contains("Assert: !Or [!Or [")).unwrap();
    assert_eq!(assert.matches("!Or [").count(), 4, "{assert}");
    let error = many(40).unwrap_err().to_string();
    assert!(error.contains("CloudFormation accepts"), "{error}");
}

#[test]
fn a_statement_that_is_refused_gives_no_template() {
    let error = of_files(&[("mysql/a.sql", "-- mode: wrte\nSELECT 1")]).unwrap_err().to_string();
    assert!(error.contains("a.sql: line 1"), "{error}");
}
