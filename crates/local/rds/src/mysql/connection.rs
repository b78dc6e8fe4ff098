//! The administrator's connection to MySQL and MariaDB.

use std::io;
use std::path::Path;

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Error, OptsBuilder};

use crate::administrator::{Connection, Row, answer};

/// The longest packet that the driver sends or takes: the protocol's, whatever the server's setting.
const LONGEST_PACKET: usize = 1 << 30;
/// The driver closes no connection by itself; the server's default, in seconds.
const WAIT_TIMEOUT: usize = 28_800;

/// Logs in as `root`, who has no password yet, on the Unix socket of a server.
///
/// # Errors
/// The server is not ready, or `root` is locked.
pub(super) async fn connect(socket: &Path) -> io::Result<Conn> {
    // With these settings given, the driver asks the server for none.
    let options = OptsBuilder::default()
        .socket(Some(socket.display().to_string()))
        .user(Some("root"))
        .prefer_socket(false)
        .max_allowed_packet(Some(LONGEST_PACKET))
        .wait_timeout(Some(WAIT_TIMEOUT));
    Conn::new(options).await.map_err(reported)
}

impl Connection for Conn {
    /// Sends all statements in one text, which the server itself splits. After one that fails none
    /// is run.
    async fn run(&mut self, sql: &str) -> io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        if sql.trim().is_empty() {
            return Ok(rows);
        }
        let results = async { self.query_iter(sql).await.map_err(reported) };
        let mut results = answer(results).await.map_err(in_statement(1))?;
        for number in 1.. {
            // An error of the next statement waits behind an empty result.
            let is_last = results.is_empty();
            let result = async { results.collect::<mysql_async::Row>().await.map_err(reported) };
            let result = answer(result).await.map_err(in_statement(number))?;
            rows.extend(result.into_iter().map(texts));
            if is_last {
                break;
            }
        }
        Ok(rows)
    }
}

/// The values of a row, which the text protocol sends as texts.
fn texts(row: mysql_async::Row) -> Row {
    let text = |value| match value {
        mysql_async::Value::NULL => None,
        mysql_async::Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(false)),
    };
    row.unwrap_raw().into_iter().map(|value| value.and_then(text)).collect()
}

/// `1064 (42000) You have an error in your SQL syntax …`.
fn reported(error: Error) -> io::Error {
    match error {
        Error::Server(error) => {
            io::Error::other(format!("{} ({}) {}", error.code, error.state, error.message))
        }
        other => io::Error::other(other),
    }
}

fn in_statement(number: usize) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("statement {number}: {error}"))
}
