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
    let library = read("crates/iam-auth/src/lib.rs");
    let lines = library.lines().filter_map(|line| line.strip_prefix("//!"));
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let documentation = lines.join("\n");
    for file in ["README.md", "crates/iam-auth/README.md"] {
        let readme = read(file);
        let (_, rest) = readme.split_once("```rust\n").unwrap();
        let (example, _) = rest.split_once("\n```").unwrap();
        assert!(documentation.contains(example), "{file}: not in iam-auth's lib.rs:\n{example}");
    }
}
