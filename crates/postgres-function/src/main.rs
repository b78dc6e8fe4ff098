//! The Lambda function for PostgreSQL and Aurora PostgreSQL.

#![forbid(unsafe_code)]

mod binary;
mod close_on_drop;
mod connect;
mod connection;
mod custom_settings;
mod describe;
mod envelope;
mod failure;
mod param;
mod pipeline;
mod query;
mod server_info;
mod server_text;
mod session;
mod side_effects;
mod startup;
mod texts;
mod token;
mod value;

use std::env;
use std::time::SystemTime;

/// Reads the arguments, the environment and the clock, and passes them on.
#[allow(clippy::disallowed_methods)] // the only place that reads the time of day
fn main() -> Result<(), lambda_runtime::Error> {
    let clock = || SystemTime::now();
    sql_function::run::<connect::Postgres>(env::args_os().nth(1), |name| env::var(name).ok(), clock)
}
