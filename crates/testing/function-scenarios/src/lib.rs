//! The integration scenarios, which run on every engine.
//!
//! A scenario is the body of a test: an `async fn(Engine, &str)` that gets an engine and the path of the
//! function's program, and panics if something does not hold. [`scenarios!`] lists them, which makes each
//! a test of MySQL, MariaDB and PostgreSQL. A scenario that is not listed is dead code, and does not
//! compile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // tests' bodies
#![deny(dead_code)] // a scenario that is not listed

mod bluegreen;
mod cold;
mod contention;
mod cuts;
mod declared;
mod denied;
mod describe;
mod discretion;
mod doctor;
mod events;
mod failover;
mod families;
mod global;
mod histories;
mod known_state;
mod layer;
mod login;
mod memory;
mod metrics;
mod moving;
mod names;
mod outages;
mod pauses;
mod policy;
mod readers;
mod reliability;
mod results;
mod returning;
mod round_trip;
mod shutdown;
mod size;
mod soak;
mod start;
mod statement_files;
mod traces;
mod type_table;
mod untidy;
mod values;
mod versions;

pub use engine::Engine;

/// Calls a macro with its arguments and the scenarios by module: `all` for those of every engine,
/// `returning` for those of the engines with `RETURNING`, and the versions of each engine, which have a
/// scenario each.
#[macro_export]
macro_rules! scenarios {
    (all => $macro:path; $($argument:tt)*) => {
        $macro! { $($argument)*
            start { wrong_settings empty_bundle database_away connection_gone }
            cold { as_few_round_trips at_a_reader }
            login {
                denied unknown_user unknown_database unverified no_tls unreachable no_credentials
            }
            memory { tokens credentials }
            metrics { embedded }
            traces { spans }
            policy { deployed perimeter }
            layer { regions_roots proxy_roots region_not_there express_cluster }
            global { follows_the_writer region_is_fixed not_by_a_name }
            doctor {
                healthy uncounted denied_once settings network unverified no_tls denied own_ca
                no_region proxy refused inside mended quoted resource_id
                gateway checked pins
                proxy_words proxy_statements waits
            }
            events { every_form wrong_events transactions exclusive timeout too_large }
            discretion { no_value no_value_in_text one_line }
            known_state { open_transaction server_settings next_event parameter_kinds long_token }
            contention { deadlock ended_by_somebody locks_are_given_back limits_end }
            results { whole_response }
            statement_files { as_people_have_them refused_by_name schedules no_reads }
            values { parameters columns unparsable }
            declared { names types instants examined }
            describe { statements leaves_nothing true_schemas }
            type_table { documented }
            round_trip { any_value }
            size { memory long_values huge_events }
            reliability {
                ended_on_the_server by_its_own_deadline outcomes read_only failover one_round_trip
                no_room throttled implicit_commit lock_freed_by_crash side_by_side farewell
            }
            shutdown {
                running_events_are_answered nothing_new_is_run one_at_a_time silent_server
                silent_extensions_api
            }
            cuts { every_message one_after_another }
            outages {
                restarts frozen_server network idle_timeout logins too_many_connections disk_full
            }
            pauses { resumed }
            names { resolver }
            families { either }
            denied { tried_again }
            untidy { same_answers }
            bluegreen { both_ids one_id }
            failover { name_lags }
            readers { roles named away }
            histories { at_random }
            soak { random_faults }
        }
    };
    (mysql_versions => $macro:path; $($argument:tt)*) => {
        $macro! { $($argument)* versions { v8_0 v8_4 v9_7 } }
    };
    (mariadb_versions => $macro:path; $($argument:tt)*) => {
        $macro! { $($argument)* versions { v10_6 v10_11 v11_4 v11_8 } }
    };
    (postgres_versions => $macro:path; $($argument:tt)*) => {
        $macro! { $($argument)* versions { v14 v15 v16 v17 v18 } }
    };
    (returning => $macro:path; $($argument:tt)*) => {
        $macro! { $($argument)* returning { refused_result } }
    };
}

macro_rules! publish {
    ($($module:ident { $($scenario:ident)* })*) => {
        $(#[allow(missing_docs)]
        pub mod $module {
            $(pub use crate::$module::$scenario;)*
        })*
    };
}

/// The listed scenarios.
pub mod listed {
    scenarios! { all => publish; }
    scenarios! { returning => publish; }
    publish! { versions { v8_0 v8_4 v9_7 v10_6 v10_11 v11_4 v11_8 v14 v15 v16 v17 v18 } }
}

/// Makes each scenario a test, given an engine, the function's program, and the path of the scenarios'
/// modules.
#[macro_export]
macro_rules! tests {
    ($engine:ident, $bootstrap:path, $root:path:
        $($module:ident { $($scenario:ident)* })*) => {
        $(mod $module {
            use $root as root;

            $(#[test]
            fn $scenario() {
                let engine = $crate::Engine::$engine;
                $crate::run(root::$module::$scenario(engine, $bootstrap));
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
