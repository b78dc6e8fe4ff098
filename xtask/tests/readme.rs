//! README.md is short, its example is one that is compiled, and no document was merged by halves.

use crate::workspace::{read, root};
use std::fs;

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

#[test]
fn no_document_has_the_marks_of_a_merge() {
    let files = ["", "docs"].map(|folder| fs::read_dir(root().join(folder)).unwrap());
    let files = files.into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut documents = 0;
    for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&file).unwrap();
        let mark = text.lines().position(|line| {
            ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark)) || line == "======="
        });
        assert_eq!(mark, None, "{}, counting lines from 0", file.display());
        documents += 1;
    }
    assert!(documents > 5, "{documents} documents");
}
