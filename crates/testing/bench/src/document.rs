//! Writes a report into the project's documents, so that what they show was measured.

use std::fs;
use std::path::Path;

use crate::report::Report;
use crate::{Failure, plot};

const PAGE: &str = "docs/PERFORMANCE.md";
const README: &str = "README.md";
const PLOT: &str = "docs/performance.svg";
/// Between these lines, a document has what was measured.
const BEGIN: &str = "<!-- begin: cargo xtask bench --write -->";
const END: &str = "<!-- end -->";

/// Writes the tables into docs/PERFORMANCE.md, their summary into README.md, and the plot.
///
/// # Errors
/// A document has no place for them, or cannot be written. None of them is written then, unless the disk is full.
pub fn write(report: &Report) -> Result<(), Failure> {
    let root = pinned_tools::workspace()?;
    let page = replaced(&root.join(PAGE), &report.tables())?;
    let readme = replaced(&root.join(README), &report.summary())?;
    let plot = plot::svg(report)?;
    for (file, text) in [(PAGE, page), (README, readme), (PLOT, plot)] {
        fs::write(root.join(file), text).map_err(|error| format!("{file}: {error}"))?;
    }
    Ok(())
}

/// The document with other contents between the lines.
fn replaced(file: &Path, contents: &str) -> Result<String, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{name}: {error}"))?;
    replace(&text, contents)
        .ok_or_else(|| format!("{name} lacks the lines {BEGIN} and {END}").into())
}

fn replace(text: &str, contents: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{contents}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_measured_before_is_replaced() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let replaced = replace(&text, "new\n").unwrap();
        assert_eq!(replaced, format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert_eq!(replace("a\n", "new\n"), None);
    }

    /// Both were written by one run.
    #[test]
    fn both_documents_have_the_same_figures() {
        let of = |file: &str| {
            let text = fs::read_to_string(pinned_tools::workspace().unwrap().join(file)).unwrap();
            let (_, rest) = text.split_once(BEGIN).expect(file);
            rest.split_once(END).expect(file).0.to_owned()
        };
        let [readme, page] = [README, PAGE].map(of);
        let mut rows = 0;
        for row in readme.lines().filter(|line| line.contains(" function |")) {
            assert!(page.lines().any(|line| line == row), "{row}: not in {PAGE}");
            rows += 1;
        }
        assert_eq!(rows, 3, "{readme}");
    }
}
