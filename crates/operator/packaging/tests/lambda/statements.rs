//! Statements that the functions would refuse: nothing is built with them.

use std::fs;
use std::path::Path;
use tempfile::TempDir;

use crate::machine::architecture;

/// Invalid files of MySQL, and what the error says of each.
const BAD: [(&str, &str, &[&str]); 6] = [
    (
        "typing.sql",
        "-- mode: wrte\nSELECT 1",
        &[".sql:1: ", "mode must be read or write, not \"wrte\""],
    ),
    ("empty.sql", "", &["contains no SQL", "write a statement into it, or delete the file"]),
    ("two words.sql", "SELECT 1", &["letters, digits, _ and -", "rename the file"]),
    (
        "two.sql",
        "SELECT 1;\nSELECT 2;",
        &[".sql:2: ", "a file contains only one", "put each into its own file"],
    ),
    (
        "proc.sql",
        "\nDELIMITER //\nSELECT 1 //",
        &[".sql:2: ", "DELIMITER is a command of the mysql"],
    ),
    ("CAPITALS.SQL", "SELECT :id", &[".SQL:1: ", ":id is not a MySQL placeholder", "use ?"]),
];

/// A folder of valid statements for both engines.
fn folder() -> TempDir {
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    for engine in ["mysql", "postgres"] {
        fs::create_dir(folder.path().join(engine)).unwrap();
        fs::write(folder.path().join(engine).join("good.sql"), "SELECT 1").unwrap();
    }
    folder
}

/// The error of a build with the statements in `folder`. Nothing was compiled.
fn refusal(folder: &Path) -> String {
    let mut steps = vec![];
    let built =
        packaging::build_with(folder, architecture(), &mut |line| steps.push(line.to_owned()));
    assert!(steps.is_empty(), "{steps:?}");
    built.unwrap_err().to_string()
}

#[test]
fn a_bad_file_is_refused_by_name() {
    for (file, sql, told) in BAD {
        let folder = folder();
        let path = folder.path().join("mysql").join(file);
        fs::write(&path, sql).unwrap();
        let refusal = refusal(folder.path());
        assert!(refusal.contains(&path.display().to_string()), "{file}: {refusal}");
        for told in told {
            assert!(refusal.contains(told), "{file}: {refusal}");
        }
        assert!(!refusal.contains("good.sql"), "{refusal}");
    }
}

#[test]
fn every_bad_file_of_both_engines_is_told_at_once() {
    let folder = folder();
    for (file, sql, _) in BAD {
        fs::write(folder.path().join("mysql").join(file), sql).unwrap();
    }
    fs::write(folder.path().join("postgres/question.sql"), "SELECT 1 WHERE 1 = ?").unwrap();
    let refusal = refusal(folder.path());
    for file in BAD.map(|(file, ..)| file).iter().chain(&["question.sql"]) {
        assert!(refusal.contains(file), "{file}: {refusal}");
    }
    assert_eq!(refusal.lines().count(), BAD.len() + 2, "{refusal}");
}

#[test]
fn an_engine_without_statements_is_refused() {
    let folder = folder();
    fs::remove_file(folder.path().join("postgres/good.sql")).unwrap();
    assert!(refusal(folder.path()).contains("no .sql file in"));
}
