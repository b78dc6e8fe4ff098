//! The function against real servers: every scenario on MySQL and on MariaDB.

#![allow(clippy::unwrap_used)] // tests' bodies

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_mysql-function");

#[path = "integration/mysqls.rs"]
mod mysqls;

/// Makes a test of each of those scenarios.
macro_rules! tests_of_mysqls {
    ($engine:ident: $($scenario:ident)*) => {
        $(#[test]
        fn $scenario() {
            let engine = function_scenarios::Engine::$engine;
            function_scenarios::run(crate::mysqls::$scenario(engine, crate::BOOTSTRAP));
        })*
    };
    ($engine:ident) => {
        tests_of_mysqls!($engine: refused_commit collations restored sequences reads_among_writes
            init_connect ended floats counted exact max_allowed_packet one_statement passing
            prepared);
    };
}

mod mysql {
    tests_of_mysqls!(MySql);
    function_scenarios::integration_tests!(MySql, crate::BOOTSTRAP);
}

mod mariadb {
    tests_of_mysqls!(MariaDb);

    #[test]
    fn refused_result() {
        let engine = function_scenarios::Engine::MariaDb;
        function_scenarios::run(function_scenarios::results::refused_result(
            engine,
            crate::BOOTSTRAP,
        ));
    }

    function_scenarios::integration_tests!(MariaDb, crate::BOOTSTRAP);
}
