//! Runs processes, several at once.

use std::io;
use std::process::Output;
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::plan::Job;

/// What happens to a job.
#[derive(Debug)]
pub(super) enum Event {
    Started { part_of: String, name: String },
    Ended(Ended),
}

/// How a job ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) part_of: String,
    pub(super) name: String,
    pub(super) counts: Counts,
    /// Why it failed, with what it printed.
    pub(super) failure: Option<String>,
    pub(super) took: Duration,
}

/// Tests by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) passed: usize,
    pub(super) failed: usize,
    pub(super) ignored: usize,
}

/// Runs the jobs in their order, `slots` at once, and reports each to `events`.
pub(super) fn side_by_side(mut jobs: Vec<Job>, slots: usize, events: &Sender<Event>) {
    jobs.reverse();
    let jobs = &Mutex::new(jobs);
    let next = || jobs.lock().unwrap_or_else(PoisonError::into_inner).pop();
    thread::scope(|scope| {
        for _ in 0..slots {
            scope.spawn(|| {
                while let Some(job) = next() {
                    let (part_of, name) = (job.part_of.clone(), job.name.clone());
                    // Sending fails only if nobody shows events any more.
                    let _ = events.send(Event::Started { part_of, name });
                    let _ = events.send(Event::Ended(run(job)));
                }
            });
        }
    });
}

fn run(mut job: Job) -> Ended {
    let start = Instant::now();
    let output = job.command.output();
    let took = start.elapsed();
    let (counts, failure) = judge(output, job.tests);
    Ended { part_of: job.part_of, name: job.name, counts, failure, took }
}

/// Whether a process ended well and ran all of its tests.
fn judge(output: io::Result<Output>, tests: Option<usize>) -> (Counts, Option<String>) {
    let Output { status, stdout, stderr } = match output {
        Ok(output) => output,
        Err(error) => return (Counts::default(), Some(format!("cannot run it: {error}"))),
    };
    let printed = String::from_utf8_lossy(&stdout);
    let counts = Counts::read(&printed);
    let missing = tests.filter(|&tests| tests != counts.all());
    if status.success() && missing.is_none() {
        return (counts, None);
    }
    let passed = |line: &&str| line.starts_with("test ") && line.ends_with(" ok");
    let lines: Vec<_> = printed.lines().filter(|line| !passed(line)).collect();
    let mut failure = format!("{}\n{}", lines.join("\n"), String::from_utf8_lossy(&stderr));
    if let Some(tests) = missing {
        failure += &format!("\n{status} after {} of {tests} tests", counts.all());
    }
    (counts, Some(failure))
}

impl Counts {
    /// The sum of the lines in which test programs report their results.
    fn read(printed: &str) -> Counts {
        let mut counts = Counts::default();
        let results = printed.lines().filter_map(|line| line.strip_prefix("test result: "));
        for part in results.flat_map(|result| result.split([';', '.'])) {
            let Some((number, ending)) = part.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<usize>() else { continue };
            match ending {
                "passed" => counts.passed += number,
                "failed" => counts.failed += number,
                "ignored" => counts.ignored += number,
                _ => {}
            }
        }
        counts
    }

    pub(super) fn all(self) -> usize {
        self.passed + self.failed + self.ignored
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    const RESULTS: &str = "running 3 tests
test a ... ok
test b ... ignored

test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.04s

test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";

    fn ended(code: i32, tests: usize) -> Option<String> {
        let status = ExitStatus::from_raw(code << 8);
        let output = Output { status, stdout: RESULTS.into(), stderr: b"panicked".into() };
        judge(Ok(output), Some(tests)).1
    }

    #[test]
    fn results_are_summed() {
        assert_eq!(Counts::read(RESULTS), Counts { passed: 1, failed: 1, ignored: 1 });
    }

    #[test]
    fn a_process_that_fails_and_one_that_runs_too_few_tests_are_failures() {
        assert_eq!(ended(0, 3), None);
        let failed = ended(101, 3).unwrap();
        assert!(failed.contains("FAILED") && failed.contains("panicked"), "{failed}");
        assert!(!failed.contains("test a ... ok"), "{failed}");
        assert!(ended(0, 4).unwrap().ends_with("exit status: 0 after 3 of 4 tests"));
    }
}
