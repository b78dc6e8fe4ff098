//! The function against real servers: every scenario on MySQL and on MariaDB.

#![allow(clippy::unwrap_used)] // tests' bodies
#![deny(dead_code)] // a scenario that is not listed

mod integration {
    pub(crate) mod described;
    pub(crate) mod killed;
    pub(crate) mod proxied;
    pub(crate) mod sessions;
    pub(crate) mod statements;
}

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_mysql-function");

/// All scenarios of MySQL and MariaDB, on one of them.
macro_rules! tests {
    ($engine:ident) => {
        function_scenarios::tests! { $engine, crate::BOOTSTRAP, crate::integration:
            described { others conditional untold locked proxied }
            killed { by_its_own_number }
            proxied { plain refused pinned examined late untidy }
            sessions { restored sequences reads_among_writes refused_commit read_only_by_itself
                init_connect }
            statements { collations ended floats counted exact max_allowed_packet one_statement
                passing prepared }
        }
        function_scenarios::scenarios! { all => function_scenarios::tests;
            $engine, crate::BOOTSTRAP, function_scenarios::listed:
        }
    };
}

mod mysql {
    tests!(MySql);
    function_scenarios::scenarios! { mysql_versions => function_scenarios::tests;
        MySql, crate::BOOTSTRAP, function_scenarios::listed:
    }
}

mod mariadb {
    tests!(MariaDb);
    function_scenarios::scenarios! { mariadb_versions => function_scenarios::tests;
        MariaDb, crate::BOOTSTRAP, function_scenarios::listed:
    }
    function_scenarios::scenarios! { returning => function_scenarios::tests;
        MariaDb, crate::BOOTSTRAP, function_scenarios::listed:
    }
}
