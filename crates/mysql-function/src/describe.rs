//! What the server says of a statement that it has parsed: its columns.
//!
//! A statement is sent with its parameters as literals, so the type of an expression may depend on
//! them: `SELECT ?` returns an integer or text. It is parsed with several values for each parameter,
//! and a column whose type is not the same for all of them may be anything.

use mysql_async::prelude::Queryable;
use mysql_async::{Error as Failure, Row};
use sql_function::schema::{self, Schema};
use sql_function::{Column, Description, Error, Kind, Mode, Param, Scalar, Statement, is_reusable};
use std::borrow::Cow;

use crate::connection::Connection;
use crate::literal::{self, Whole};
use crate::rows::{is_float, named, refused_float};
use crate::session::PREPARE;
use crate::{failure, side_effects, unsupported, value};

const WHAT: &str = "the description";
/// In seconds. The default is a year.
const LOCK_WAIT: &str = "SET SESSION lock_wait_timeout = 1";
const DEFAULT_WAIT: &str = "SET SESSION lock_wait_timeout = DEFAULT";

/// Verbs of statements that return no rows, besides those that change rows.
const NO_ROWS: [&str; 13] = [
    "ALTER", "CREATE", "DO", "DROP", "FLUSH", "GRANT", "KILL", "LOAD", "RENAME", "REVOKE", "SET",
    "TRUNCATE", "USE",
];
/// Verbs of statements that change something other than rows.
const CHANGES: [&str; 7] = ["ALTER", "CREATE", "DROP", "GRANT", "RENAME", "REVOKE", "TRUNCATE"];
/// Verbs of statements that return rows, whose columns the server knows when it has parsed them.
const ROWS: [&str; 5] = ["SELECT", "TABLE", "VALUES", "WITH", "("];

/// The server's name and version, without the package's: `MariaDB 10.11.14`.
pub(crate) async fn version(connection: &mut Connection) -> Result<String, Error> {
    let sql = "SELECT VERSION()";
    let version: Option<String> = connection.query_first("the server's version", &[], sql).await?;
    let version = version.unwrap_or_default();
    let name = if version.contains("MariaDB") { "MariaDB" } else { "MySQL" };
    Ok(format!("{name} {}", version.split('-').next().unwrap_or_default()))
}

/// Has the server parse a statement in a transaction that is rolled back, and does not wait long for who
/// has locked a table.
pub(crate) async fn describe(
    connection: &mut Connection,
    statement: &Statement,
) -> Result<Description, Error> {
    connection.spent = true;
    connection.command(WHAT, LOCK_WAIT).await?;
    let described = parsed(connection, statement).await;
    if is_reusable(&described) {
        connection.command(WHAT, DEFAULT_WAIT).await.map_err(Error::loses_connection)?;
    }
    described
}

/// Has the server parse a statement as a description does. Its columns are asked for only through an RDS
/// Proxy, where they may be refused.
pub(crate) async fn check(connection: &mut Connection, statement: &Statement) -> Result<(), Error> {
    let statement = as_read(connection, statement)?;
    parse(connection, &statement).await?;
    match float(connection, &statement).await? {
        Some(column) if !side_effects::is_repeatable(&statement) => Err(refused_float(&column)),
        _ => Ok(()),
    }
}

/// Why a statement that was checked pins a session of an RDS Proxy, if its columns tell.
pub(crate) async fn pins(
    connection: &mut Connection,
    statement: &Statement,
) -> Option<&'static str> {
    let statement = as_read(connection, statement).ok()?;
    float(connection, &statement).await.ok()??;
    Some("it returns a FLOAT, for which it is prepared: CAST(… AS DOUBLE) avoids that")
}

/// The first column that is a FLOAT, through an RDS Proxy.
async fn float(
    connection: &mut Connection,
    statement: &Statement,
) -> Result<Option<Column>, Error> {
    if !connection.through_proxy || !returns_rows(statement) {
        return Ok(None);
    }
    let columns = columns(connection, statement).await?.unwrap_or_default();
    Ok(columns.into_iter().map(|(column, _)| column).find(is_float))
}

