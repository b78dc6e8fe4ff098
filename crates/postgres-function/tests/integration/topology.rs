//! What a server says of its cluster, if a user has made functions that look like the server's own.

use engine::Engine;
use function_harness::ClusterHarness;
use function_harness::event::{ADD, ITEMS};
use local_rds::{Cluster, Topology};
use std::time::Duration;

/// Functions of the names that Aurora's and `rds_tools`' have, but not the server's own, are not called: they
/// would send writes where their author likes.
pub(crate) async fn look_alikes(engine: Engine, bootstrap: &str) {
    let cluster = Cluster::builder(engine).topology(Topology::Nowhere);
    let rig = ClusterHarness::start(cluster, bootstrap).await;
    let cluster = &rig.cluster;
    let (writer, reader) = (cluster.instance_endpoint(cluster.writer()), cluster.reader());
    let table = "TABLE (server_id text, session_id text, last_update_timestamp timestamptz)";
    let named = writer.split('.').next().unwrap();
    let sql = format!(
        "CREATE SCHEMA rds_tools; CREATE SCHEMA fake;
         GRANT ALL ON SCHEMA rds_tools, fake TO lambda_user;
         ALTER ROLE lambda_user SET search_path = fake, rds_tools, public, pg_catalog;
         SET ROLE lambda_user;
         CREATE FUNCTION fake.aurora_replica_status() RETURNS {table} LANGUAGE sql AS
             $$ SELECT '{named}', 'MASTER_SESSION_ID', now() $$;
         CREATE FUNCTION fake.aurora_db_instance_identifier() RETURNS text LANGUAGE sql AS
             $$ SELECT 'another' $$;
         CREATE FUNCTION rds_tools.show_topology(client text DEFAULT '')
             RETURNS TABLE (id text, endpoint text, port int) LANGUAGE sql AS
             $$ SELECT 'db-W', '{writer}', 5432 $$;
         CREATE FUNCTION rds_tools.multi_az_db_cluster_source_dbi_resource_id() RETURNS text
             LANGUAGE sql AS $$ SELECT 'db-W' $$;
         CREATE FUNCTION rds_tools.dbi_resource_id() RETURNS text LANGUAGE sql AS
             $$ SELECT 'db-R' $$;
         RESET ROLE"
    );
    cluster.writer().execute(&sql).unwrap();
    rig.catch_up().await;
    let changes = [("DB_HOST", cluster.instance_endpoint(reader))];
    let function = rig.deploy(Duration::from_secs(4), &[], &changes).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    let message = function.fails(ADD, "ServerReadOnly").await;
    assert!(message.contains("it is in recovery"), "{message}");
    assert!(message.contains("names no other server"), "{message}");
    assert_eq!(rig.names.asked(writer), 0, "it believed them");

    // An administrator's own are the server's.
    let own = "ALTER FUNCTION rds_tools.show_topology(text) OWNER TO CURRENT_USER;
               ALTER FUNCTION rds_tools.dbi_resource_id() OWNER TO CURRENT_USER;
               ALTER FUNCTION rds_tools.multi_az_db_cluster_source_dbi_resource_id()
                   OWNER TO CURRENT_USER";
    cluster.writer().execute(own).unwrap();
    rig.catch_up().await;
    assert_eq!(function.ok(ADD).await["rows_affected"], 1, "{}", function.logs());
}
