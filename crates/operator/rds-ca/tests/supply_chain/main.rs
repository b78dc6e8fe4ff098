//! The supply chain of the roots, from a source to a client.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "what a test could not do, or did last")]

mod embedded;
mod folder;
mod forged;
mod https;
mod layer;
mod tampering;
mod update;
