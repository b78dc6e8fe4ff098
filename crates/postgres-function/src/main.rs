//! The PostgreSQL Lambda function: also for Aurora PostgreSQL.

#![forbid(unsafe_code)]

mod about;
mod around;
mod array;
mod binary;
mod carrier;
mod connect;
mod custom;
mod failure;
mod flight;
mod handover;
mod network;
mod number;
mod param;
mod preamble;
mod query;
mod server_text;
mod session;
mod time;
mod value;

use sql_function::{DIAGNOSE, diagnose, run};
use std::env;
use std::time::SystemTime;
use tokio::runtime::Builder;

/// The boundary: arguments, environment and clock are read here and handed down.
#[allow(clippy::disallowed_methods)] // the one place where the time of day comes in
fn main() -> Result<(), lambda_runtime::Error> {
    let clock = || SystemTime::now();
    let variable = |name: &str| env::var(name).ok();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let outcome = match env::args_os().nth(1) {
        Some(argument) if argument == DIAGNOSE => {
            runtime.block_on(diagnose::<connect::Postgres>(variable, clock))
        }
        _ => runtime.block_on(run::<connect::Postgres>(variable, clock)),
    };
    // A look-up of a name that hangs is not waited for.
    runtime.shutdown_background();
    outcome
}
