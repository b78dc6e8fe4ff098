//! The program `local-stack`: what its commands show, and that they leave nothing behind.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy's own setting reaches test functions alone

mod check;
mod local;
mod logins;
mod own_statements;
mod run;
mod saving;
