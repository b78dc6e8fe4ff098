//! Which server of a cluster takes writes, by what a server of it knows.
//!
//! Aurora has a table for it in `information_schema`, and a Multi-AZ DB cluster one in `mysql`, which a user
//! must have been granted, as `REPLICATION CLIENT` must be. Nobody but an administrator can create a table
//! in either.
//!
//! Sources: "Aurora MySQL information_schema tables", Aurora user guide; "Connecting to a Multi-AZ DB
//! cluster", RDS user guide; the dialects of the AWS Advanced JDBC Wrapper.

use mysql_async::prelude::{FromValue, Queryable};
use mysql_async::{Conn, Error as Failure, Row};
use sql_function::Error;

use crate::connection::Connection;
use crate::failure;

/// The name of Aurora's writer, and that of this server. One that was the writer a moment ago may still name
/// itself.
const AURORA: &str = "\
    SELECT server_id, @@aurora_server_id FROM information_schema.replica_host_status \
    WHERE session_id = 'MASTER_SESSION_ID' ORDER BY last_update_timestamp DESC LIMIT 1";
/// The servers of a Multi-AZ DB cluster, with the ids that replication knows them by. A blue/green
/// deployment has the table too, with roles; its servers do not replace each other.
const MULTI_AZ: &str = "SELECT * FROM mysql.rds_topology";
/// The server that this one replicates from.
const SOURCE: &str = "SHOW REPLICA STATUS";

/// The instance or host that takes writes, if the server of this connection knows another one that does.
///
/// # Errors
/// The connection must be dropped.
pub(crate) async fn writer(connection: &mut Connection) -> Result<Option<String>, Error> {
    connection.command("the question for the writer", "DO 0").await?;
    let named = named(&mut connection.conn).await;
    named.map_err(|error| failure::command("the question for the writer", error, false))
}

async fn named(conn: &mut Conn) -> Result<Option<String>, Failure> {
    if let Some(row) = asked(conn, AURORA).await?.first() {
        let (writer, own): (Option<String>, Option<String>) = (value(row, 0), value(row, 1));
        return Ok(writer.filter(|writer| own.as_ref() != Some(writer)));
    }
    let members = asked(conn, MULTI_AZ).await?;
    if members.is_empty() {
        return Ok(None);
    }
    let sources = asked(conn, SOURCE).await?;
    // MariaDB's name for it is the older one.
    let source = sources.first().and_then(|row| {
        named_value::<u64>(row, "Source_Server_Id").or_else(|| named_value(row, "Master_Server_Id"))
    });
    let is_source = |row: &&Row| {
        named_value::<String>(row, "role").is_none_or(|role| role.is_empty())
            && source.is_some_and(|source| id(row) == Some(source))
    };
    Ok(members.iter().find(is_source).and_then(|row| named_value(row, "endpoint")))
}

/// The rows of a table that may be missing, or closed to the user.
async fn asked(conn: &mut Conn, sql: &'static str) -> Result<Vec<Row>, Failure> {
    match conn.query(sql).await {
        Err(Failure::Server(_)) => Ok(vec![]),
        rows => rows,
    }
}

fn id(row: &Row) -> Option<u64> {
    named_value::<String>(row, "id")?.parse().ok()
}

fn named_value<T: FromValue>(row: &Row, name: &str) -> Option<T> {
    let at = row.columns_ref().iter().position(|c| c.name_str().eq_ignore_ascii_case(name))?;
    value(row, at)
}

fn value<T: FromValue>(row: &Row, at: usize) -> Option<T> {
    row.get_opt::<Option<T>, _>(at)?.ok()?
}
