//! What a server says of its cluster, if a user has made functions that look like the server's own.

use engine::Engine;
use function_harness::event::{ADD, ITEMS, call};
use function_harness::names::Answer;
use function_harness::{ClusterHarness, until};
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

    // Those of the extension are the server's, whoever owns them, and so are an administrator's own.
    let extension = "SET allow_system_table_mods = on;
        INSERT INTO pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable,
            extversion) VALUES (99999, 'NAME', 10, 'rds_tools'::regnamespace, false, '1.7');
        ALTER EXTENSION NAME ADD FUNCTION rds_tools.show_topology(text);
        ALTER EXTENSION NAME ADD FUNCTION rds_tools.dbi_resource_id();
        ALTER EXTENSION NAME ADD FUNCTION
            rds_tools.multi_az_db_cluster_source_dbi_resource_id()";
    let without = "ALTER EXTENSION NAME DROP FUNCTION rds_tools.show_topology(text);
        ALTER EXTENSION NAME DROP FUNCTION rds_tools.dbi_resource_id();
        ALTER EXTENSION NAME DROP FUNCTION
            rds_tools.multi_az_db_cluster_source_dbi_resource_id();
        DROP EXTENSION NAME";
    let owned = "ALTER FUNCTION rds_tools.show_topology(text) OWNER TO CURRENT_USER;
        ALTER FUNCTION rds_tools.dbi_resource_id() OWNER TO CURRENT_USER;
        ALTER FUNCTION rds_tools.multi_az_db_cluster_source_dbi_resource_id()
            OWNER TO CURRENT_USER";
    let changed = async |sql: &str| {
        cluster.writer().execute(sql).unwrap();
        rig.catch_up().await;
    };
    changed(&extension.replace("NAME", "another")).await;
    function.fails(ADD, "ServerReadOnly").await;
    assert_eq!(rig.names.asked(writer), 0, "it believed another extension");
    changed(&without.replace("NAME", "another")).await;
    for (sql, undo) in [
        (&*extension.replace("NAME", "rds_tools"), &*without.replace("NAME", "rds_tools")),
        (owned, ""),
    ] {
        changed(sql).await;
        let function = rig.deploy(Duration::from_secs(20), &[], &changes).await;
        let purge = r#"{"statement":"purge-items","params":[3]}"#;
        assert_eq!(function.ok(ADD).await["rows_affected"], 1, "{}", function.logs());
        assert_eq!(function.ok(purge).await["rows_affected"], 1, "{}", function.logs());
        assert!(rig.names.asked(writer) > 0);
        changed(undo).await;
    }
}

/// A cluster that is mistaken about its writer, or says nothing to this user, costs a write no more than the
/// question: it waits for the name, and is told what was found if the name does not follow in time.
pub(crate) async fn mistaken(engine: Engine, bootstrap: &str) {
    let cluster = Cluster::builder(engine).topology(Topology::MultiAz);
    let rig = ClusterHarness::start(cluster, bootstrap).await;
    let cluster = &rig.cluster;
    let reader = cluster.instance_endpoint(cluster.reader());
    // The name leads to the reader.
    rig.names.set(cluster.endpoint(), rig.proxy(cluster.reader()).address().ip());
    let names = async |host: &str| {
        let sql = format!(
            "CREATE OR REPLACE FUNCTION rds_tools.multi_az_db_cluster_source_dbi_resource_id()
                 RETURNS text LANGUAGE sql AS $$ SELECT 'db-W' $$;
             CREATE OR REPLACE FUNCTION rds_tools.show_topology(client text DEFAULT '')
                 RETURNS TABLE (id text, endpoint text, port integer) LANGUAGE sql AS
                 $$ SELECT 'db-W', '{host}', 5432 $$"
        );
        cluster.writer().execute(&sql).unwrap();
        rig.catch_up().await;
    };
    let function = rig.deploy(Duration::from_secs(3), &[], &[]).await;
    let refused = async |told: &str| {
        until("it is told", async || {
            let message = function.fails(ADD, "ServerReadOnly").await;
            // On a busy machine the login at the writer may take longer than the event has.
            let is_told = message.contains(told);
            assert!(is_told || message.contains("timed out during the login"), "{message}");
            assert!(message.contains("it is in recovery"), "{message}");
            is_told
        })
        .await;
        assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    };
    names(reader).await;
    refused(&format!("the writer that it names, {reader}, takes none either")).await;
    assert!(rig.names.asked(reader) > 0, "{}", function.logs());
    names(cluster.endpoint()).await;
    refused("no instance of the account and region").await;
    let (of_another, unknown) =
        (reader.replace("abc123def456", "abc123def457"), reader.replace("app-", "gone-"));
    rig.names.set(&unknown, Answer::NotFound);
    names(&unknown).await;
    refused(&format!("the login at the writer that it names, {unknown}, failed: cannot resolve"))
        .await;
    for nonsense in [&*of_another, "", "no host", "127.0.0.1"] {
        names(nonsense).await;
        let function = rig.deploy(Duration::from_secs(3), &[], &[]).await;
        let message = function.fails(ADD, "ServerReadOnly").await;
        assert!(message.contains("no instance of the account and region"), "{nonsense}: {message}");
        assert_eq!(rig.names.asked(nonsense), 0, "{nonsense} was dialled");
    }
    names(reader).await;
    let closed = "REVOKE USAGE ON SCHEMA rds_tools FROM lambda_user";
    cluster.writer().execute(closed).unwrap();
    rig.catch_up().await;
    refused("names no other server").await;

    // Nor can any of a procedure have been carried out at a standby, whatever it commits.
    let steps = "CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$ BEGIN
        COMMIT; UPDATE items SET name = name || '!' WHERE id = 1; END $$";
    cluster.writer().execute(steps).unwrap();
    rig.catch_up().await;
    let statement = [("steps", "-- mode: write\nCALL steps()")];
    let steps = call("steps");
    let hurried = rig.deploy(Duration::from_secs(3), &statement, &[]).await;
    let message = hurried.fails(&steps, "ServerReadOnly").await;
    assert!(message.contains("names no other server"), "{message}");

    let patient = rig.deploy(Duration::from_secs(60), &statement, &[]).await;
    patient.ok(ITEMS).await;
    let asked = rig.names.asked(cluster.endpoint());
    let follow = async {
        let tries = async || rig.names.asked(cluster.endpoint()) - asked;
        until("it tries again and again", async || tries().await >= 3).await;
        rig.names_follow();
    };
    tokio::join!(patient.ok(&steps), follow);
    let first = cluster.writer().execute("SELECT name FROM items WHERE id = 1").unwrap();
    assert_eq!(first, [[Some("first!".to_owned())]], "{}", patient.logs());
}
