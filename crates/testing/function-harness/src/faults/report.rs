//! The faults that were tried, and how invocations ended: one line for each fault, checked against
//! `docs/RELIABILITY.md`, and written to a file that `cargo xtask test` shows as a table.

use engine::Engine;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::Outcome;

const DOCUMENT: &str = include_str!("../../../../../docs/RELIABILITY.md");

/// The lines of one test.
#[derive(Debug)]
pub struct Report {
    engine: Engine,
    scenario: &'static str,
    lines: Vec<(String, Tally)>,
}

/// The outcomes of the invocations that met one fault.
#[derive(Debug, Default)]
struct Tally {
    right: usize,
    errors: BTreeMap<String, usize>,
}

impl Report {
    /// A report without lines.
    pub fn new(engine: Engine, scenario: &'static str) -> Report {
        Report { engine, scenario, lines: Vec::new() }
    }

    /// Counts an invocation that met `fault`.
    pub fn count(&mut self, fault: &str, ending: &Outcome) {
        let at = self.lines.iter().position(|(name, _)| name == fault).unwrap_or_else(|| {
            self.lines.push((fault.to_owned(), Tally::default()));
            self.lines.len() - 1
        });
        let tally = &mut self.lines[at].1;
        match ending {
            Ok(()) => tally.right += 1,
            Err(error_type) => *tally.errors.entry(error_type.clone()).or_default() += 1,
        }
    }

    /// Checks the lines against the document, writes them beside the function's program, and prints
    /// them.
    pub fn write(self, bootstrap: &str) {
        self.assert_documented();
        let folder = Path::new(bootstrap).with_file_name("faults");
        let lines: String =
            self.lines.iter().map(|(fault, tally)| self.line(fault, tally)).collect();
        print!("{lines}");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}-{}.tsv", self.engine, self.scenario)), lines).unwrap();
    }

    /// The document must list exactly this test's faults, and each outcome that occurred.
    fn assert_documented(&self) {
        let mut documented: BTreeMap<_, _> = documented(self.scenario).collect();
        for (fault, tally) in &self.lines {
            let endings = documented.remove(fault.as_str());
            let endings = endings.unwrap_or_else(|| panic!("docs/RELIABILITY.md lacks {fault:?}"));
            let right = (tally.right > 0).then_some("right");
            for seen in tally.errors.keys().map(String::as_str).chain(right) {
                let says = "docs/RELIABILITY.md says";
                assert!(endings.contains(&seen), "{fault} ended {seen}; {says} {endings:?}");
            }
        }
        assert!(
            documented.is_empty(),
            "docs/RELIABILITY.md lists faults that were not tried: {documented:?}"
        );
    }

    fn line(&self, fault: &str, Tally { right, errors }: &Tally) -> String {
        let tried = right + errors.values().sum::<usize>();
        let errors: Vec<_> = errors.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        format!("{}\t{fault}\t{tried}\t{right}\t{}\n", self.engine, errors.join(", "))
    }
}

/// The faults of a test in the document, each with its possible outcomes.
fn documented(scenario: &str) -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let cells = DOCUMENT
        .lines()
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let scenario = format!("`{scenario}`");
    cells.filter_map(move |cells| match cells[..] {
        [fault, endings, test] if test == scenario => {
            Some((fault, endings.split(", ").map(|ending| ending.trim_matches('`')).collect()))
        }
        _ => None,
    })
}
