//! Where `Credentials::from_chain` finds credentials outside Lambda: each source of AWS's SDKs, with real
//! files, processes and HTTP on loopback.
#![cfg(feature = "https")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod asked;
mod containers;
mod files;
mod http;
mod nothing;
mod sessions;
mod sts;
