//! The MySQL Lambda function: also for MariaDB, and for Aurora MySQL.

#![forbid(unsafe_code)]

mod about;
mod connect;
mod failure;
mod literal;
mod open;
mod preamble;
mod query;
mod read;
mod refused;
mod session;
mod traces;
mod value;

use std::env;
use std::time::SystemTime;

/// The boundary: environment and clock are read here and handed down.
#[tokio::main(flavor = "current_thread")]
#[allow(clippy::disallowed_methods)] // the one place where the time of day comes in
async fn main() -> Result<(), lambda_runtime::Error> {
    let clock = || SystemTime::now();
    sql_function::run::<connect::MySql>(|name| env::var(name).ok(), clock).await
}
