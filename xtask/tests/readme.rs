//! README.md is short, and its example is one that is compiled.

use crate::workspace::read;

/// What a person reads before they try something else.
const LONGEST: usize = 150;

#[test]
fn it_is_short() {
    let lines = read("README.md").lines().count();
    assert!(lines <= LONGEST, "{lines} lines");
}

/// The documentation tests of `iam-auth` compile it there.
#[test]
fn its_example_is_the_librarys() {
    let readme = read("README.md");
    let (_, rest) = readme.split_once("```rust\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let library = read("crates/iam-auth/src/lib.rs");
    let documentation: Vec<_> =
        library.lines().filter_map(|line| line.strip_prefix("//!")).collect();
    let documentation = documentation.iter().map(|line| line.strip_prefix(' ').unwrap_or(line));
    let documentation = documentation.collect::<Vec<_>>().join("\n");
    assert!(documentation.contains(example.trim_end()), "not in iam-auth's lib.rs:\n{example}");
}
