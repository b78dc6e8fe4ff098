//! The function against a real server.

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_postgres-function");

mod postgres {
    function_rig::integration_tests!(Postgres, crate::BOOTSTRAP);
}
