//! What the person sees while tests run: on a terminal one line that changes, and a line for each
//! program that ends.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::plan::Job;
use super::run::{Counts, Ended, Event};

/// How often the line changes on a terminal.
const REFRESH: Duration = Duration::from_millis(500);
/// Its length: one less than the narrowest terminal, so that it stays one line.
const WIDTH: usize = 79;
/// How many jobs are named as the slowest.
const SLOWEST: usize = 5;

/// What runs, what is left and how the rest ended.
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

/// A program of tests.
#[derive(Default)]
struct Part {
    jobs_left: usize,
    counts: Counts,
    took: Duration,
    failed: bool,
}

impl Progress {
    pub(super) fn new(jobs: &[Job]) -> Progress {
        let mut parts: BTreeMap<String, Part> = BTreeMap::new();
        for job in jobs {
            parts.entry(job.part_of.clone()).or_default().jobs_left += 1;
        }
        Progress {
            parts,
            running: vec![],
            done: 0,
            all: jobs.iter().filter_map(|job| job.tests).sum(),
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
                Ok(Event::Started(name)) => self.running.push((name, Instant::now())),
                Ok(Event::Ended(ended)) => self.end(ended),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.show();
        }
        self.clear();
    }

    /// Everything that ran, in two lines: the jobs that took longest, and how many tests there were.
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

    /// Prints what the jobs that failed have printed. Gives their names.
    pub(super) fn print_failures(self) -> Vec<String> {
        for (name, failure) in &self.failures {
            eprintln!("\n---- {name} ----\n{}\n", failure.trim());
        }
        self.failures.into_iter().map(|(name, _)| name).collect()
    }

    fn end(&mut self, ended: Ended) {
        let Ended { part_of, name, counts, failure, took } = ended;
        self.running.retain(|(other, _)| *other != name);
        self.done += counts.all();
        self.counts += counts;
        let part = self.parts.entry(part_of.clone()).or_default();
        part.jobs_left = part.jobs_left.saturating_sub(1);
        part.counts += counts;
        part.took += took;
        part.failed |= failure.is_some();
        let line = (part.jobs_left == 0).then(|| part.line(&part_of));
        if failure.is_some() || line.is_some() {
            self.clear();
        }
        self.took.push((name.clone(), took));
        if let Some(failure) = failure {
            eprintln!("FAILED {name}");
            self.failures.push((name, failure));
        }
        if let Some(line) = line {
            eprintln!("{line}");
        }
    }

    fn show(&self) {
        if !self.is_terminal {
            return;
        }
        let mut line = format!("{} of {} tests; running:", self.done, self.all);
        for (name, since) in &self.running {
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
        let Counts { ignored, .. } = self.counts;
        let ending = if self.failed { "FAILED" } else { "ok" };
        let mut line = format!("{ending:6} {name}: {} tests", self.counts.all());
        if ignored > 0 {
            line += &format!(", {ignored} ignored");
        }
        line + &format!(", {:.1} s", self.took.as_secs_f64())
    }
}
