//! `cargo xtask test`: everything that must hold.

mod binaries;
pub(crate) mod flags;
mod plan;
mod progress;
mod run;

use engine::Engine;
use std::sync::mpsc;
use std::time::Instant;

use crate::Failure;
use crate::cargo::{self, cargo};
use crate::faults;
use crate::fetch;
use flags::Test;
use plan::Job;
use progress::Progress;

pub(crate) fn run(flags: &Test) -> Result<(), Failure> {
    let start = Instant::now();
    if !flags.arguments.is_empty() {
        let test = || cargo::run(cargo(&["test", "--locked"])?.args(&flags.arguments));
        return fetch::servers_during(&Engine::ALL, || Ok(())).and_then(|()| test());
    }
    let is_all = !flags.quick && flags.engines.is_empty() && flags.names.is_empty();
    if is_all {
        step("format", &["fmt", "--all", "--check"])?;
    }
    let mut binaries = vec![];
    let build = || -> Result<(), Failure> {
        let mut selection = vec!["--workspace"];
        if !flags.engines.is_empty() {
            selection.extend(["--test", "integration"]);
        }
        binaries = binaries::build(&selection)?;
        if is_all {
            binaries.extend(binaries::build(&["--package", "iam-auth", "--features", "https"])?);
        }
        Ok(())
    };
    if flags.engines.is_empty() {
        fetch::everything_during(build)?;
    } else {
        fetch::servers_during(&flags.engines, build)?;
    }
    if is_all {
        cargo::run(&mut cargo::built("packaging")?)?;
        faults::forget()?;
    }
    let is_wanted = |test: &str| {
        let of_engine = |engine: &Engine| test.starts_with(&format!("{engine}::"));
        (flags.engines.is_empty() || flags.engines.iter().any(of_engine))
            && (flags.names.is_empty() || flags.names.iter().any(|name| test.contains(name)))
    };
    let plan::Plan { mut jobs, left_out } = plan::plan(&binaries, flags.quick, is_wanted)?;
    if is_all {
        let lints =
            ["clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        jobs.insert(0, command("lints", &lints)?);
        let doc = ["test", "--locked", "--workspace", "--doc", "--no-fail-fast"];
        jobs.insert(1, command("documentation", &doc)?);
        let doc = ["test", "--locked", "--package", "iam-auth", "--features", "https", "--doc"];
        jobs.insert(2, command("documentation of iam-auth with https", &doc)?);
    }
    let mut progress = Progress::new(&jobs);
    eprintln!("build etc took {:.1}", start.elapsed().as_secs_f64());
    let (alone, beside): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.alone);
    let (sender, events) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            run::side_by_side(beside, flags.jobs, &sender);
            run::side_by_side(alone, 1, &sender);
        });
        progress.follow(&events);
    });
    progress.slow();
    let failures = progress.failures();
    if is_all {
        faults::show()?;
    }
    eprintln!(
        "{:?} in {} parts, {:.1} s, left out {left_out}, failures {failures:?}",
        progress.counts,
        progress.parts(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn command(name: &str, arguments: &[&str]) -> Result<Job, Failure> {
    let command = cargo(arguments)?;
    let (part_of, name) = (name.to_owned(), name.to_owned());
    Ok(Job { part_of, name, command, tests: None, alone: false })
}

fn step(name: &str, arguments: &[&str]) -> Result<(), Failure> {
    eprintln!("== {name}: cargo {}", arguments.join(" "));
    let start = Instant::now();
    cargo::run(&mut cargo(arguments)?)?;
    eprintln!("== {name}: ok, {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
