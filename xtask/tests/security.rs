//! SECURITY.md keeps its word: each promise names the tests that fail without it, and these exist.

#![allow(clippy::unwrap_used)] // tests' bodies

use std::fs;
use std::path::{Path, PathBuf};

/// How many promises there are.
const PROMISES: usize = 11;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The promises' sections, each from its heading to the next one.
fn promises(document: &str) -> Vec<(&str, &str)> {
    let chapter = document.split("\n## ").find(|part| part.starts_with("Promises")).unwrap();
    let sections = chapter.split("\n### ").skip(1);
    sections.map(|section| section.split_once('\n').unwrap()).collect()
}

/// `crate::module::name` in backticks, in the lines that begin with `Tests:`.
fn tests_named(section: &str) -> Vec<&str> {
    let lines =
        section.split("\n\n").filter_map(|paragraph| paragraph.trim().strip_prefix("Tests:"));
    lines.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The folder of a crate of the workspace, by its package's name.
fn folder_of(krate: &str) -> Option<PathBuf> {
    let name = format!("name = {krate:?}\n");
    let members = fs::read_to_string(workspace().join("Cargo.toml")).unwrap();
    let folders = members.split('"').skip(1).step_by(2).map(|member| workspace().join(member));
    folders.into_iter().find(|folder| {
        fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|text| text.contains(&name))
    })
}

/// Whether a test, or a scenario that an engine's tests list, has this name.
fn exists(test: &str) -> bool {
    let Some((krate, rest)) = test.split_once("::") else { return false };
    let Some((module, name)) = rest.rsplit_once("::") else { return false };
    let Some(folder) = folder_of(krate) else { return false };
    let module = module.rsplit("::").next().unwrap_or(module);
    let function = format!("fn {name}(");
    let of_module = |path: &PathBuf| {
        path.file_stem().is_some_and(|stem| stem == module)
            || path.components().any(|part| part.as_os_str() == module)
    };
    let files = sources(&folder);
    let mut of_module = files.iter().filter(|path| of_module(path));
    let defined = of_module.any(|path| fs::read_to_string(path).unwrap().contains(&function));
    defined && (krate != "function-scenarios" || is_listed(name))
}

/// Whether the integration tests of an engine run the scenario.
fn is_listed(name: &str) -> bool {
    let lists = [
        "crates/testing/function-scenarios/src/lib.rs",
        "crates/mysql-function/tests/integration.rs",
        "crates/postgres-function/tests/integration.rs",
    ];
    lists.iter().any(|list| {
        let text = fs::read_to_string(workspace().join(list)).unwrap();
        text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    })
}

#[test]
fn every_promise_names_tests_that_exist() {
    let document = fs::read_to_string(workspace().join("SECURITY.md")).unwrap();
    let promises = promises(&document);
    assert_eq!(promises.len(), PROMISES);
    for (title, section) in promises {
        let tests = tests_named(section);
        assert!(!tests.is_empty(), "{title} names no test");
        for test in tests {
            assert!(exists(test), "{title}: there is no test {test}");
        }
    }
}
