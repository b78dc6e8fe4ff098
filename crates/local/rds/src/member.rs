//! The place of a server in a cluster.

use std::sync::Arc;

use engine::Engine;

use crate::certificates::CertificateAuthority;
use crate::mysql::replication::MySqlReplication;
use crate::postgres::replication::PostgresReplication;
use crate::replication::{Replication, Source};

/// The place of a server in a cluster.
pub(crate) struct Member {
    /// Its number among the servers of the cluster, from 1.
    pub(crate) number: u32,
    /// The authority that signs for every server of the cluster.
    pub(crate) authority: Arc<CertificateAuthority>,
    /// The writer that a reader follows from its start.
    pub(crate) source: Option<Source>,
}

/// How the servers of `engine` follow each other.
pub(crate) fn replication(engine: Engine) -> &'static dyn Replication {
    match engine {
        Engine::MySql => &MySqlReplication { is_mariadb: false },
        Engine::MariaDb => &MySqlReplication { is_mariadb: true },
        Engine::Postgres => &PostgresReplication,
    }
}
