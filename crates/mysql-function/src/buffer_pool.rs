//! The driver's pool of buffers, which a program disables before it does anything else.

use std::env;

use crate::token::NO_BUFFER_POOL;

/// Disables the pool. The driver reads this environment variable at its first connection.
#[doc(hidden)]
#[allow(
    unsafe_code,
    reason = "an environment variable is the only way to disable the driver's buffer pool"
)]
pub fn disable() {
    let (name, value) = NO_BUFFER_POOL;
    assert!(is_alone(), "a function's program starts no thread before it serves");
    // SAFETY: this is the only thread, so that no other reads the environment at the same time.
    unsafe { env::set_var(name, value) };
}

/// Whether this process has one thread, where the system tells.
fn is_alone() -> bool {
    std::fs::read_dir("/proc/self/task").map_or(true, |threads| threads.count() == 1)
}
