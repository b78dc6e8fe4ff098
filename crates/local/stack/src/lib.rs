//! Functions in front of local servers, for the program `local-stack` and the integration tests: whole
//! [`Stack`]s of a folder of statements and a schema, or how a single function is pointed at a server.

#![forbid(unsafe_code)]

mod examples;
mod failure;
mod function;
mod plan;
mod schema;
mod stack;

pub use examples::{ITEMS, copy_examples, statements};
pub use failure::Failure;
pub use function::{function, settings, with_role};
pub use plan::{Planned, engines, plan, servers};
pub use schema::{Cancelled, Schema, Schemas, apply};
pub use stack::{Answer, Progress, SchemaOf, Stack};
