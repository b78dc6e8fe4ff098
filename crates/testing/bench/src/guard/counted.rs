//! Instructions and allocations, counted by valgrind while the deployed programs run, in front of real servers.
//!
//! Each is the difference of two runs, divided by how much more the second one did: what a process does to start
//! is in both.

use std::fs;
use std::path::Path;

use local_rds::Server;
use tempfile::TempDir;

use super::Guarded;
use crate::Failure;
use crate::environment::Environment;
use crate::subject::Subject;
use crate::workload::{self, ITEMS, event, rows};

/// How many events, and rows, the two runs have.
const EVENTS: [usize; 2] = [50, 250];
const ROWS: [usize; 2] = [100, 10_000];

/// A tool of valgrind's, and where it tells its number.
enum Tool {
    Instructions,
    Allocations,
}

impl Tool {
    fn arguments(&self) -> &'static [&'static str] {
        match self {
            Tool::Instructions => &["--tool=callgrind", "--callgrind-out-file=/dev/null"],
            Tool::Allocations => &["--tool=dhat", "--dhat-out-file=/dev/null"],
        }
    }

    /// Reads what it prints at the end.
    fn read(&self, text: &str) -> Result<u64, Failure> {
        let (before, after) = match self {
            Tool::Instructions => ("I   refs:", None),
            Tool::Allocations => ("Total:", Some(" blocks")),
        };
        let line = text.lines().find_map(|line| line.split_once(before)).map(|(_, rest)| rest);
        let number = line.and_then(|line| match after {
            Some(after) => line.split_once(" in ")?.1.strip_suffix(after),
            None => Some(line),
        });
        let number = number.map(|number| number.trim().replace(',', ""));
        let number = number.and_then(|number| number.parse().ok());
        number.ok_or_else(|| format!("valgrind told no number:\n{text}").into())
    }
}

/// Counts for all subjects.
pub(super) fn count(
    subjects: &[Subject],
    guarded: &mut Guarded,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let statements = workload::write_statements(folder.path())?.display().to_string();
    for subject in subjects.iter().filter(|subject| !subject.is_floor) {
        let Some(engine) = subject.engine else { continue };
        progress(&format!("counting what {} does", subject.name));
        let server = workload::server(engine)?;
        let counter = Counter { subject, server: &server, statements: &statements, folder: &folder };
        let events = |tool: &Tool, event: &str| counter.each(tool, EVENTS, |count| vec![event.to_owned(); count]);
        let refused = events(&Tool::Instructions, &event("unknown"))?;
        let warm = events(&Tool::Instructions, &event(ITEMS))?;
        let row = counter.each(&Tool::Instructions, ROWS, |count| vec![event(&rows(count))])?;
        let title = engine.title();
        guarded.instructions.extend([
            (format!("an event of {title} without a database"), refused),
            (format!("a warm event of {title}"), warm),
            (format!("a row of {title}"), row),
        ]);
        let allocations = events(&Tool::Allocations, &event(ITEMS))?;
        guarded.allocations.insert(title.to_owned(), allocations);
        guarded.zip_bytes.insert(engine.function().to_owned(), subject.zip.unwrap_or_default() as u64);
    }
    Ok(())
}

/// One function, in front of a server.
struct Counter<'a> {
    subject: &'a Subject,
    server: &'a Server,
    statements: &'a str,
    folder: &'a TempDir,
}

impl Counter<'_> {
    /// What one more of something costs: `events` sends so many of it.
    fn each(
        &self,
        tool: &Tool,
        counts: [usize; 2],
        events: impl Fn(usize) -> Vec<String>,
    ) -> Result<u64, Failure> {
        let [few, many] = counts;
        let [less, more] = [self.run(tool, &events(few))?, self.run(tool, &events(many))?];
        Ok(more.saturating_sub(less) / (many - few) as u64)
    }

    /// Starts the function under the tool, sends the events, and ends it as Lambda does.
    fn run(&self, tool: &Tool, events: &[String]) -> Result<u64, Failure> {
        let log = self.folder.path().join("valgrind.log");
        let mut arguments: Vec<_> = tool.arguments().iter().map(|&it| it.to_owned()).collect();
        arguments.push(format!("--log-file={}", log.display()));
        arguments.push(self.subject.program.display().to_string());
        let settings = self.subject.settings(Some(self.server), self.statements);
        let mut environment = Environment::start(Path::new("valgrind"), &arguments, &settings)?;
        for event in events {
            environment.send(event);
            // A refused event is an answer too.
            environment.answer()?;
        }
        environment.end()?;
        tool.read(&fs::read_to_string(&log)?)
    }
}
