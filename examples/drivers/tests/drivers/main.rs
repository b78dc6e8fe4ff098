//! Every example logs in to a real server that enforces IAM tokens, and sends no token to any other.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod defaults;
mod example;
mod fresh;
mod hostile;
mod length;
mod logins;
mod sts;
mod world;
