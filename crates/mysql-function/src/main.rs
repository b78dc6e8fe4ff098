//! The Lambda function for MySQL, MariaDB and Aurora MySQL.

mod close_on_drop;
mod connect;
mod connection;
mod describe;
mod failure;
mod literal;
mod query;
mod rows;
mod server_info;
mod session;
mod side_effects;
mod startup;
mod texts;
mod token;
mod unsupported;
mod value;

use std::env;
use std::time::SystemTime;
use zero_on_free::ZeroOnFree;

/// The driver does not overwrite copies of tokens before it frees them.
#[global_allocator]
static ALLOCATOR: ZeroOnFree = ZeroOnFree;

/// Reads the arguments, the environment and the clock, and passes them on.
#[allow(clippy::disallowed_methods)] // the only place that reads the time of day
#[allow(
    unsafe_code,
    reason = "an environment variable is the only way to disable the driver's buffer pool"
)]
fn main() -> Result<(), lambda_runtime::Error> {
    let (name, value) = token::NO_BUFFER_POOL;
    // SAFETY: no other thread was started that could read the environment at the same time.
    unsafe { env::set_var(name, value) };
    let clock = || SystemTime::now();
    sql_function::run::<connect::MySql>(env::args_os().nth(1), |name| env::var(name).ok(), clock)
}
