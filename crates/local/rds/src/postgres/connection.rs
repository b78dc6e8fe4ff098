//! The administrator's connection to PostgreSQL.

use std::error::Error;
use std::io;
use std::path::Path;
use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, SimpleQueryRow};

use crate::administrator::{Connection, Row, answer};

/// Logs in to `database` as `postgres` on the Unix socket in `folder` of the server at `port`.
///
/// # Errors
/// The server is not ready, or its rules refuse `postgres`.
pub(super) async fn connect(folder: &Path, port: u16, database: &str) -> io::Result<Client> {
    let mut config = Config::new();
    config.host_path(folder).port(port).user("postgres").dbname(database);
    let (client, connection) = config.connect(NoTls).await.map_err(|error| reported(&error))?;
    // It ends with the client, which is told of its errors.
    tokio::spawn(connection);
    Ok(client)
}

impl Connection for Client {
    /// Runs the statements in one transaction. After one that fails, none has an effect.
    async fn run(&mut self, sql: &str) -> io::Result<Vec<Row>> {
        let reported = |error: tokio_postgres::Error| reported(&error);
        let messages = async { self.simple_query_raw(sql).await.map_err(reported) };
        let mut messages = pin!(answer(messages).await?);
        let (mut rows, mut done) = (Vec::new(), 0);
        loop {
            let next = async { messages.try_next().await.map_err(reported) };
            match answer(next).await.map_err(in_statement(done + 1))? {
                None => break,
                Some(SimpleQueryMessage::Row(row)) => rows.push(texts(&row)),
                Some(SimpleQueryMessage::CommandComplete(_)) => done += 1,
                Some(_) => {}
            }
        }
        Ok(rows)
    }
}

fn texts(row: &SimpleQueryRow) -> Row {
    (0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()
}

/// The number is told from the second statement on.
fn in_statement(number: usize) -> impl FnOnce(io::Error) -> io::Error {
    move |error| match number {
        1 => error,
        _ => io::Error::new(error.kind(), format!("statement {number}: {error}")),
    }
}

/// `42601 syntax error at or near "SELEC" (at character 12)`.
fn reported(error: &tokio_postgres::Error) -> io::Error {
    let Some(server) = error.as_db_error() else {
        let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        return io::Error::other(format!("{error}{cause}"));
    };
    let position = match server.position() {
        Some(ErrorPosition::Original(at)) => format!(" (at character {at})"),
        _ => String::new(),
    };
    io::Error::other(format!("{} {}{position}", server.code().code(), server.message()))
}
