//! The peers do what the functions do.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

use bench::peers;
use serde_json::{Value, json};

const PEERS: [&str; 4] =
    ["MySQL Node.js", "PostgreSQL Node.js", "MySQL Python", "PostgreSQL Python"];

#[test]
fn they_answer_with_the_rows_of_a_server_that_they_verify() {
    let answers = peers::answers(&mut |line| eprintln!("{line}")).unwrap();
    let names: Vec<_> = answers.iter().map(|answers| answers.name.as_str()).collect();
    assert_eq!(names, PEERS);
    let expected = json!({"rows": [
        {"id": 1, "name": "first"},
        {"id": 2, "name": "second"},
        {"id": 3, "name": "third"},
    ]});
    for peers::Answers { name, answer, elsewhere } in answers {
        let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
        assert_eq!(answer, expected, "{name}");
        let error = elsewhere.unwrap_err().to_string();
        assert!(error.contains("ertificate"), "{name}: {error}");
    }
}
