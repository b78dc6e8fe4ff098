//! SECURITY.md keeps its word: each promise names the tests that fail without it, and these exist.

use crate::workspace::{has_test, packages, read};

/// How many promises there are.
const PROMISES: usize = 11;

/// The promises' sections, each from its heading to the next one.
fn promises(document: &str) -> Vec<(&str, &str)> {
    let chapter = document.split("\n## ").find(|part| part.starts_with("Promises")).unwrap();
    let sections = chapter.split("\n### ").skip(1);
    sections.map(|section| section.split_once('\n').unwrap()).collect()
}

/// `crate::module::name` in backticks, in the paragraphs that begin with `Tests:`.
fn tests_named(section: &str) -> Vec<&str> {
    let lines =
        section.split("\n\n").filter_map(|paragraph| paragraph.trim().strip_prefix("Tests:"));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn every_promise_names_tests_that_exist() {
    let packages = packages();
    let document = read("SECURITY.md");
    let promises = promises(&document);
    assert_eq!(promises.len(), PROMISES);
    for (title, section) in promises {
        let tests = tests_named(section);
        assert!(!tests.is_empty(), "{title} names no test");
        let missing: Vec<_> = tests.iter().filter(|test| !has_test(&packages, test)).collect();
        assert!(missing.is_empty(), "{title}: there is no test {missing:?}");
    }
}