/// The statement as the session reads it.
fn as_read<'a>(
    connection: &Connection,
    statement: &'a Statement,
) -> Result<Cow<'a, Statement>, Error> {
    if connection.backslash_escapes {
        return Ok(Cow::Borrowed(statement));
    }
    statement.without_backslash_escapes().map(Cow::Owned)
}

async fn parsed(connection: &mut Connection, statement: &Statement) -> Result<Description, Error> {
    let statement = &*as_read(connection, statement)?;
    let columns = if returns_rows(statement) {
        columns(connection, statement).await?
    } else {
        parse(connection, statement).await?;
        returns_nothing(statement).then(Vec::new)
    };
    Ok(Description { params: vec![], columns })
}

fn returns_rows(statement: &Statement) -> bool {
    let returning = statement.changes_rows() && statement.has_word("RETURNING");
    statement.is_atomic() && (returning || ROWS.contains(&&*statement.main_verb()))
}

/// Whether the statement is known to return no rows. A conditional comment may make it another.
fn returns_nothing(statement: &Statement) -> bool {
    let plain = statement.tokens().all(|token| !token.conditional);
    let changes = statement.changes_rows() && statement.is_atomic();
    changes || (plain && NO_ROWS.contains(&&*statement.verb()))
}

/// Whether a read-only transaction refuses the statement when it runs, although MySQL prepares it.
fn changes(statement: &Statement) -> bool {
    let plain = statement.tokens().all(|token| !token.conditional);
    plain && CHANGES.contains(&&*statement.verb()) && !statement.has_word("TEMPORARY")
}

/// Has the server parse a statement whose columns are not asked for. Some statements take a literal
/// where they take no placeholder.
async fn parse(connection: &mut Connection, statement: &Statement) -> Result<(), Error> {
    let Err(error) = connection.parse(statement, &statement.sql).await else {
        let undeclared = statement.mode == Mode::Read && changes(statement);
        return if undeclared { Err(failure::undeclared_write(statement)) } else { Ok(()) };
    };
    if error.kind() == Kind::Query && is_reusable::<()>(&Err(error.clone())) {
        for params in samples(statement) {
            let Ok(whole) = literal::sql(statement, &params) else { continue };
            if connection.parse(statement, &whole.sql).await.is_ok() {
                return Ok(());
            }
        }
    }
    Err(error)
}

/// A column: its name and type, its values, and whether it is one of a table.
struct Found {
    column: Column,
    schema: Schema,
    is_of_table: bool,
}

/// The columns of a statement that returns rows; `None` if the driver cannot ask for them.
async fn columns(
    connection: &mut Connection,
    statement: &Statement,
) -> Result<Option<Vec<(Column, Schema)>>, Error> {
    let mut ahead = connection.preparation(Some(statement.mode), Some(PREPARE));
    ahead.push("START TRANSACTION".to_owned());
    connection.query_first::<Row>(WHAT, &ahead, "DO 0").await?;
    let mut refused = None;
    let mut found: Option<Vec<Found>> = None;
    for params in samples(statement) {
        let Ok(whole) = literal::sql(statement, &params) else { continue };
        if unsupported::is_rewritten(&whole.sql) {
            continue;
        }
        match prepared(connection, statement, &whole).await? {
            Ok(columns) => match &mut found {
                Some(found) => merge(found, columns),
                None => found = Some(columns),
            },
            Err(failure) => {
                let unpreparable = failure::cannot_be_prepared(&failure);
                let error = failure::query(statement, failure, connection.through_proxy);
                let passes = error.kind() == Kind::QueryTransient;
                refused = refused.or(Some((error, unpreparable)));
                if passes {
                    break;
                }
            }
        }
    }
    connection.command(WHAT, "ROLLBACK").await?;
    match (found, refused) {
        (Some(found), _) => Ok(Some(told(statement, found))),
        (None, Some((_, true))) => Ok(None),
        (None, Some((error, _))) if statement.params() == 0 => Err(error),
        // None of the values can be in their place, or the driver would change the statement.
        (None, _) => connection.parse(statement, &statement.sql).await.map(|()| None),
    }
}

