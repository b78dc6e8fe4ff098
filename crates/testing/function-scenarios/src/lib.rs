//! What both functions' integration tests share: a real server, Lambda's APIs, and the function
//! between them.
//!
//! Each engine's tests run the same scenarios, so that MySQL, MariaDB and PostgreSQL are held to the
//! same words. A scenario is the body of a test: it panics when something does not hold.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // tests' bodies

pub mod contention;
pub mod cuts;
pub mod discretion;
pub mod doctor;
pub mod events;
mod faults;
pub mod known_state;
pub mod layer;
pub mod login;
pub mod memory;
pub mod namespace;
pub mod outages;
pub mod policy;
pub mod reliability;
pub mod results;
mod rig;
pub mod round_trip;
pub mod shutdown;
pub mod size;
pub mod soak;
pub mod start;
pub mod statement_files;
pub mod type_table;
pub mod untidy;
pub mod values;

pub use local_rds::Engine;
pub use rig::{Deployed, Exact, Rig, closed_port, until};

/// Makes a test of every scenario, for the engine called `$engine` and the function's program
/// `$bootstrap`.
#[macro_export]
macro_rules! integration_tests {
    ($engine:ident, $bootstrap:expr) => {
        $crate::integration_tests! { @modules $engine, $bootstrap,
            start { wrong_settings empty_bundle database_away connection_gone }
            login { denied unknown_user unknown_database unverified no_tls unreachable no_credentials }
            memory { tokens credentials }
            policy { deployed }
            layer { regions_roots proxy_roots region_not_there }
            doctor { healthy uncounted denied_once settings network unverified no_tls denied own_ca no_region proxy refused inside mended quoted }
            events { every_form wrong_events transactions exclusive timeout too_large }
            discretion { no_value no_value_in_text one_line }
            known_state { open_transaction server_settings next_event parameter_kinds long_token }
            contention { deadlock ended_by_somebody locks_are_given_back limits_end }
            results { whole_response }
            statement_files { as_people_have_them refused_by_name schedules no_reads }
            values { parameters columns unparsable }
            type_table { documented }
            round_trip { any_value }
            size { memory long_values huge_events }
            reliability { ended_on_the_server by_its_own_deadline outcomes read_only failover
                one_round_trip no_room throttled implicit_commit lock_freed_by_crash side_by_side farewell }
            shutdown { running_events_are_answered nothing_new_is_run one_at_a_time silent_server
                silent_extensions_api }
            cuts { every_message }
            outages { restarts frozen_server network idle_timeout logins too_many_connections
                disk_full }
            untidy { same_answers }
            soak { random_faults }
        }
    };
    (@modules $engine:ident, $bootstrap:expr, $($module:ident { $($scenario:ident)* })*) => {
        $(mod $module {
            $(#[test]
            fn $scenario() {
                let engine = $crate::Engine::$engine;
                $crate::run($crate::$module::$scenario(engine, $bootstrap));
            })*
        })*
    };
}

/// Runs a scenario.
pub fn run(scenario: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(scenario);
}
