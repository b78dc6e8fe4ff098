//! The ways in which an invocation or an initialisation fails, and what Lambda makes of each:
//! the error type of alarms, the payload of the caller, the line of the log.

use std::{io, os::unix::process::ExitStatusExt, process::ExitStatus, time::Duration};

use hyper::body::Bytes;
use serde_json::json;

/// The largest response a function may post, in bytes: 6 MiB and 100 bytes.
pub(crate) const RESPONSE_LIMIT: usize = 6 * 1024 * 1024 + 100;

/// Why there is no ordinary response.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The time limit passed.
    TimedOut,
    /// The process grew beyond the function's memory.
    OutOfMemory,
    /// The process ended by itself.
    Exited(ExitStatus),
    /// `bootstrap` could not be started.
    Unstartable(io::Error),
    /// The response exceeds [`RESPONSE_LIMIT`].
    ResponseTooLarge,
    /// The runtime reported an error by itself, with this type and payload.
    Reported(Reported),
}

/// An error as a runtime posts it to `/invocation/{id}/error` or `/init/error`.
#[derive(Debug)]
pub(crate) struct Reported {
    pub(crate) error_type: String,
    pub(crate) payload: Bytes,
}

impl Fault {
    /// The error type that Lambda reports for it.
    pub(crate) fn error_type(&self) -> &str {
        match self {
            Self::TimedOut => "Sandbox.Timedout",
            Self::OutOfMemory => "Runtime.OutOfMemory",
            Self::Exited(_) => "Runtime.ExitError",
            Self::Unstartable(_) => "Runtime.InvalidEntrypoint",
            Self::ResponseTooLarge => "Function.ResponseSizeTooLarge",
            Self::Reported(reported) => &reported.error_type,
        }
    }

    /// What the caller of the function receives.
    pub(crate) fn payload(&self, request_id: &str, timeout: Duration) -> Bytes {
        let message = match self {
            Self::Reported(reported) if !reported.payload.is_empty() => {
                return reported.payload.clone();
            }
            Self::ResponseTooLarge => self.reason(timeout),
            _ => format!("RequestId: {request_id} Error: {}", self.reason(timeout)),
        };
        json!({ "errorType": self.error_type(), "errorMessage": message }).to_string().into()
    }

    /// What a person reads in the log, without the request id.
    pub(crate) fn reason(&self, timeout: Duration) -> String {
        match self {
            Self::TimedOut => format!("Task timed out after {:.2} seconds", timeout.as_secs_f64()),
            Self::OutOfMemory => "Runtime exited with error: signal: killed".to_owned(),
            Self::Exited(status) => exit_reason(*status),
            Self::Unstartable(error) => format!("fork/exec bootstrap: {error}"),
            Self::ResponseTooLarge => format!(
                "Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            ),
            Self::Reported(reported) => reported.error_type.clone(),
        }
    }
}

/// An exit in the words of Lambda, which are those of Go's `os/exec`.
fn exit_reason(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(signal)) => {
            format!("Runtime exited with error: signal: {}", signal_name(signal))
        }
        (None, None) => "Runtime exited with error".to_owned(),
    }
}

fn signal_name(signal: i32) -> String {
    match signal {
        libc::SIGHUP => "hangup",
        libc::SIGINT => "interrupt",
        libc::SIGILL => "illegal instruction",
        libc::SIGABRT => "aborted",
        libc::SIGBUS => "bus error",
        libc::SIGFPE => "floating point exception",
        libc::SIGKILL => "killed",
        libc::SIGSEGV => "segmentation fault",
        libc::SIGTERM => "terminated",
        other => return format!("signal {other}"),
    }
    .to_owned()
}
