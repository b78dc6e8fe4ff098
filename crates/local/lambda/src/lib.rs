//! The Lambda Runtime API and Invoke API on loopback: runs a function as Lambda does.
//!
//! A function is a folder with an executable `bootstrap`. It is started in Lambda's environment
//! and nothing else, fetches its events over the Runtime API, is frozen between invocations,
//! killed when it exceeds its time or memory, and started anew after a crash. Callers reach it
//! through [`Lambda::invoke`], or with the AWS CLI and SDKs at [`Lambda::endpoint_url`]. Logs read
//! as in CloudWatch, errors as from AWS.
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
//! A function of Lambda Managed Instances is one with [`Function::at_once`].
//!
//! What it leaves out of Lambda: versions and aliases, layers (the function sees this machine's
//! `/opt`), a share of the CPU by memory, retries and dead letters of asynchronous events, response
//! streaming, the Extensions API beyond an internal extension without events, and signatures: every
//! program that reaches loopback may invoke, but no page in a browser. Memory, as the resident size
//! of the one process, and who asks the Runtime API, which answers that process's group alone, are
//! read from `/proc`, on Linux alone.

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
