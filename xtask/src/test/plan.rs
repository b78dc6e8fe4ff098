//! Which tests run side by side, which alone, and which `--quick` leaves out.

use std::cmp::Reverse;
use std::process::Command;

use crate::Failure;

use super::binaries::Binary;
use super::flags::Flags;

/// Programs whose tests each run in their own process. The tests of other programs share a process,
/// because they are short, or share what they prepare.
const SPLIT: [&str; 3] =
    ["mysql-function integration", "postgres-function integration", "test-handler handler"];

/// The tests that take longest, or most of the cores' time: modules of scenarios, test programs, and
/// what runs on MySQL, whose server starts slowest and whose function serves MariaDB too. They are
/// started first, and `--quick` leaves them out.
pub(super) const LONG: [&str; 16] = [
    "soak",
    "outages",
    "cuts",
    "histories",
    "failover",
    "pauses",
    "end_to_end",
    "size",
    "round_trip",
    "policy",
    "discovery",
    "templates",
    "doctor",
    "environment",
    "versions",
    "mysql",
];

/// Test programs that are started before all others, because they are busy for minutes with one thing after
/// another: cargo, and calls of the AWS CLI.
const FIRST: [&str; 6] = [
    "bench::guard::",
    "packaging::own::",
    "deployment::end_to_end::",
    "deployment::refused_by_aws::",
    "packaging::lambda::",
    "xtask::repository::",
];

/// Tests that need the machine to themselves, and why: they have failed beside others, or would make
/// others fail.
const ALONE: [(&str, &str); 3] = [
    ("outages::idle_timeout", "the server closes connections that are idle for a second"),
    ("shutdown::silent_server", "Lambda allows half a second between SIGTERM and SIGKILL"),
    ("pages", "their commands build the programs that other tests run"),
];

/// A process to run.
#[derive(Debug)]
pub(super) struct Job {
    /// What it belongs to: a program of tests, or a command of cargo's.
    pub(super) part_of: String,
    /// What is shown while it runs.
    pub(super) name: String,
    pub(super) command: Command,
    /// How many tests it runs, if that is known.
    pub(super) tests: Option<usize>,
    /// Whether nothing may run beside it.
    pub(super) alone: bool,
}

/// What is run, and what is not.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// In the order in which they start. Those that run alone come last.
    pub(super) jobs: Vec<Job>,
    /// How many tests `--quick` leaves out.
    pub(super) left_out: usize,
}

/// Plans the selected tests.
pub(super) fn plan(binaries: &[Binary], flags: &Flags) -> Result<Plan, Failure> {
    let mut jobs = vec![];
    let mut left_out = 0;
    let tests: Vec<_> = binaries.iter().map(Binary::tests).collect::<Result<_, _>>()?;
    flags.check_names(&tests.concat())?;
    for (binary, all) in binaries.iter().zip(tests) {
        let of_binary = all.len();
        let mut groups: Vec<(Key, Vec<String>)> = vec![];
        for test in all.into_iter().filter(|test| flags.want(test)) {
            let key = Key::of(&binary.name(&test));
            if flags.quick && key.long > 0 {
                left_out += 1;
                continue;
            }
            let split = SPLIT.contains(&&*binary.label());
            match groups.iter_mut().find(|(other, _)| !split && *other == key) {
                Some((_, tests)) => tests.push(test),
                None => groups.push((key, vec![test])),
            }
        }
        for (key, tests) in groups {
            let mut command = binary.command()?;
            command.envs(flags.environment());
            if tests.len() < of_binary {
                command.arg("--exact").args(&tests);
            }
            let name = match &*tests {
                [test] => format!("{} {test}", binary.label()),
                _ => binary.label(),
            };
            let (part_of, tests, alone) = (binary.label(), Some(tests.len()), key.alone);
            jobs.push((key, Job { part_of, name, command, tests, alone }));
        }
    }
    jobs.sort_by_key(|(key, _)| (key.alone, !key.first, Reverse(key.long)));
    Ok(Plan { jobs: jobs.into_iter().map(|(_, job)| job).collect(), left_out })
}

/// Where and when a test runs.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    alone: bool,
    first: bool,
    /// 0 for most tests; the longer, the higher.
    long: usize,
}

impl Key {
    fn of(name: &str) -> Key {
        let mut parts = name.split("::").skip(1);
        let program = parts.next();
        // Of a scenario, the engine and the module.
        let kinds = parts.take(if program == Some("integration") { 2 } else { 0 }).chain(program);
        let at = kinds.filter_map(|kind| LONG.iter().position(|&long| kind == long)).min();
        Key {
            alone: ALONE.iter().any(|(part, _)| name.contains(&format!("::{part}"))),
            first: FIRST.iter().any(|program| name.starts_with(program)),
            long: at.map_or(0, |at| LONG.len() - at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_text_names_the_long_tests() {
        let words: Vec<_> = include_str!("help.txt").split_whitespace().collect();
        let list = LONG.join(", ");
        assert!(words.join(" ").contains(&list), "{list}");
    }

    #[test]
    fn long_tests_start_first_and_those_that_run_alone_come_last() {
        let soak = Key::of("mysql-function::integration::mysql::soak::random_faults");
        let deployment = Key::of("deployment::end_to_end::two_clones");
        let policy = Key::of("local-rds::lib::iam::policy::tests::effects");
        let shutdown = Key::of("mysql-function::integration::mariadb::shutdown::silent_server");
        let login = Key::of("mysql-function::integration::mysql::login::denied");
        assert!(soak.long > deployment.long && deployment.long > login.long && login.long > 0);
        assert!(deployment.first && !login.first);
        assert!(shutdown.alone && shutdown.long == 0 && !soak.alone);
        assert_eq!(policy.long, 0, "not the scenarios");
        let builds = Key::of("packaging::lambda::zips::are_the_same_bytes_when_built_again");
        let lambda = Key::of("local-lambda::lambda::processes::freeze");
        assert!(builds.first && builds.long == 0 && !lambda.first && !soak.first);
    }
}
