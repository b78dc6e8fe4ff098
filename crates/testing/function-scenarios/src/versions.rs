//! What may differ between the versions of an engine: the scenarios that meet it, on a server of each
//! version that can be had.

use engine::Engine;
use function_harness::{Harness, on_version};
use local_rds::{Server, Version};

use crate::{contention, describe, events, known_state, login, reliability, type_table, values};

macro_rules! versions {
    ($($scenario:ident $numbers:literal)*) => {
        $(/// The chosen scenarios on this version.
        pub async fn $scenario(engine: Engine, bootstrap: &str) {
            held(engine, $numbers, bootstrap).await;
        })*
    };
}

versions! {
    v8_0 "8.0" v8_4 "8.4" v9_7 "9.7"
    v10_6 "10.6" v10_11 "10.11" v11_4 "11.4" v11_8 "11.8"
    v14 "14" v15 "15" v16 "16" v17 "17" v18 "18"
}

async fn held(engine: Engine, numbers: &str, bootstrap: &str) {
    let version: Version = format!("{engine}@{numbers}").parse().unwrap();
    on_version(version.clone(), async {
        is_the_one(&version, bootstrap).await;
        chosen(engine, bootstrap).await;
    })
    .await;
}

/// The server is of the version that was asked for.
async fn is_the_one(version: &Version, bootstrap: &str) {
    let harness = Harness::with(Server::builder(version.engine()), bootstrap).await;
    assert!(version.is_of(harness.server.version()), "{}", harness.server.version());
    let asked = harness.execute("SELECT version()").await;
    let asked = asked[0][0].as_deref().unwrap();
    let said = asked.strip_prefix("PostgreSQL ").unwrap_or(asked);
    assert!(version.is_of(said.split(' ').next().unwrap()), "{asked}");
}

/// What depends on a server's words, codes, types, variables and rights.
async fn chosen(engine: Engine, bootstrap: &str) {
    tokio::join!(
        login::denied(engine, bootstrap),
        login::unknown_user(engine, bootstrap),
        login::unknown_database(engine, bootstrap),
        login::no_credentials(engine, bootstrap),
    );
    tokio::join!(
        type_table::documented(engine, bootstrap),
        values::parameters(engine, bootstrap),
        describe::statements(engine, bootstrap),
    );
    tokio::join!(
        events::wrong_events(engine, bootstrap),
        events::transactions(engine, bootstrap),
        events::timeout(engine, bootstrap),
        known_state::next_event(engine, bootstrap),
    );
    tokio::join!(
        reliability::ended_on_the_server(engine, bootstrap),
        reliability::read_only(engine, bootstrap),
        contention::deadlock(engine, bootstrap),
    );
}

#[cfg(test)]
mod tests {
    use super::{Engine, Version};

    macro_rules! names {
        ($list:ident versions { $($scenario:ident)* }) => {
            const $list: &[&str] = &[$(stringify!($scenario)),*];
        };
    }
    crate::scenarios! { mysql_versions => names; MYSQL }
    crate::scenarios! { mariadb_versions => names; MARIADB }
    crate::scenarios! { postgres_versions => names; POSTGRES }

    #[test]
    fn each_version_has_a_scenario() {
        let listed = [MYSQL, MARIADB, POSTGRES];
        for (engine, names) in Engine::ALL.into_iter().zip(listed) {
            let name =
                |version: Version| format!("v{}", version.numbers().unwrap().replace('.', "_"));
            assert!(
                Version::all(engine).map(name).eq(names.iter().copied()),
                "{engine}: {names:?}"
            );
        }
    }
}
