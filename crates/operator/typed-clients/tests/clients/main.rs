//! Whatever a function says of its statements becomes a client that compiles.

#![allow(clippy::unwrap_used)] // clippy's own setting reaches test functions alone

mod catalogue;
mod json_schema;
mod rust;
mod typescript;
