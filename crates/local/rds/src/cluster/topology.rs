//! The names of a cluster's endpoints, and what its servers say about which of them writes.

use engine::Engine;

use crate::Error;
use crate::server::server_engine;

/// The id of the account in the region, which all names of a cluster have.
const ACCOUNT: &str = "abc123def456";

/// A setting of PostgreSQL that tells servers apart: everything else on a standby is the primary's.
const INSTANCE: &str = "local_rds.instance";

/// Where a server says which of its cluster's servers writes. What is made is the interface of AWS's, by
/// which clients find the writer; the answers come from PostgreSQL's and MySQL's own replication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// Nowhere.
    Nowhere,
    /// As on Aurora: `aurora_replica_status()` and `aurora_db_instance_identifier()` on PostgreSQL.
    /// Aurora MySQL has a table of `information_schema`, which nobody can add to MySQL's own.
    Aurora,
    /// As in an RDS Multi-AZ DB cluster: `rds_tools.show_topology()` on PostgreSQL, the table
    /// `mysql.rds_topology` on MySQL. RDS has no such clusters of MariaDB; here it has the same table.
    #[default]
    MultiAz,
}

/// The hosts of a cluster's endpoints.
pub(crate) struct Names {
    pub(crate) cluster: String,
    pub(crate) readers: String,
    pub(crate) instances: [String; 2],
}

impl Names {
    pub(crate) fn of(region: &str) -> Self {
        let host = |first: &str| format!("{first}{ACCOUNT}.{region}.rds.amazonaws.com");
        Self {
            cluster: host("app.cluster-"),
            readers: host("app.cluster-ro-"),
            instances: [host("app-1."), host("app-2.")],
        }
    }

    /// The identifier of an instance, with which its host begins.
    pub(crate) fn instance(host: &str) -> &str {
        host.split('.').next().unwrap_or(host)
    }
}

impl Topology {
    /// The settings of the server called `instance`.
    pub(crate) fn settings(self, engine: Engine, instance: &str) -> Option<(String, String)> {
        (engine == Engine::Postgres).then(|| (INSTANCE.to_owned(), instance.to_owned()))
    }

    /// SQL that makes the objects, for the administrator of the writer.
    ///
    /// # Errors
    /// The engine cannot have them.
    pub(crate) fn sql(self, engine: Engine, names: &Names, port: u16) -> Result<String, Error> {
        match (self, engine) {
            (Topology::Nowhere, _) => Ok(String::new()),
            (Topology::Aurora, Engine::Postgres) => Ok(aurora_postgres(names)),
            (Topology::Aurora, _) => Err(Error::new(
                "nobody can add information_schema.replica_host_status to this server: take the \
                 topology of a Multi-AZ DB cluster",
            )),
            (Topology::MultiAz, Engine::Postgres) => Ok(multi_az_postgres(names, port)),
            (Topology::MultiAz, _) => Ok(multi_az_mysql(engine, names, port)),
        }
    }
}

/// `aurora_replica_status()`, with the columns that clients use (Amazon Aurora User Guide, "Aurora
/// PostgreSQL functions").
fn aurora_postgres(names: &Names) -> String {
    let [first, second] = names.instances.each_ref().map(|host| Names::instance(host));
    format!(
        "CREATE FUNCTION pg_catalog.aurora_db_instance_identifier() RETURNS text
             LANGUAGE sql STABLE
             AS $$ SELECT pg_catalog.current_setting('{INSTANCE}') $$;
         CREATE FUNCTION pg_catalog.aurora_replica_status(
             OUT server_id text, OUT session_id text, OUT durable_lsn bigint,
             OUT last_update_timestamp timestamptz, OUT replica_lag_in_msec real, OUT cpu real)
             RETURNS SETOF record LANGUAGE sql STABLE AS $$
                 SELECT id, CASE WHEN writes THEN 'MASTER_SESSION_ID'
                     ELSE pg_catalog.md5(id)::pg_catalog.uuid::pg_catalog.text END,
                     0::pg_catalog.int8, pg_catalog.now(),
                     CASE WHEN NOT writes THEN 1::pg_catalog.float4 END, 1::pg_catalog.float4
                 FROM pg_catalog.unnest(ARRAY['{first}', '{second}']) AS id,
                     LATERAL (SELECT (id = pg_catalog.aurora_db_instance_identifier())
                         <> pg_catalog.pg_is_in_recovery()) AS role (writes) $$;"
    )
}

/// The functions of the extension `rds_tools`, by which AWS's drivers find the writer.
fn multi_az_postgres(names: &Names, port: u16) -> String {
    let user = server_engine(Engine::Postgres).user();
    let rows = names.instances.iter().enumerate().map(|(number, host)| {
        let (instance, id) = (Names::instance(host), resource_id(number));
        format!("('{instance}', '{id}', '{host}', {port})")
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    format!(
        "CREATE SCHEMA rds_tools;
         GRANT USAGE ON SCHEMA rds_tools TO {user};
         CREATE FUNCTION rds_tools.show_topology(client text DEFAULT '')
             RETURNS TABLE (id text, endpoint text, port integer) LANGUAGE sql STABLE AS $$
                 SELECT member.id, member.endpoint, member.port
                 FROM (VALUES {rows}) AS member (instance, id, endpoint, port) $$;
         CREATE FUNCTION rds_tools.dbi_resource_id() RETURNS text LANGUAGE sql STABLE AS $$
             SELECT id FROM (VALUES {rows}) AS member (instance, id, endpoint, port)
             WHERE instance = pg_catalog.current_setting('{INSTANCE}') $$;
         CREATE FUNCTION rds_tools.multi_az_db_cluster_source_dbi_resource_id() RETURNS text
             LANGUAGE sql STABLE AS $$
                 SELECT id FROM (VALUES {rows}) AS member (instance, id, endpoint, port)
                 WHERE (instance = pg_catalog.current_setting('{INSTANCE}'))
                     <> pg_catalog.pg_is_in_recovery() $$;"
    )
}

/// The table of servers by `@@server_id`. Which of them writes is in `SHOW REPLICA STATUS`, for which the
/// user needs a privilege.
fn multi_az_mysql(engine: Engine, names: &Names, port: u16) -> String {
    let user = server_engine(engine).user();
    let privilege = match engine {
        Engine::MariaDb => "REPLICA MONITOR",
        _ => "REPLICATION CLIENT",
    };
    let rows = names.instances.iter().zip(1..);
    let rows: Vec<_> = rows.map(|(host, id)| format!("('{id}', '{host}', {port})")).collect();
    format!(
        "CREATE TABLE mysql.rds_topology (
             id VARCHAR(80) PRIMARY KEY, endpoint VARCHAR(255) NOT NULL, port INT NOT NULL);
         INSERT INTO mysql.rds_topology VALUES {};
         GRANT SELECT ON mysql.rds_topology TO '{user}'@'%';
         GRANT {privilege} ON *.* TO '{user}'@'%';",
        rows.join(", ")
    )
}

/// The resource id of the server with this index.
fn resource_id(index: usize) -> String {
    format!("db-LOCAL{:021}", index + 1)
}
