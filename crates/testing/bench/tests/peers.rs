//! The peers do what the functions do.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

use bench::peers;
use serde_json::{Value, json};

const PEERS: [&str; 4] =
    ["MySQL Node.js", "PostgreSQL Node.js", "MySQL Python", "PostgreSQL Python"];

fn say(line: &str) {
    eprintln!("{line}");
}

#[test]
fn they_answer_with_the_rows() {
    let answers = peers::answers(&[], &mut say).unwrap();
    let names: Vec<_> = answers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, PEERS);
    let expected = json!({"rows": [
        {"id": 1, "name": "first"},
        {"id": 2, "name": "second"},
        {"id": 3, "name": "third"},
    ]});
    for (name, answer) in answers {
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        assert_eq!(answer, expected, "{name}");
    }
}

#[test]
fn they_verify_the_server() {
    let elsewhere = ("DB_HOST", "elsewhere.example.com".to_owned());
    let answers = peers::answers(&[elsewhere], &mut say).unwrap();
    assert_eq!(answers.len(), PEERS.len());
    for (name, answer) in answers {
        let error = answer.unwrap_err().to_string();
        assert!(error.contains("ertificate"), "{name}: {error}");
    }
}
