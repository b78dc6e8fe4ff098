//! Whatever a function says of its statements becomes a client that compiles.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // tests, helpers included

mod catalogue;
mod json_schema;
mod rust;
mod typescript;
