//! The program behind `cargo xtask deploy`, `cargo xtask destroy` and `cargo xtask user`.

#![forbid(unsafe_code)]
#![allow(clippy::print_stderr)] // it talks to a person

mod flags;

use command_line::print;
use deployment::{Account, Failure, Report, deploy, destroy, user};
use flags::Command;
use std::env;
use std::process::ExitCode;
use std::time::SystemTime;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        // The result says what failed.
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Failure> {
    let no_color = env::var_os("NO_COLOR");
    let terminal = doctor::Terminal::of_stdout(no_color.as_deref());
    let report = |json| Report { json, terminal };
    #[allow(clippy::disallowed_methods)] // the boundary
    let now = SystemTime::now();
    match flags::parse(env::args_os().skip(1))? {
        Command::Help(text) => {
            print(text);
            Ok(true)
        }
        Command::Deploy { deploy: options, account, json } => {
            deployment::listen()?;
            deploy(&options, &with_region(account), now, &report(json))
        }
        Command::Destroy { destroy: options, account, json } => {
            deployment::listen()?;
            destroy(&options, &with_region(account), &report(json))
        }
        Command::User { user: options, account } => {
            print(&user::sql(&options, &with_region(account), &report(false))?);
            Ok(true)
        }
    }
}

/// Adds the region of the environment, by both of its names.
fn with_region(account: Account) -> Account {
    let of_environment = |name| env::var(name).ok().filter(|region: &String| !region.is_empty());
    let default_region =
        of_environment("AWS_REGION").or_else(|| of_environment("AWS_DEFAULT_REGION"));
    Account { default_region, ..account }
}
