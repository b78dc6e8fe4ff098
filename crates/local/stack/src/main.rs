//! The program behind `cargo xtask local`, `check` and `describe`: real servers, Lambda's APIs, and functions
//! with any statements, on one machine.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)] // it talks to a person

mod arguments;
mod check;
mod describe;
mod given;
mod local;
mod place;
mod signals;
mod table;
mod versions;

use local_stack::Failure;
use std::env;
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::SystemTime;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    match run(arguments.next(), arguments).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {}", command_line::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Runs a command, and returns the exit code.
#[allow(clippy::disallowed_methods, reason = "the program's boundary: it reads the clock")]
async fn run(
    command: Option<OsString>,
    arguments: impl Iterator<Item = OsString>,
) -> Result<u8, Failure> {
    match command.as_ref().and_then(|command| command.to_str()) {
        Some("local") => local::run(arguments, SystemTime::now).await,
        Some("check") => check::run(arguments).await,
        Some("describe") => describe::run(arguments).await,
        _ => Err("use `cargo xtask local`, `check` or `describe`".into()),
    }
}
