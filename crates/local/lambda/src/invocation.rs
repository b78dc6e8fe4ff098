//! The input and the result of an invocation.

use std::time::Duration;

use hyper::body::Bytes;
use serde_json::value::RawValue;

use crate::error::{Error, Kind};

/// The largest event of a synchronous invocation, in bytes.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
pub(crate) const SYNCHRONOUS_LIMIT: usize = 6 * 1024 * 1024;

/// The largest event of an asynchronous invocation, in bytes.
pub(crate) const ASYNCHRONOUS_LIMIT: usize = 1024 * 1024;

/// An event on its way to a function: JSON within the limit.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) payload: Bytes,
    /// JSON on one line.
    pub(crate) client_context: Option<String>,
}

impl Request {
    /// Checks the payload as Lambda does. An empty one means an empty object.
    pub(crate) fn new(payload: Bytes, limit: usize) -> Result<Self, Error> {
        if payload.len() > limit {
            return Err(Kind::TooLarge { limit }.into());
        }
        if payload.is_empty() {
            return Ok(Self { payload: Bytes::from_static(b"{}"), client_context: None });
        }
        match serde_json::from_slice::<&RawValue>(&payload) {
            Ok(_) => Ok(Self { payload, client_context: None }),
            Err(error) => Err(Kind::InvalidContent(error.to_string()).into()),
        }
    }
}

/// The result of an invocation that reached its function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Invocation {
    /// The id in the function's log.
    pub request_id: String,
    /// The response, or the error object if `function_error` is set.
    pub payload: Bytes,
    /// `Unhandled` when the function failed, timed out or crashed.
    pub function_error: Option<String>,
    /// How long the environment took to initialise, on its first invocation. Also `None` if the
    /// initialisation failed and ran again within the invocation: its time is then part of
    /// `duration`, as in Lambda's REPORT line.
    pub init: Option<Duration>,
    /// From the delivery of the event until the runtime asked for the next.
    pub duration: Duration,
    /// What Lambda would bill: `duration` and `init`, rounded up to a millisecond.
    pub billed: Duration,
    /// The most memory the process has held since it started, in MiB. 0 on a system without
    /// `/proc`.
    pub max_memory_mb: u64,
    /// The lines of this invocation, from START to REPORT, after those of its initialisation.
    pub log: String,
}
