//! The administrator's connection to a server: as much of PostgreSQL's client
//! protocol as it takes to log in over a trusted Unix socket and to run statements.
//!
//! It takes the place of a client program, which is not always there, and of `postgres --single`,
//! which ends a statement at any empty line after a semicolon.
//!
//! Source: "Frontend/Backend Protocol" in the PostgreSQL documentation, version 3.0.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::administrator::Row;

/// Version 3.0 of the protocol.
const PROTOCOL: u32 = 3 << 16;
/// How long one statement may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first byte of a message that says what it is.
const COPY_IN: u8 = b'G';
const ERROR: u8 = b'E';
const READY: u8 = b'Z';
const ROW: u8 = b'D';

/// A connection of the user `postgres`.
pub(crate) struct Administrator {
    stream: UnixStream,
}

impl Administrator {
    /// Logs in to `database` as `postgres` on the Unix socket of a server.
    ///
    /// # Errors
    /// The server is not ready, or its rules refuse `postgres`.
    pub(crate) fn connect(socket: &Path, database: &str) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut connection = Self { stream };
        let parameters = format!("user\0postgres\0database\0{database}\0\0");
        connection.send(&[], &[&PROTOCOL.to_be_bytes(), parameters.as_bytes()].concat())?;
        connection.receive_until_ready()?;
        Ok(connection)
    }

    /// Runs the statements in `sql` in one transaction, and gives the rows of all of them.
    ///
    /// # Errors
    /// The first statement that fails: its code and message. None then has an effect.
    pub(crate) fn run(&mut self, sql: &str) -> io::Result<Vec<Row>> {
        if sql.contains('\0') {
            return Err(io::Error::other("the statements hold a NUL character"));
        }
        self.send(b"Q", &[sql.as_bytes(), b"\0"].concat())?;
        self.receive_until_ready()
    }

    /// Receives messages until the server waits for the next statement. The first error among them
    /// is returned, or the rows.
    fn receive_until_ready(&mut self) -> io::Result<Vec<Row>> {
        let mut outcome = Ok(());
        let mut rows = Vec::new();
        loop {
            let (kind, body) = match self.receive() {
                Ok(message) => message,
                // A refused login ends without getting ready.
                Err(error) => return outcome.and(Err(error)),
            };
            match kind {
                READY => return outcome.map(|()| rows),
                ERROR => outcome = outcome.and_then(|()| Err(reported(&body))),
                ROW => rows.push(row(&body).ok_or_else(malformed)?),
                COPY_IN => return Err(io::Error::other("COPY … FROM STDIN has no data here")),
                _ => {}
            }
        }
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut header = [0; 5];
        self.stream.read_exact(&mut header)?;
        let [kind, length @ ..] = header;
        let length = (u32::from_be_bytes(length) as usize).checked_sub(4).ok_or_else(malformed)?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((kind, body))
    }

    fn send(&mut self, kind: &[u8], body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len() + 4)
            .map_err(|_| io::Error::other("the statements are longer than 4 GB"))?;
        self.stream.write_all(&[kind, &length.to_be_bytes(), body].concat())
    }
}

/// The values in a message: their number, then each with its length, which is -1 for NULL.
fn row(body: &[u8]) -> Option<Row> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut row = Row::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, value) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let (value, after) = value.split_at_checked(length.unwrap_or(0))?;
        row.push(length.map(|_| String::from_utf8_lossy(value).into_owned()));
        rest = after;
    }
    Some(row)
}

fn malformed() -> io::Error {
    io::Error::other("the server's answer is not of PostgreSQL's protocol")
}

/// The error in a message, whose fields each begin with a letter and end with a NUL byte:
/// `42601 syntax error at or near "SELEC" (at character 12)`.
fn reported(body: &[u8]) -> io::Error {
    let field = |letter: u8| {
        body.split(|&byte| byte == 0)
            .find_map(|field| field.strip_prefix(&[letter]))
            .map(|text| String::from_utf8_lossy(text).into_owned())
    };
    let code = field(b'C').unwrap_or_default();
    let message = field(b'M').unwrap_or_default();
    let place = field(b'P').map(|at| format!(" (at character {at})")).unwrap_or_default();
    io::Error::other(format!("{code} {message}{place}"))
}
