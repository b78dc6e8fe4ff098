//! The PostgreSQL Lambda function: also for Aurora PostgreSQL.

#![forbid(unsafe_code)]

mod binary;
mod close_on_drop;
mod connect;
mod custom_settings;
mod envelope;
mod failure;
mod param;
mod pipeline;
mod query;
mod server_info;
mod server_text;
mod session;
mod startup;
mod texts;
mod token;
mod value;

use std::env;
use std::time::SystemTime;

/// The boundary: arguments, environment and clock are read here and handed down.
#[allow(clippy::disallowed_methods)] // the one place where the time of day comes in
fn main() -> Result<(), lambda_runtime::Error> {
    let clock = || SystemTime::now();
    sql_function::run::<connect::Postgres>(env::args_os().nth(1), |name| env::var(name).ok(), clock)
}
