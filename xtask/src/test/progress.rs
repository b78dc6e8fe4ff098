//! What is shown while tests run: a line for each program that ends, and on a terminal a line with what
//! is running.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::plan::Job;
use super::run::{Counts, Ended, Event};

/// How often the line changes on a terminal.
const REFRESH: Duration = Duration::from_millis(500);
/// Its length: less than the width of a narrow terminal, so that it stays one line.
const WIDTH: usize = 79;
/// How many of the slowest jobs are named.
const SLOWEST: usize = 3;

/// What is running, what is left, and how the rest ended.
pub(super) struct Progress {
    parts: BTreeMap<String, Part>,
    running: Vec<(String, Instant)>,
    done: usize,
    all: usize,
    is_terminal: bool,
    failures: Vec<(String, String)>,
    counts: Counts,
    /// How long each job took.
    took: Vec<(String, Duration)>,
}

/// A program of tests, or a command of cargo's.
#[derive(Default)]
struct Part {
    jobs_left: usize,
    /// When its first job started.
    since: Option<Instant>,
    counts: Counts,
    failed: bool,
}

impl Progress {
    pub(super) fn new<'a>(jobs: impl IntoIterator<Item = &'a Job>) -> Progress {
        let mut parts: BTreeMap<String, Part> = BTreeMap::new();
        let mut all = 0;
        for job in jobs {
            parts.entry(job.part_of.clone()).or_default().jobs_left += 1;
            all += job.tests.unwrap_or_default();
        }
        Progress {
            parts,
            running: vec![],
            done: 0,
            all,
            is_terminal: io::stderr().is_terminal(),
            failures: vec![],
            counts: Counts::default(),
            took: vec![],
        }
    }

    /// Shows what happens until there are no more events.
    pub(super) fn follow(&mut self, events: &Receiver<Event>) {
        loop {
            match events.recv_timeout(REFRESH) {
                Ok(Event::Started { part_of, name }) => self.start(&part_of, name),
                Ok(Event::Ended(ended)) => self.end(ended),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.show();
        }
        self.clear();
    }

    /// What ran, in two lines: the slowest jobs, and the numbers of tests.
    pub(super) fn summary(&mut self) -> String {
        self.took.sort_by_key(|(_, took)| Reverse(*took));
        let slowest = self.took.iter().take(SLOWEST);
        let slowest: Vec<_> =
            slowest.map(|(name, took)| format!("{name} {:.0} s", took.as_secs_f64())).collect();
        let Counts { passed, failed, ignored } = self.counts;
        format!(
            "slowest: {}\n{passed} tests passed, {failed} failed, {ignored} ignored; {} programs and \
             commands",
            slowest.join(", "),
            self.parts.len()
        )
    }

    /// Prints the output of the jobs that failed. Returns their names.
    pub(super) fn print_failures(self) -> Vec<String> {
        for (name, failure) in &self.failures {
            eprintln!("\n---- {name} ----\n{}\n", failure.trim());
        }
        self.failures.into_iter().map(|(name, _)| name).collect()
    }

    fn start(&mut self, part_of: &str, name: String) {
        let now = Instant::now();
        if let Some(part) = self.parts.get_mut(part_of) {
            part.since.get_or_insert(now);
        }
        self.running.push((name, now));
    }

    fn end(&mut self, ended: Ended) {
        let Ended { part_of, name, counts, failure, took } = ended;
        self.running.retain(|(other, _)| *other != name);
        self.done += counts.all();
        self.counts += counts;
        let part = self.parts.entry(part_of.clone()).or_default();
        part.jobs_left = part.jobs_left.saturating_sub(1);
        part.counts += counts;
        part.failed |= failure.is_some();
        let line = (part.jobs_left == 0).then(|| part.line(&part_of));
        if failure.is_some() || line.is_some() {
            self.clear();
        }
        if let Some(failure) = failure {
            if name != part_of {
                eprintln!("FAILED {name}");
            }
            self.failures.push((name.clone(), failure));
        }
        if let Some(line) = line {
            eprintln!("{line}");
        }
        self.took.push((name, took));
    }

    fn show(&self) {
        if !self.is_terminal {
            return;
        }
        let mut line = format!("{} of {} tests; running:", self.done, self.all);
        for (name, since) in &self.running {
            // Of a test its name alone, to show more of them.
            let name = name.rsplit(' ').next().unwrap_or(name);
            line += &format!(" {name} {} s,", since.elapsed().as_secs());
        }
        let line: String = line.trim_end_matches(',').chars().take(WIDTH).collect();
        eprint!("\r\x1b[K{line}");
        let _ = io::stderr().flush();
    }

    fn clear(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
    }
}

impl Part {
    fn line(&self, name: &str) -> String {
        let mut line = format!("{:6} {name}: ", if self.failed { "FAILED" } else { "ok" });
        match self.counts {
            Counts { passed: 0, failed: 0, ignored: 0 } => {}
            Counts { ignored: 0, .. } => line += &format!("{} tests, ", self.counts.all()),
            Counts { ignored, .. } => {
                line += &format!("{} tests ({ignored} ignored), ", self.counts.all());
            }
        }
        let took = self.since.map(|since| since.elapsed()).unwrap_or_default();
        line + &format!("{:.1} s", took.as_secs_f64())
    }
}
