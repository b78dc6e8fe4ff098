//! Instructions and allocations, counted by valgrind while the deployed programs run, in front of real servers.
//!
//! Each is the difference of two runs, divided by how much more the second one did: what a process does to start
//! is in both. Both are repeated, and the least counts: a busy machine wakes a function more often.

use std::fs;
use std::path::Path;

use local_packages::{Valgrind, fetch_valgrind};
use tempfile::TempDir;

use super::Guarded;
use crate::Failure;
use crate::environment::Environment;
use crate::subject::{self, Subject};
use crate::workload::{self, ITEMS, event, rows};

/// How many tokens, events and rows the two runs have. A start differs by two million instructions: among so many
/// events and rows, that is less than one in a hundred.
const TOKENS: [usize; 2] = [20, 220];
const EVENTS: [usize; 2] = [50, 1_050];
const ROWS: [usize; 2] = [100, 100_000];
/// How often each run is repeated.
const REPEATED: usize = 2;

/// A tool of valgrind's, and where it tells its number.
#[derive(Clone, Copy)]
enum Tool {
    Instructions,
    Allocations,
}

impl Tool {
    /// Has it write to `log` alone.
    fn arguments(self, log: &Path) -> Vec<String> {
        let own = match self {
            Tool::Instructions => ["--tool=callgrind", "--callgrind-out-file=/dev/null"],
            Tool::Allocations => ["--tool=dhat", "--dhat-out-file=/dev/null"],
        };
        let log = format!("--log-file={}", log.display());
        own.into_iter().map(str::to_owned).chain([log]).collect()
    }

    /// Reads what it prints at the end.
    fn read(self, text: &str) -> Result<u64, Failure> {
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

/// Counts for all functions.
pub(super) fn count(
    functions: &[Subject],
    guarded: &mut Guarded,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let valgrind = fetch_valgrind(progress)?;
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let statements = workload::write_statements(folder.path())?.display().to_string();
    let log = folder.path().join("valgrind.log");
    let signer = subject::signer(progress)?;
    progress("counting what a token costs");
    let token = each(TOKENS, |count| tokens(&valgrind, &signer, count, &log))?;
    guarded.instructions.insert("a token".to_owned(), token);
    for function in functions {
        let Some(engine) = function.engine else { continue };
        progress(&format!("counting what the {} does", function.name));
        let server = workload::server(engine)?;
        let settings = function.settings(Some(&server), &statements);
        let run = |tool: Tool, events: &[String]| {
            let environment = start(&valgrind, tool, &function.program, &settings, &log)?;
            tool.read(&all(environment, events, &log)?)
        };
        let of_events = |tool: Tool, event: String| {
            each(EVENTS, |count| run(tool, &vec![event.clone(); count]))
        };
        let title = engine.title();
        guarded.instructions.extend([
            (
                format!("an event of {title} without a database"),
                of_events(Tool::Instructions, event("unknown"))?,
            ),
            (format!("a warm event of {title}"), of_events(Tool::Instructions, event(ITEMS))?),
            (
                format!("a row of {title}"),
                each(ROWS, |count| run(Tool::Instructions, &[event(&rows(count))]))?,
            ),
        ]);
        let allocations = of_events(Tool::Allocations, event(ITEMS))?;
        guarded.allocations.insert(title.to_owned(), allocations);
        guarded
            .zip_bytes
            .insert(engine.function().to_owned(), function.zip.unwrap_or_default() as u64);
    }
    Ok(())
}

/// What one more of something costs, by the least that runs with so many of it cost.
fn each(counts: [usize; 2], cost: impl Fn(usize) -> Result<u64, Failure>) -> Result<u64, Failure> {
    let [few, many] = counts;
    let [mut less, mut more] = [u64::MAX; 2];
    for _ in 0..REPEATED {
        (less, more) = (less.min(cost(few)?), more.min(cost(many)?));
    }
    Ok(more.saturating_sub(less) / (many - few) as u64)
}

/// How many instructions so many tokens take.
fn tokens(valgrind: &Valgrind, signer: &Path, count: usize, log: &Path) -> Result<u64, Failure> {
    let tool = Tool::Instructions;
    let output =
        valgrind.command().args(tool.arguments(log)).arg(signer).arg(count.to_string()).output()?;
    if !output.status.success() {
        return Err(format!("bench-token: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    tool.read(&fs::read_to_string(log)?)
}

/// Starts a function under the tool.
fn start(
    valgrind: &Valgrind,
    tool: Tool,
    program: &Path,
    settings: &[(String, String)],
    log: &Path,
) -> Result<Environment, Failure> {
    let mut arguments = tool.arguments(log);
    arguments.push(program.display().to_string());
    let own =
        valgrind.environment().map(|(name, path)| (name.to_owned(), path.display().to_string()));
    let settings: Vec<_> = settings.iter().cloned().chain(own).collect();
    Environment::start(&valgrind.program(), &arguments, &settings)
}

/// Sends the events, one after another, and ends the function as Lambda does. Returns what the tool wrote.
fn all(mut environment: Environment, events: &[String], log: &Path) -> Result<String, Failure> {
    for event in events {
        environment.send(event);
        // A refused event has an answer too.
        environment.answer()?;
    }
    environment.end()?;
    Ok(fs::read_to_string(log)?)
}
