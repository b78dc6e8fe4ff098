//! The MySQL Lambda function: also for MariaDB, and for Aurora MySQL.

mod close_on_drop;
mod connect;
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

/// The driver frees copies of tokens as they are.
#[global_allocator]
static ALLOCATOR: ZeroOnFree = ZeroOnFree;

/// The boundary: arguments, environment and clock are read here and handed down.
#[allow(clippy::disallowed_methods)] // the one place where the time of day comes in
#[allow(unsafe_code, reason = "the driver is told by the environment alone to pool no buffers")]
fn main() -> Result<(), lambda_runtime::Error> {
    let (name, value) = token::NO_BUFFER_POOL;
    // SAFETY: no other thread has been started that could read the environment meanwhile.
    unsafe { env::set_var(name, value) };
    let clock = || SystemTime::now();
    sql_function::run::<connect::MySql>(env::args_os().nth(1), |name| env::var(name).ok(), clock)
}
