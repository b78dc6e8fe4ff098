//! What the MySQL and the PostgreSQL Lambda share.
//!
//! An engine's function is a [`Connector`] and a [`Connection`]; all the rest is here. An invocation
//! goes [`run`] (Lambda's boundary) → [`handle`] (event → statement) → [`session`] (the open
//! connection, or a new one) → the engine's `connect` and `query` → [`response`], or a diagnosed
//! [`Error`].

#![forbid(unsafe_code)]

pub mod backoff;
pub mod bound;
pub mod boundary;
pub mod catalogue;
pub mod deadline;
pub mod diagnose;
pub mod dial;
pub mod engine;
pub mod error;
pub mod event;
pub mod handle;
mod json;
mod panics;
pub mod param;
mod perform;
pub mod placeholders;
pub mod refusal;
pub mod response;
pub mod rows;
pub mod said;
pub mod session;
pub mod settings;
mod shutdown;
pub mod sql;
pub mod statement;
mod summary;
pub mod telemetry;
pub mod value;

pub use backoff::Backoff;
pub use boundary::run;
pub use deadline::Deadline;
pub use engine::{Clock, Connection, Connector, Done, Examine, Login};
pub use error::{Error, Fate, Kind};
pub use param::Param;
pub use rows::{Column, Row, Rows};
pub use said::{Loggable, Said};
pub use session::Session;
pub use statement::{Mode, Statement};
pub use value::{Array, Json, Value};
