//! `cargo xtask bench`.

#![forbid(unsafe_code)]

use bench::{Failure, guard};
use command_line::CommandLine;
use std::env;
use std::num::NonZero;
use std::process::ExitCode;

const HELP: &str = include_str!("help.txt");
/// How many rounds there are unless `--rounds` says otherwise.
const ROUNDS: usize = 21;

#[allow(clippy::print_stderr)] // it talks to a person
fn say(line: &str) {
    eprintln!("{line}");
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let mut line = CommandLine::new("bench", env::args_os().skip(1));
    let (mut json, mut write, mut accept, mut peers) = (false, false, false, false);
    let mut rounds = ROUNDS;
    while let Some(option) = line.option()? {
        match option.as_str() {
            "json" => json = true,
            "write" => write = true,
            "accept" => accept = true,
            "peers" => peers = true,
            "rounds" => rounds = line.value::<NonZero<usize>>()?.get(),
            _ => return Err(line.unknown_in(HELP).into()),
        }
    }
    if accept {
        return guard::accept(&guard::measure(&mut say)?);
    }
    let report = bench::report(rounds, peers, &mut say)?;
    if write {
        bench::write(&report)?;
    }
    command_line::print(&if json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.tables()
    });
    Ok(())
}
