//! The commands of this project: `cargo xtask --help`.
//!
//! It compiles within seconds. The heavy commands are other programs, which it builds and then runs with
//! the arguments that it was given. It reads the arguments itself only to answer `--help`, and to fetch
//! servers.

#![allow(clippy::print_stderr)] // it talks to a person

mod cargo;
mod commands;
mod faults;
mod fetch;
mod local;
mod test;

use commands::Answer;
use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

/// Why a command failed.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let outcome = commands::answer(env::args_os().skip(1)).and_then(|answer| match answer {
        Answer::Text(text) => {
            // A closed pipe, as of `head`, is not an error.
            let _ = writeln!(io::stdout(), "{}", text.trim_end());
            Ok(())
        }
        Answer::Run(command, arguments) => command.run(arguments),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
