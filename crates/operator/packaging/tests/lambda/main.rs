//! What `cargo xtask build` builds: the zips, their programs, and a run under AWS's emulator of Lambda.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod built;
mod clones;
mod emulator;
mod machine;
mod programs;
mod statements;
mod under_lambda;
mod zips;
