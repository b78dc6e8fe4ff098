//! `cargo run -p login-storm`: the table of login storms.

#![allow(clippy::print_stdout, clippy::print_stderr)] // it talks to a person

use lexopt::prelude::*;
use sql_function::Backoff;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
Simulate many Lambda environments that log in to one database at once.

Usage: cargo run -p login-storm -- [OPTIONS]

Plays storms of 100, 1,000 and 10,000 environments against a database that admits 20 or 200
logins a second, with the functions' own backoff, and prints a table in Markdown; then one of
the storms with other waits, to compare.

Options:
  --base MS         The longest wait before the first retry, in milliseconds
  --cap MS          The longest wait before any retry, in milliseconds
  --deadline S      How long an environment tries, in seconds (default: 30)
  -h, --help        Show this text

Without --base and --cap the waits are those that the functions use.";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("login-storm: {error}\nTry --help.");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), lexopt::Error> {
    let mut backoff = Backoff::LOGIN;
    let mut deadline = login_storm::DEADLINE;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("base") => backoff.base = Duration::from_millis(parser.value()?.parse()?),
            Long("cap") => backoff.cap = Duration::from_millis(parser.value()?.parse()?),
            Long("deadline") => deadline = Duration::from_secs(parser.value()?.parse()?),
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected()),
        }
    }
    print!("{}", login_storm::markdown(&login_storm::table(backoff, deadline)));
    print!("\n{}", login_storm::comparison(deadline));
    Ok(())
}
