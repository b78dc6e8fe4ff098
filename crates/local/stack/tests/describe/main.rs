//! `describe`: what it prints and writes, and clients that are compiled and run against real functions.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // tests, helpers included

mod command;
mod fixture;
mod json_schema;
#[path = "../stack/run.rs"]
#[allow(dead_code)] // the other tests of the program use all of it
mod run;
mod rust;
mod typescript;
