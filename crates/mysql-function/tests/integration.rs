//! The function against real servers: every scenario on MySQL and on MariaDB.

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_mysql-function");

mod mysql {
    function_rig::integration_tests!(MySql, crate::BOOTSTRAP);
}

mod mariadb {
    function_rig::integration_tests!(MariaDb, crate::BOOTSTRAP);
}
