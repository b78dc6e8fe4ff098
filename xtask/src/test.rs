//! `cargo xtask test`: everything that must hold.

use local_rds_packages::Engine;
use std::time::Instant;

use crate::Failure;
use crate::cargo::{self, cargo};
use crate::fetch;
use crate::flags::Test;

pub(crate) fn run(flags: &Test) -> Result<(), Failure> {
    if !flags.arguments.is_empty() {
        let test = || cargo::run(cargo(&["test", "--locked"]).args(&flags.arguments));
        return fetch::servers_during(&Engine::ALL, || Ok(())).and_then(|()| test());
    }
    if !flags.quick {
        step("format", &["fmt", "--all", "--check"])?;
    }
    fetch::everything_during(|| step("build", &["test", "--locked", "--workspace", "--no-run"]))?;
    step("tests", &["test", "--locked", "--workspace", "--no-fail-fast"])?;
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
    eprintln!("== {name}: cargo {}", arguments.join(" "));
    let start = Instant::now();
    cargo::run(&mut cargo(arguments))?;
    eprintln!("== {name}: ok, {:.0} s", start.elapsed().as_secs_f64());
    Ok(())
}
