//! The function against a real server.

#![allow(clippy::unwrap_used)] // tests' bodies

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_postgres-function");

#[path = "integration/known_state.rs"]
mod known_state;
#[path = "integration/postgres.rs"]
mod only;

/// Makes a test of each scenario of a module.
macro_rules! tests_of {
    ($module:ident: $($scenario:ident)*) => {
        $(#[test]
        fn $scenario() {
            function_scenarios::run(crate::$module::$scenario(crate::BOOTSTRAP));
        })*
    };
}

mod postgres {
    tests_of!(known_state: restored sequences stale_plans reads_only role_reads not_restored
        custom_settings
        proxied maintenance);
    tests_of!(only: own_sql planned nothing_lasts counted ended passing bytes half_characters deferred);

    #[test]
    fn refused_result() {
        let engine = function_scenarios::Engine::Postgres;
        function_scenarios::run(function_scenarios::results::refused_result(
            engine,
            crate::BOOTSTRAP,
        ));
    }

    function_scenarios::integration_tests!(Postgres, crate::BOOTSTRAP);
}
