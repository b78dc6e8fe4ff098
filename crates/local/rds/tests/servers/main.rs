//! Real servers, real clients: what an IAM login sees, and what a server leaves behind.
//!
//! Each test runs on every engine that it applies to, with its own server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

/// One test for each function and engine.
macro_rules! for_each_engine {
    ($($test:ident),* $(,)?) => {
        mod mysql {
            $(#[test] fn $test() { super::$test(local_rds::Engine::MySql) })*
        }
        mod mariadb {
            $(#[test] fn $test() { super::$test(local_rds::Engine::MariaDb) })*
        }
        mod postgres {
            $(#[test] fn $test() { super::$test(local_rds::Engine::Postgres) })*
        }
    };
}
use for_each_engine;

mod client;
mod client_line;
mod cluster;
mod exec;
mod installed;
mod lifecycle;
mod logins;
mod outputs;
mod place;
mod private;
mod profiles;
mod program;
mod signer;
mod token;
mod versions;
