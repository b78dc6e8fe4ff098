//! The templates are what their comments and the README say, as translated and rendered.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests' bodies

mod database;
mod functions;
mod lint;
mod parameters;
mod policies;
mod stack;
mod switches;
