//! The Lambda Runtime API and Invoke API on loopback: runs a function as Lambda does.
//!
//! A function is a folder with an executable `bootstrap`. It starts with only Lambda's environment
//! variables and its own, fetches events over the Runtime API, is frozen between invocations, killed
//! when it exceeds its timeout or memory, and restarted after a crash. Callers invoke it with
//! [`Lambda::invoke`], or with the AWS CLI and SDKs at [`Lambda::endpoint_url`]. Logs look as in
//! CloudWatch, errors as from AWS.
//!
//! ```no_run
//! use local_lambda::{Function, Lambda};
//!
//! # async fn run() -> Result<(), local_lambda::Error> {
//! let lambda = Lambda::start().await?;
//! lambda.create_function(Function::new("items", "target/lambda/mysql-function")).await?;
//! let invocation = lambda.invoke("items", r#"{"statement":"items"}"#).await?;
//! assert_eq!(invocation.function_error, None, "{}", invocation.log);
//! # Ok(())
//! # }
//! ```
//!
//! A function of Lambda Managed Instances is one with [`Function::max_concurrency`].
//!
//! Not supported: versions and aliases, layers (the function sees this machine's `/opt`), a CPU share
//! by memory, retries and dead-letter queues of asynchronous events, response streaming, and the
//! Extensions API except for an internal extension without events. Signatures are not checked: every
//! program that reaches loopback may invoke, but no page in a browser. Memory is the resident size of
//! the one process, and the Runtime API answers only that process's group; both are read from `/proc`,
//! only on Linux.

#![forbid(unsafe_code)]

mod clock;
mod environment;
mod error;
mod fault;
mod foreign;
mod function;
mod functions;
mod http;
mod identity;
mod invocation;
mod invoke_api;
mod lambda;
mod log;
mod observer;
mod peer;
mod platform_log;
mod pool;
mod process;
mod runtime_api;

pub use error::Error;
pub use function::{Function, LogFormat};
pub use hyper::body::Bytes;
pub use invocation::Invocation;
pub use lambda::{Builder, Lambda};
pub use observer::Invoked;
