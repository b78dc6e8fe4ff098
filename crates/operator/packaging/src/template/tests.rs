//! Templates of folders, as text. `deploy-template` translates, lints and renders them.

use std::fs;

use super::{of, template};
use crate::functions::{Function, functions};
use tempfile::TempDir;

const SCHEDULED: &str = "-- Removes what is old.\n-- schedule: cron(0 4 * * ? *) Europe/Berlin\n\
                         -- schedule: rate(1 hour)\nDELETE FROM items";

/// The functions of a folder with these files.
fn of_files(files: &[(&str, &str)]) -> (TempDir, Vec<Function>) {
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    for (file, sql) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, sql).unwrap();
    }
    let functions = functions(folder.path()).unwrap();
    (folder, functions)
}

#[test]
fn show() {
    let (_folder, functions) = of_files(&[
        ("mysql/purge-items.sql", &format!("-- mode: write\n{SCHEDULED}")),
        (
            "postgres/a.sql",
            &format!(
                "-- mode: write\n-- schedule: rate(1 day)\n-- params: [\"it's ${{AWS::Region}} {{{{resolve:ssm:x}}}} ü😀\"]\nDELETE FROM items WHERE a = $1"
            ),
        ),
        ("mysql-reports/a.sql", "SELECT 1"),
        ("postgres-eu-1/a.sql", "SELECT 1"),
    ]);
    let text = template(&functions).unwrap();
    fs::write(crate::cargo::workspace().unwrap().join("target/generated.yaml"), text).unwrap();
}
