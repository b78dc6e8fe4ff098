//! `cargo xtask test`: everything that must hold.

mod binaries;
mod flags;
mod plan;
mod progress;
mod run;

use engine::Engine;
use local_packages::Version;
use std::ffi::OsString;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use crate::Failure;
use crate::cargo::{self, cargo};
use crate::faults;
use crate::fetch;
use binaries::Binary;
use flags::Flags;
use plan::{Job, Plan};
use progress::Progress;

/// `iam-auth` with all features. `unwinding`, of which nothing is built, has for its tests all that has
/// features for `iam-auth`'s dependencies: they are built as for the workspace's tests, and not once more.
const LIBRARY: [&str; 5] = ["--package", "iam-auth", "--package", "unwinding", "--all-features"];

/// How many of cargo's commands run at once. More would wait for each other.
const COMMANDS_AT_ONCE: usize = 2;

/// A function of one's own, in the folder of its package.
const OWN_FUNCTION: &str = "examples/own-function";

pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    let flags = Flags::parse(arguments)?;
    if !flags.arguments.is_empty() {
        fetch::servers_during(&Engine::ALL.map(Version::from), || Ok(()))?;
        return cargo::exec(cargo(&["test", "--locked"])?.args(flags.cargo_arguments()));
    }
    let start = Instant::now();
    if flags.is_all() {
        cargo::run(&mut cargo(&["fmt", "--all", "--check"])?)?;
    }
    let Plan { jobs, left_out } = plan::plan(&build(&flags)?, &flags)?;
    if jobs.is_empty() {
        return Err("--quick leaves out all these tests".into());
    }
    if flags.is_all() {
        faults::forget()?;
    }
    let (summary, failed) = run_all(commands(&flags)?, jobs, flags.jobs);
    if flags.is_all() && failed.is_empty() {
        faults::show()?;
    }
    let seconds = start.elapsed().as_secs();
    eprintln!("{summary} in {} min {} s", seconds / 60, seconds % 60);
    if flags.quick {
        let long = plan::LONG.join(", ");
        eprintln!("left out by --quick: format, lints, features, {left_out} tests of {long}");
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", ")).into()) }
}

/// Builds the tests, and fetches what they need meanwhile.
fn build(flags: &Flags) -> Result<Vec<Binary>, Failure> {
    let mut binaries = vec![];
    let wants = flags.names.is_empty() || flags.names.iter().any(|name| name.contains("versions"));
    let versions = if wants && !flags.quick { flags.wanted_versions() } else { vec![] };
    if flags.servers.is_empty() && !flags.versions {
        fetch::everything_during(versions, || {
            binaries = binaries::build(&["--workspace"])?;
            Ok(())
        })?;
    } else {
        // With the workspace's features, so that nothing is built twice.
        let integration = ["--workspace", "--test", "integration"];
        fetch::versions_during(&flags.servers, versions, || {
            binaries = binaries::build(&integration)?;
            Ok(())
        })?;
    }
    if flags.is_all() {
        let library = binaries.iter().filter_map(|binary| binary.test_of("iam-auth"));
        let library: Vec<_> = library.flat_map(|test| ["--test", test]).collect();
        let library = binaries::build(&[&LIBRARY[..], &["--lib"], &library].concat())?;
        binaries.extend(library.into_iter().map(|binary| binary.with("all features")));
        // Some tests use the packages. They would build them without showing it.
        cargo::run(&mut cargo::built("packaging")?)?;
    }
    Ok(binaries)
}

/// What else cargo builds and checks: a function of one's own, the examples in the documentation, and lints.
fn commands(flags: &Flags) -> Result<Vec<Job>, Failure> {
    let job_of = |name: &str, command: Command| {
        let (part_of, name) = (name.to_owned(), name.to_owned());
        Job { part_of, name, command, tests: None, alone: false }
    };
    let job = |name: &str, arguments: &[&str]| Ok::<_, Failure>(job_of(name, cargo(arguments)?));
    let mut jobs = vec![];
    if flags.is_all() {
        // Tests use it, which would wait for each other. Most of the time it is linked, on one core.
        let mut own = cargo::built("packaging")?;
        own.args(["--package", OWN_FUNCTION]);
        jobs.push(job_of("a function of one's own", own));
        let lints =
            ["clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        jobs.push(job("lints", &lints)?);
        let library = [&["test", "--locked", "--doc"], &LIBRARY[..]].concat();
        jobs.push(job("iam-auth with all features: documentation", &library)?);
        // By itself, as its users build it: other packages give its dependencies no features.
        let alone = ["clippy", "--locked", "--package", "iam-auth", "--no-default-features"];
        let alone = [&alone[..], &["--features", "https", "--", "--deny", "warnings"]].concat();
        jobs.push(job("iam-auth with https alone: lints", &alone)?);
    }
    if flags.servers.is_empty() && !flags.versions && flags.names.is_empty() {
        let examples = ["test", "--locked", "--doc", "--workspace", "--no-fail-fast"];
        jobs.push(job("documentation", &examples)?);
    }
    Ok(jobs)
}

/// Runs cargo's commands, then the tests, and then those that run alone. Prints the output of the jobs that
/// failed. Returns a summary, and the names of those that failed.
///
/// Beside tests, cargo's commands would take as long as all tests do, and the tests that run cargo would wait for
/// them.
fn run_all(commands: Vec<Job>, tests: Vec<Job>, at_once: usize) -> (String, Vec<String>) {
    let mut progress = Progress::new(commands.iter().chain(&tests));
    let (alone, beside): (Vec<_>, Vec<_>) = tests.into_iter().partition(|job| job.alone);
    let (sender, events) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            run::side_by_side(commands, COMMANDS_AT_ONCE, &sender);
            run::side_by_side(beside, at_once, &sender);
            run::side_by_side(alone, 1, &sender);
        });
        progress.follow(&events);
    });
    (progress.summary(), progress.print_failures())
}
