//! The commands of this project: `cargo xtask --help`.
//!
//! It is small, so that it answers within seconds of a clone. What is heavy lives in crates of its
//! own, which it has cargo build and then runs.

#![allow(clippy::print_stderr)] // it talks to a person

mod build;
mod cargo;
mod certs;
mod deployment;
mod doctor;
mod faults;
mod fetch;
mod flags;
mod layer;
mod local;
mod test;

use flags::{Command, Flags};
use std::io::{self, Write};
use std::process::ExitCode;

/// Why a command ended early: a text for the person who called it.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Prints a line. A reader that has seen enough, such as `head`, is no error.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn main() -> ExitCode {
    let outcome = match flags::parse() {
        Ok(Flags::Help(text)) => {
            say(text);
            Ok(())
        }
        Ok(Flags::Run(Command::Local(flags))) => local::run(&flags),
        Ok(Flags::Run(Command::Test(flags))) => test::run(&flags),
        Ok(Flags::Run(Command::Build(arguments))) => build::run(&arguments),
        Ok(Flags::Run(Command::Layer(arguments))) => layer::run(&arguments),
        Ok(Flags::Run(Command::Certs(arguments))) => certs::run(&arguments),
        Ok(Flags::Run(Command::Doctor(arguments))) => doctor::run(&arguments),
        Ok(Flags::Run(Command::Deployment(arguments))) => deployment::run(&arguments),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
