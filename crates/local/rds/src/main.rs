//! The program `local-rds`: local servers for any client, in any language.

#![allow(clippy::print_stderr)] // it talks to a person

mod program;

use std::env;
use std::process::ExitCode;

use program::options::{self, Request};
use program::{serve, token};

fn main() -> ExitCode {
    let request = match options::read(env::args_os().skip(1)) {
        Ok(request) => request,
        Err(error) => {
            eprintln!("local-rds: {error}");
            return ExitCode::from(2);
        }
    };
    let done = match request {
        Request::Help => {
            command_line::print(options::HELP);
            Ok(ExitCode::SUCCESS)
        }
        Request::Version => {
            command_line::print(concat!("local-rds ", env!("CARGO_PKG_VERSION")));
            Ok(ExitCode::SUCCESS)
        }
        Request::Token(engine) => {
            let token = token::of(engine, |name| env::var(name).ok());
            token.map(|token| {
                command_line::print(token.expose());
                ExitCode::SUCCESS
            })
        }
        Request::Serve(options) => serve::serve(&options, env::var_os("PATH").as_deref()),
    };
    done.unwrap_or_else(|error| {
        eprintln!("local-rds: {}", command_line::chain(&*error));
        ExitCode::FAILURE
    })
}
