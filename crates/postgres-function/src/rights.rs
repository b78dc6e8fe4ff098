//! Whether the user may run a statement, and whether it only reads: what parsing does not tell.

use sql_function::{Error, Mode, Statement};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error as Failure, SimpleQueryMessage};

use crate::connection::{self, Connection};
use crate::failure;
use crate::server_info::BEGIN;
use crate::session;

/// How a line of a plan that a read-only transaction refuses begins.
const WRITES: [&str; 5] = ["Insert on ", "Update on ", "Delete on ", "Merge on ", "LockRows"];

/// Verbs of statements without a plan that a read-only transaction refuses:
/// <https://www.postgresql.org/docs/current/sql-set-transaction.html>.
const CHANGES: [&str; 7] = ["ALTER", "COMMENT", "CREATE", "DROP", "GRANT", "REVOKE", "TRUNCATE"];

/// Has the server plan the statement, with the types of parameters that a run has. This checks the
/// user's privileges as running it would; parsing does not. A statement that can be parsed but not
/// planned, such as CALL, is only parsed. Planning runs functions that are declared IMMUTABLE,
/// whatever they do: they can change nothing in this transaction, and what outlasts it, such as a
/// lock, is undone afterwards.
///
/// # Errors
/// Running it would fail, too: a privilege is missing, or it writes and its mode is read.
pub(crate) async fn check(
    connection: &mut Connection,
    statement: &Statement,
    params: usize,
) -> Result<(), Error> {
    // A position in what is sent here is none in the file.
    let failed = |error| failure::query(statement, error).at_line(None);
    let client = &connection.client;
    client.batch_execute(BEGIN).await.map_err(failed)?;
    let types: Vec<_> =
        connection::types(statement).iter().map(|of| format!("pg_catalog.{}", of.name())).collect();
    let types = if types.is_empty() { String::new() } else { format!("({})", types.join(", ")) };
    // The SQL may end with a comment or a semicolon.
    let prepare = format!("PREPARE rds_iam_lambda_doctor{types} AS\n{}", statement.sql);
    let prepared = client.batch_execute(&prepare).await;
    let plan = match &prepared {
        Ok(()) => Some(plan(client, params).await),
        Err(_) => None,
    };
    client.batch_execute("ROLLBACK").await.map_err(failed)?;
    // Not all of them: the connection may be used again, with the statements that it has prepared.
    let (undo, own) = match &prepared {
        Ok(()) => ("DEALLOCATE rds_iam_lambda_doctor", 1),
        Err(_) => ("", 0),
    };
    let sent = session::send(client, &connection.closing(undo)).await;
    connection.closed(sent, own).map_err(failed)?;
    let is_read = statement.mode == Mode::Read;
    let plan = match (prepared, plan) {
        (Err(error), _) if has_no_plan(&error) => {
            let undeclared = is_read && CHANGES.contains(&&*statement.verb());
            return if undeclared { Err(failure::undeclared_write(statement)) } else { Ok(()) };
        }
        (Err(error), _) => return Err(failed(error)),
        (Ok(()), plan) => plan,
    };
    match plan {
        Some(Ok(plan)) if is_read && plan.iter().any(writes) => {
            Err(failure::undeclared_write(statement))
        }
        Some(Err(error)) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            Err(failed(error))
        }
        // A function that planning calls writes: the statement would fail too.
        Some(Err(error)) if is_read && failure::is_read_only(&error) => Err(failed(error)),
        // Such as a type that does not accept NULL.
        _ => Ok(()),
    }
}

/// Whether the server does not plan such statements: its grammar, or `SELECT … INTO`.
fn has_no_plan(failure: &Failure) -> bool {
    let unplanned = [SqlState::SYNTAX_ERROR, SqlState::INVALID_PSTATEMENT_DEFINITION];
    failure.code().is_some_and(|code| unplanned.contains(code))
}

async fn plan(client: &Client, params: usize) -> Result<Vec<SimpleQueryMessage>, Failure> {
    let values = if params == 0 {
        String::new()
    } else {
        format!("({})", ["NULL"].repeat(params).join(", "))
    };
    client.simple_query(&format!("EXPLAIN EXECUTE rds_iam_lambda_doctor{values}")).await
}

/// Whether a line of a plan writes or locks rows.
fn writes(line: &SimpleQueryMessage) -> bool {
    let SimpleQueryMessage::Row(row) = line else { return false };
    let line = row.get(0).unwrap_or_default().trim_start().trim_start_matches("->").trim();
    WRITES.iter().any(|start| line.starts_with(start))
}
