//! Handlers of one's own on real servers, behind Lambda's APIs, on every engine.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests' bodies")]
#![deny(dead_code)] // a scenario that is not listed

mod ending;
mod events;
mod healing;
mod pooled;
mod proxied;
mod readers;
mod sent;
mod transactions;

const MYSQL: &str = env!("CARGO_BIN_EXE_mysql-test-handler");
const POSTGRES: &str = env!("CARGO_BIN_EXE_postgres-test-handler");

macro_rules! scenarios {
    ($engine:ident, $bootstrap:path) => {
        function_scenarios::tests! { $engine, $bootstrap, crate:
            events { answers own_errors misfits diagnosis catalogue discreet }
            transactions { commit rolled_back forgotten first_error dropped read_only }
            healing { connection_gone session side_by_side one_round_trip }
            readers { own_writes writes_first side_by_side }
            ending { deadline hangs panics drivers_client spawned canceled }
        }
    };
}

mod mysql {
    scenarios!(MySql, crate::MYSQL);
    function_scenarios::tests! { MySql, crate::MYSQL, crate: proxied { unpinned } }
}
mod mariadb {
    scenarios!(MariaDb, crate::MYSQL);
    function_scenarios::tests! { MariaDb, crate::MYSQL, crate: proxied { unpinned } }
}
mod postgres {
    scenarios!(Postgres, crate::POSTGRES);
    function_scenarios::tests! { Postgres, crate::POSTGRES, crate:
        pooled { two_handlers }
    }
}
