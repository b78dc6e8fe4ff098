//! Signals to processes.

#![allow(unsafe_code)] // kill has no safe form in std

use libc::{c_int, pid_t};

/// Sends `signal` to the process `to`, or to the group `-to`. One that is gone is no error.
pub(crate) fn send(signal: c_int, to: pid_t) {
    // SAFETY: kill(2) has no preconditions.
    unsafe { libc::kill(to, signal) };
}
