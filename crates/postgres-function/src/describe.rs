//! What the server says of a statement that it has parsed: the types of its parameters and columns.

use sql_function::schema::{self, Schema};
use sql_function::{Description, Error, Statement};
use tokio_postgres::Statement as Prepared;
use tokio_postgres::types::{Kind, Type};

use crate::connection::Connection;
use crate::server_info::begin;
use crate::session;
use crate::{envelope, failure, rights, value};

/// The server's version, as it shows it, without the package's: `PostgreSQL 15.18`.
pub(crate) async fn version(connection: &Connection) -> Result<String, Error> {
    let sent = session::send(&connection.client, "SHOW server_version").await;
    let version = sent.value(0).and_then(|version| version.split(' ').next().map(str::to_owned));
    match sent.error {
        Some(error) => {
            Err(failure::command("the server's version", error, connection.through_proxy))
        }
        None => Ok(format!("PostgreSQL {}", version.unwrap_or_default())),
    }
}

/// Has the server parse a statement in a transaction that is rolled back. It is parsed anew, with
/// the types as they are now, because another session may have changed a table since.
pub(crate) async fn describe(
    connection: &mut Connection,
    statement: &Statement,
) -> Result<Description, Error> {
    const WHAT: &str = "the description";
    connection.client.clear_type_cache();
    let begun = envelope::batch(&connection.client, begin(connection.through_proxy)).await;
    begun.map_err(|error| {
        failure::command(WHAT, error, connection.through_proxy).loses_connection()
    })?;
    let prepared = connection.prepare_anew(statement).await;
    let ended = envelope::batch(&connection.client, "ROLLBACK").await;
    ended.map_err(|error| {
        failure::command(WHAT, error, connection.through_proxy).loses_connection()
    })?;
    let prepared =
        prepared.map_err(|error| failure::query(statement, error, connection.through_proxy))?;
    value::check_columns(statement, prepared.columns())?;
    rights::check(connection, statement, prepared.params().len()).await?;
    Ok(of(&prepared))
}

fn of(prepared: &Prepared) -> Description {
    let params = prepared.params().iter();
    let params = params.map(|of| (value::type_name(of), param(of))).collect();
    let columns = prepared.columns().iter();
    let columns =
        columns.map(|column| (value::named(column), value::schema_of(column.type_()))).collect();
    Description { params, columns: Some(columns) }
}

/// The JSON that a parameter of this type takes: what a response has for it, which the server reads
/// back. A JSON document is sent as a string.
fn param(of: &Type) -> Schema {
    match of.kind() {
        Kind::Domain(inner) => return param(inner),
        Kind::Array(element) => return schema::postgres_array(param(element)),
        Kind::Enum(labels) => return schema::one_of(labels),
        _ => {}
    }
    match *of {
        Type::INT2 => whole(i16::MIN, i16::MAX),
        Type::INT4 => whole(i32::MIN, i32::MAX),
        Type::INT8 => whole(i64::MIN, i64::MAX),
        Type::OID | Type::XID | Type::CID => whole(0, u32::MAX),
        Type::XID8 => whole(0, u64::MAX),
        Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => {
            schema::matching(&["number", "string"], "^(NaN|-?Infinity|-?[0-9]+(\\.[0-9]+)?)$")
        }
        Type::BOOL => schema::boolean(),
        Type::BYTEA => schema::base64(),
        Type::JSON | Type::JSONB => schema::document(),
        _ => schema::text(),
    }
}

fn whole(minimum: impl Into<Schema>, maximum: impl Into<Schema>) -> Schema {
    let mut whole = schema::long_integer();
    (whole["minimum"], whole["maximum"]) = (minimum.into(), maximum.into());
    whole
}
