//! Real servers, real clients: what an IAM login sees, and what a server leaves behind.
//!
//! What holds for every engine is tested on every engine, each time on servers of its own.

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
mod lifecycle;
mod logins;
mod private;
mod profiles;
mod program;
mod signer;
mod token;
