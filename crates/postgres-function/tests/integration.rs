//! The function against a real server: every scenario on PostgreSQL.

#![allow(clippy::unwrap_used)] // tests' bodies
#![deny(dead_code)] // a scenario that is not listed

mod integration {
    pub(crate) mod ahead;
    pub(crate) mod described;
    pub(crate) mod pooled;
    pub(crate) mod proxied;
    pub(crate) mod sessions;
    pub(crate) mod statements;
    pub(crate) mod topology;
}

const BOOTSTRAP: &str = env!("CARGO_BIN_EXE_postgres-function");

mod postgres {
    function_scenarios::tests! { Postgres, crate::BOOTSTRAP, crate::integration:
        ahead { types refused too_long }
        described { types changed_types others }
        pooled { events_side_by_side one_lock refused_begin nothing_left two_verifiers }
        proxied { pins_nothing reads_only exclusive pinned changed_columns time_limits }
        sessions { restored sequences stale_plans reads_only role_reads read_only_by_itself not_restored custom_settings
            maintenance }
        statements { own_sql planned nothing_lasts counted ended passing bytes half_characters
            deferred }
        topology { look_alikes mistaken }
    }
    function_scenarios::scenarios! { all => function_scenarios::tests;
        Postgres, crate::BOOTSTRAP, function_scenarios::listed:
    }
    function_scenarios::scenarios! { postgres_versions => function_scenarios::tests;
        Postgres, crate::BOOTSTRAP, function_scenarios::listed:
    }
    function_scenarios::scenarios! { returning => function_scenarios::tests;
        Postgres, crate::BOOTSTRAP, function_scenarios::listed:
    }
}
