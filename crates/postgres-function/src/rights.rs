//! Whether the user may run a statement, and whether it only reads: what parsing does not tell.

use futures_util::TryStreamExt;
use sql_function::{Error, Mode, Param, Statement};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error as Failure};

use crate::connection::{self, Connection};
use crate::failure;
use crate::param::AsText;
use crate::server_info::begin;
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
    let through_proxy = connection.through_proxy;
    let failed = |error| failure::query(statement, error, through_proxy).at_line(None);
    let client = &connection.client;
    client.batch_execute(begin(connection.through_proxy)).await.map_err(failed)?;
    let plan = plan(client, statement, params).await;
    let sent = session::send(client, &connection.closing("ROLLBACK")).await;
    connection.closed(sent, 1).map_err(failed)?;
    let is_read = statement.mode == Mode::Read;
    if is_read && CHANGES.contains(&&*statement.verb()) {
        return Err(failure::undeclared_write(statement));
    }
    match plan {
        Err(error) if has_no_plan(&error) => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(Ok(plan)) if is_read && plan.iter().any(|line| writes(line)) => {
            Err(failure::undeclared_write(statement))
        }
        Ok(Err(error)) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            Err(failed(error))
        }
        // A function that planning calls writes: the statement would fail too.
        Ok(Err(error)) if is_read && failure::is_read_only(&error) => Err(failed(error)),
        // Such as a type that does not accept NULL.
        Ok(_) => Ok(()),
    }
}

/// Whether the server does not plan such statements: its grammar.
fn has_no_plan(failure: &Failure) -> bool {
    failure.code() == Some(&SqlState::SYNTAX_ERROR)
}

/// The lines of the plan, with NULL for each parameter, or why there is none.
///
/// # Errors
/// The statement cannot be parsed.
async fn plan(
    client: &Client,
    statement: &Statement,
    params: usize,
) -> Result<Result<Vec<String>, Failure>, Failure> {
    // EXPLAIN takes the parameters of the statement. Its SQL may end with a comment or a semicolon.
    let explain = format!("EXPLAIN\n{}", statement.sql);
    let explain = client.prepare_typed(&explain, &connection::types(statement)).await?;
    let nulls = vec![AsText(&Param::Null); params];
    let lines = async {
        let rows = client.query_raw(&explain, nulls).await?;
        rows.and_then(|row| async move { row.try_get(0) }).try_collect().await
    };
    Ok(lines.await)
}

/// Whether a line of a plan writes or locks rows.
fn writes(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("->").trim();
    WRITES.iter().any(|start| line.starts_with(start))
}
