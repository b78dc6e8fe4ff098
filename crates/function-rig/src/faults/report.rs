//! What was tried, and how it ended: one line for each fault, in a file that `cargo xtask test`
//! shows as a table.

use local_rds::Engine;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::Ending;

/// The lines of one test.
#[derive(Debug)]
pub(crate) struct Report {
    engine: Engine,
    scenario: &'static str,
    lines: Vec<(String, Tally)>,
}

/// The ends of the invocations that met one fault.
#[derive(Debug, Default)]
struct Tally {
    right: usize,
    errors: BTreeMap<String, usize>,
}

impl Report {
    pub(crate) fn new(engine: Engine, scenario: &'static str) -> Report {
        Report { engine, scenario, lines: Vec::new() }
    }

    /// Counts an invocation that met `fault`.
    pub(crate) fn count(&mut self, fault: &str, ending: &Ending) {
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

    /// Writes the lines beside the function's program, and prints them.
    pub(crate) fn write(self, bootstrap: &str) {
        let folder = Path::new(bootstrap).with_file_name("faults");
        let lines: String =
            self.lines.iter().map(|(fault, tally)| self.line(fault, tally)).collect();
        print!("{lines}");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}-{}.tsv", self.engine, self.scenario)), lines).unwrap();
    }

    fn line(&self, fault: &str, Tally { right, errors }: &Tally) -> String {
        let tried = right + errors.values().sum::<usize>();
        let errors: Vec<_> = errors.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        format!("{}\t{fault}\t{tried}\t{right}\t{}\n", self.engine, errors.join(", "))
    }
}