/// The columns of a statement, or the server's error.
async fn prepared(
    connection: &mut Connection,
    statement: &Statement,
    whole: &Whole,
) -> Result<Result<Vec<Found>, Failure>, Error> {
    let prepared = match connection.conn.prep(&*whole.sql).await {
        Ok(prepared) => prepared,
        Err(failure @ Failure::Server(_)) => return Ok(Err(failure)),
        Err(failure) => return Err(failure::command(WHAT, failure, connection.through_proxy)),
    };
    let meta = prepared.columns();
    let named = named(&meta, statement, whole);
    let closed = connection.conn.close(prepared).await;
    closed.map_err(|failure| {
        failure::command(WHAT, failure, connection.through_proxy).loses_connection()
    })?;
    let found = named.into_iter().zip(&*meta).map(|(column, meta)| Found {
        column,
        schema: value::schema_of(meta),
        is_of_table: !meta.org_table_ref().is_empty(),
    });
    Ok(Ok(found.collect()))
}

/// Adds the columns that the statement has with other values of its parameters.
fn merge(found: &mut [Found], others: Vec<Found>) {
    for (one, other) in found.iter_mut().zip(others) {
        if one.column.type_name != other.column.type_name {
            "unknown".clone_into(&mut one.column.type_name);
        }
        one.schema = widest(one.schema.take(), other.schema);
    }
}

/// The schema of both.
fn widest(one: Schema, other: Schema) -> Schema {
    let integers = [schema::integer(), schema::long_integer()];
    match () {
        () if one == other => one,
        () if integers.contains(&one) && integers.contains(&other) => schema::long_integer(),
        () => schema::any(),
    }
}

/// The columns as they are told. The type of a variable is known only when it has a value.
fn told(statement: &Statement, found: Vec<Found>) -> Vec<(Column, Schema)> {
    let has_variable = statement.tokens().any(|token| token.is_sign('@'));
    let tell = |Found { column, schema, is_of_table }| match has_variable && !is_of_table {
        true => (Column { type_name: "unknown".to_owned(), ..column }, schema::any()),
        false => (column, schema),
    };
    found.into_iter().map(tell).collect()
}

/// Values of all parameters to parse a statement with: each is of every kind that it may have.
fn samples(statement: &Statement) -> Vec<Vec<Param>> {
    let number = |digits: &str| Param::Number(digits.to_owned());
    let text = |text: &str| Param::Text(text.to_owned());
    let any = [
        Param::Null,
        Param::Bool(true),
        number("1"),
        number("18446744073709551615"),
        number("1.5"),
        number("1e300"),
        text("a"),
        text("{}"),
        text("2026-03-22"),
    ];
    let of = |at: usize| {
        let Some(declared) = statement.declared.get(at) else { return any.to_vec() };
        let mut values = match declared.param_type.scalar {
            Scalar::Int => vec![number("1"), number("-9223372036854775808"), any[3].clone()],
            Scalar::Number => any[2..6].to_vec(),
            Scalar::Text => vec![text("a"), text("{}"), text("1"), text("2026-03-22")],
            Scalar::Boolean => vec![Param::Bool(true)],
            Scalar::Date => vec![text("2026-03-22")],
            Scalar::Time => vec![text("18:59:43"), text("18:59:43.5")],
            Scalar::Timestamp => {
                vec![text("2026-03-22T18:59:43Z"), text("2026-03-22T18:59:43.5Z")]
            }
            Scalar::Uuid => vec![text("00112233-4455-6677-8899-aabbccddeeff")],
            Scalar::Json => vec![text("{}"), text("[]")],
            Scalar::Base64 => vec![text("AP8=")],
        };
        values.extend(declared.param_type.is_nullable.then_some(Param::Null));
        values
    };
    let values: Vec<_> = (0..statement.params()).map(of).collect();
    let count = values.iter().map(Vec::len).max().unwrap_or(1);
    let sample = |at: usize| values.iter().map(|of| of[at % of.len()].clone()).collect();
    (0..count).map(sample).collect()
}
