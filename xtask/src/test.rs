//! `cargo xtask test`: everything that must hold.

use engine::Engine;
use std::process::Command;
use std::time::Instant;

use crate::Failure;
use crate::cargo::{self, cargo};
use crate::faults;
use crate::fetch;
use crate::flags::Test;

pub(crate) fn run(flags: &Test) -> Result<(), Failure> {
    if !flags.arguments.is_empty() {
        let test = || cargo::run(cargo(&["test", "--locked"])?.args(&flags.arguments));
        return fetch::servers_during(&Engine::ALL, || Ok(())).and_then(|()| test());
    }
    if !flags.quick {
        step("format", &["fmt", "--all", "--check"])?;
    }
    fetch::everything_during(|| step("build", &["test", "--locked", "--workspace", "--no-run"]))?;
    // Before the tests, which would build them too: so its time is seen. The program is one that the
    // last step compiled.
    timed("package", "cargo xtask build", &mut cargo::built("packaging")?)?;
    faults::forget()?;
    step("tests", &["test", "--locked", "--workspace", "--no-fail-fast"])?;
    faults::show()?;
    step(
        "tests of iam-auth with https",
        &["test", "--locked", "--package", "iam-auth", "--features", "https"],
    )?;
    if !flags.quick {
        step(
            "lints",
            &["clippy", "--locked", "--workspace", "--all-targets", "--", "--deny", "warnings"],
        )?;
    }
    eprintln!("everything holds");
    Ok(())
}

fn step(name: &str, arguments: &[&str]) -> Result<(), Failure> {
    timed(name, &format!("cargo {}", arguments.join(" ")), &mut cargo(arguments)?)
}

fn timed(name: &str, shown: &str, command: &mut Command) -> Result<(), Failure> {
    eprintln!("== {name}: {shown}");
    let start = Instant::now();
    cargo::run(command)?;
    eprintln!("== {name}: ok, {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
