//! What both functions' integration tests share: a real server, Lambda's APIs, and the function
//! between them.
//!
//! Each engine's tests call the same [`login`], [`events`] and [`start`] scenarios, so that MySQL,
//! MariaDB and PostgreSQL are held to the same words. A scenario panics when something does not
//! hold: it is a test's body.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc)] // tests' bodies

pub mod events;
pub mod login;
mod rig;
pub mod start;

pub use rig::{Deployed, Rig};
