//! Simulates many execution environments that log in to one database at the same moment, and prints
//! how long it takes until all have logged in:
//!
//! ```sh
//! cargo run -p sql-function --example login-storm
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr)] // it talks to a person

mod storm;
mod table;

use lexopt::prelude::*;
use sql_function::Backoff;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
Simulate many Lambda environments that log in to one database at once.

Usage: cargo run -p sql-function --example login-storm -- [OPTIONS]

Runs storms of 100, 1,000 and 10,000 environments against databases that accept
so many logins a second, with the functions' own backoff, and prints a Markdown
table. A second table compares other backoffs in a storm of 1,000 environments.

How many IAM logins a second RDS accepts grows with the instance and depends on
its work; AWS has published no number since 2026-06-30. To find that of your
database, look at the sum of a minute of the metric
IamDbAuthConnectionFailureThrottling beside IamDbAuthConnectionSuccess.

Options:
  --rate N        Logins a second that the database accepts (default: 20, 200 and
                  1000; 200 in the second table). 200 was AWS's figure until then,
                  20 its figure for MySQL before that; 1000 is an assumption
  --base MS       Longest wait before the first retry, in milliseconds
  --cap MS        Longest wait before any retry, in milliseconds
  --deadline S    How long each environment keeps trying, in seconds (default: 30)
  -h, --help      Print this help

--base and --cap default to the functions' own backoff.";

/// How long an environment keeps trying: the time of an invocation that has to log in.
const DEADLINE: Duration = Duration::from_secs(30);

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
    let mut deadline = DEADLINE;
    let mut rate = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("base") => backoff.base = Duration::from_millis(parser.value()?.parse()?),
            Long("cap") => backoff.cap = Duration::from_millis(parser.value()?.parse()?),
            Long("rate") => rate = Some(parser.value()?.parse()?),
            Long("deadline") => deadline = Duration::from_secs(parser.value()?.parse()?),
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected()),
        }
    }
    print!("{}", table::markdown(&table::table(backoff, deadline, rate)));
    print!("\n{}", table::comparison(deadline, rate));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_shows_these_tables() {
        let document = include_str!("../../../../docs/RELIABILITY.md");
        let storms = table::markdown(&table::table(Backoff::LOGIN, DEADLINE, None));
        for table in [storms, table::comparison(DEADLINE, None)] {
            assert!(
                document.contains(&table),
                "docs/RELIABILITY.md lacks this table, which `cargo run -p sql-function --example \
                 login-storm` prints:\n{table}"
            );
        }
    }
    #[test]
    fn a_given_rate_is_that_of_every_storm() {
        let rows = table::table(Backoff::LOGIN, DEADLINE, Some(50));
        assert_eq!(rows.iter().map(|row| row.storm.rate).collect::<Vec<_>>(), [50; 3]);
        assert_ne!(table::comparison(DEADLINE, Some(500)), table::comparison(DEADLINE, None));
    }
}
