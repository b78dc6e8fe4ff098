//! What the functions' scenarios run in: a real server, Lambda's APIs, and the function between them.
//!
//! ```no_run
//! use engine::Engine;
//! use function_harness::Harness;
//!
//! # async fn run() {
//! let harness = Harness::start(Engine::MySql, "target/debug/mysql-function").await;
//! let function = harness.deploy(&[]).await;
//! assert_eq!(function.ok(r#"{"statement":"items"}"#).await["row_count"], 3);
//! # }
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // tests' bodies

mod clusters;
mod collector;
mod deployed;
pub mod event;
pub mod faults;
pub mod general_log;
mod harness;
pub mod layer;
mod memory;
pub mod names;
pub mod namespace;
mod poll;
mod sequences;

pub use clusters::ClusterHarness;
pub use collector::Collector;
pub use deployed::{Deployed, Exact};
pub use harness::{Harness, PROXY, borrowed, closed_port, on_version};
pub use memory::{Needle, search};
pub use poll::until;
pub use sequences::at_random;
