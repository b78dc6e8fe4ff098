//! Which server of a cluster takes writes, by what a server of it knows.
//!
//! Aurora has a function for it that anybody may call, and a Multi-AZ DB cluster the extension `rds_tools`,
//! whose functions a user must have been granted. Both are looked up in the catalogue first, so that
//! nothing that a user has created is called: only an administrator can create a function in `pg_catalog`,
//! and those of `rds_tools` must belong to the extension or to a superuser.
//!
//! Sources: `aurora_replica_status`, Aurora user guide; "Connecting to a Multi-AZ DB cluster", RDS user
//! guide; the dialects of the AWS Advanced JDBC Wrapper.

use sql_function::Error;
use tokio_postgres::Client;

use crate::connection::Connection;
use crate::server_info;
use crate::session::{self, Sent};

/// Which of the functions there are.
const KNOWN: &str = "\
SELECT pg_catalog.to_regprocedure('pg_catalog.aurora_replica_status()') IS NOT NULL,
       pg_catalog.to_regprocedure('pg_catalog.aurora_db_instance_identifier()') IS NOT NULL,
       (SELECT pg_catalog.count(DISTINCT p.proname) OPERATOR(pg_catalog.=) 3::pg_catalog.int8
               AND pg_catalog.bool_and(r.rolsuper OR EXISTS (
                   SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e
                        ON e.oid OPERATOR(pg_catalog.=) d.refobjid
                   WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass
                     AND d.refclassid OPERATOR(pg_catalog.=)
                         'pg_catalog.pg_extension'::pg_catalog.regclass
                     AND d.objid OPERATOR(pg_catalog.=) p.oid
                     AND e.extname OPERATOR(pg_catalog.=) 'rds_tools'::pg_catalog.name))
        FROM pg_catalog.pg_proc p
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
             JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) p.proowner
        WHERE n.nspname OPERATOR(pg_catalog.=) 'rds_tools'::pg_catalog.name
          AND p.proname OPERATOR(pg_catalog.=) ANY ('{show_topology,dbi_resource_id,\
multi_az_db_cluster_source_dbi_resource_id}'::pg_catalog.name[]))";

/// The name of Aurora's writer. A server that was the writer a moment ago may still name itself.
const AURORA: &str = "\
SELECT s.server_id FROM pg_catalog.aurora_replica_status() s
WHERE s.session_id::pg_catalog.text OPERATOR(pg_catalog.=) 'MASTER_SESSION_ID'::pg_catalog.text
ORDER BY s.last_update_timestamp DESC NULLS LAST LIMIT 1";

/// The name of an Aurora instance.
const OWN_NAME: &str = "SELECT pg_catalog.aurora_db_instance_identifier()";

/// The host of a Multi-AZ DB cluster's writer, if it is another server.
const MULTI_AZ: &str = "\
SELECT t.endpoint FROM rds_tools.show_topology('rds_iam_lambda') t
WHERE t.id::pg_catalog.text OPERATOR(pg_catalog.=)
      rds_tools.multi_az_db_cluster_source_dbi_resource_id()::pg_catalog.text
  AND t.id::pg_catalog.text OPERATOR(pg_catalog.<>) rds_tools.dbi_resource_id()::pg_catalog.text";

/// The instance or host that takes writes, if the server of this connection knows another one that does.
///
/// # Errors
/// The connection must be dropped.
pub(crate) async fn writer(connection: &Connection) -> Result<Option<String>, Error> {
    const WHAT: &str = "the question for the writer";
    let lost = |error| crate::failure::command(WHAT, error, false).loses_connection();
    let client = &connection.client;
    // A right that is missing ends the transaction.
    let begun = format!("{}; {KNOWN}", server_info::begin(false));
    let known = session::send(client, &begun).await;
    let named = named(client, &known).await;
    let ended = session::send(client, "ROLLBACK").await;
    match ended.error {
        Some(error) => Err(lost(error)),
        None => Ok(named),
    }
}

async fn named(client: &Client, known: &Sent) -> Option<String> {
    let has = |column| known.value(column) == Some("t");
    let ask = async |sql| session::send(client, sql).await.value(0).map(str::to_owned);
    match () {
        () if has(0) => {
            let writer = ask(AURORA).await?;
            let own = if has(1) { ask(OWN_NAME).await } else { None };
            (own.as_ref() != Some(&writer)).then_some(writer)
        }
        () if has(2) => ask(MULTI_AZ).await,
        () => None,
    }
}
