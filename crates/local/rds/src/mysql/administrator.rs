//! The administrator's connection to a server: as much of MySQL's client
//! protocol as it takes to log in without a password over a Unix socket and to run statements.
//!
//! It takes the place of a client program, which is not always there, and of `--init-file`, which
//! reports errors nowhere. The server itself tells several statements in one text apart.
//!
//! Source: "Client/Server Protocol" in the MySQL Source Code Documentation; MariaDB's is the same.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::administrator::Row;

const CAPABILITIES: u32 =
    PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | MULTI_STATEMENTS | MULTI_RESULTS;
const PROTOCOL_41: u32 = 1 << 9;
const SECURE_CONNECTION: u32 = 1 << 15;
const MULTI_STATEMENTS: u32 = 1 << 16;
const MULTI_RESULTS: u32 = 1 << 17;
const PLUGIN_AUTH: u32 = 1 << 19;
/// In the status flags: another result follows this one.
const MORE_RESULTS: u16 = 8;

const UTF8MB4_GENERAL_CI: u8 = 45;
const COM_QUERY: u8 = 3;
/// The longest packet that is sent in one piece.
const LONGEST_PACKET: usize = 0xff_ffff;
/// How long one statement may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first byte of a packet that says what it is.
const OK: u8 = 0x00;
const MORE_AUTHENTICATION_DATA: u8 = 0x01;
const SWITCH_OR_END: u8 = 0xfe;
const ERROR: u8 = 0xff;
/// In a row: a value that is NULL.
const NULL: u8 = 0xfb;

/// A connection of the user `root`.
pub(crate) struct Administrator {
    stream: UnixStream,
    sequence: u8,
}

impl Administrator {
    /// Logs in as `root`, who has no password yet, on the Unix socket of a server.
    ///
    /// # Errors
    /// The server is not ready, or `root` is locked.
    pub(crate) fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut connection = Self { stream, sequence: 0 };
        let greeting = connection.receive()?;
        let plugin = authentication_plugin(&greeting).ok_or_else(malformed)?;

        let mut login = Vec::new();
        login.extend(CAPABILITIES.to_le_bytes());
        login.extend((LONGEST_PACKET as u32).to_le_bytes());
        login.push(UTF8MB4_GENERAL_CI);
        login.extend([0; 23]);
        login.extend(b"root\0");
        login.push(0); // the length of the password
        login.extend(plugin);
        login.push(0);
        connection.send(&login)?;
        loop {
            match connection.receive()?.first() {
                Some(&OK) => return Ok(connection),
                Some(&SWITCH_OR_END) => connection.send(&[])?,
                Some(&MORE_AUTHENTICATION_DATA) => {}
                _ => return Err(malformed()),
            }
        }
    }

    /// Runs the statements in `sql`, and gives the rows of all of them.
    ///
    /// # Errors
    /// The first statement that fails, after which none is run: its number, code and message.
    pub(crate) fn run(&mut self, sql: &str) -> io::Result<Vec<Row>> {
        let mut rows = Vec::new();
        if sql.trim().is_empty() {
            return Ok(rows);
        }
        self.sequence = 0;
        self.send(&[&[COM_QUERY], sql.as_bytes()].concat())?;
        for number in 1.. {
            let status = self.receive_result(&mut rows).map_err(|error| {
                io::Error::new(error.kind(), format!("statement {number}: {error}"))
            })?;
            if status & MORE_RESULTS == 0 {
                break;
            }
        }
        Ok(rows)
    }

    /// Reads the result of one statement to its end, and returns the server's status flags.
    fn receive_result(&mut self, rows: &mut Vec<Row>) -> io::Result<u16> {
        let first = self.receive()?;
        if first.first() == Some(&OK) {
            // The numbers of changed rows and of the last key come before the flags.
            let rest = skip_number(first.get(1..).ok_or_else(malformed)?)?;
            return flags(skip_number(rest)?);
        }
        // The columns, an end, the rows, an end.
        self.receive_until_end(|_| Ok(()))?;
        self.receive_until_end(|packet| {
            rows.push(row(packet).ok_or_else(malformed)?);
            Ok(())
        })
    }

    fn receive_until_end(
        &mut self,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<u16> {
        loop {
            let packet = self.receive()?;
            // A long row may begin with the same byte.
            if packet.first() == Some(&SWITCH_OR_END) && packet.len() < 9 {
                return flags(packet.get(3..).ok_or_else(malformed)?);
            }
            each(&packet)?;
        }
    }

    /// Receives one packet. One that reports an error becomes an error.
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut packet = Vec::new();
        loop {
            let mut header = [0; 4];
            self.stream.read_exact(&mut header)?;
            let [a, b, c, sequence] = header;
            let length = u32::from_le_bytes([a, b, c, 0]) as usize;
            self.sequence = sequence.wrapping_add(1);
            let start = packet.len();
            packet.resize(start + length, 0);
            self.stream.read_exact(&mut packet[start..])?;
            if length < LONGEST_PACKET {
                break;
            }
        }
        if packet.first() == Some(&ERROR) { Err(reported(&packet)) } else { Ok(packet) }
    }

    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        if packet.len() >= LONGEST_PACKET {
            return Err(io::Error::other("the statements are longer than 16 MB"));
        }
        let [a, b, c, _] = (packet.len() as u32).to_le_bytes();
        self.stream.write_all(&[&[a, b, c, self.sequence], packet].concat())
    }
}

/// The name of the authentication plugin that the server proposes in its greeting.
fn authentication_plugin(greeting: &[u8]) -> Option<&[u8]> {
    let version_end = greeting.iter().position(|&byte| byte == 0)?;
    // The connection's number, half of the challenge, flags and others.
    let rest = greeting.get(version_end + 21..)?;
    let challenge_length = usize::from(*rest.first()?);
    let name = rest.get(11 + challenge_length.saturating_sub(8).max(13)..)?;
    name.split(|&byte| byte == 0).next()
}

/// The error in a packet: `1064 (42000) You have an error in your SQL syntax …`. It comes without
/// the state when the server refuses to talk at all.
fn reported(packet: &[u8]) -> io::Error {
    let code = packet.get(1..3).map_or(0, |code| u16::from_le_bytes([code[0], code[1]]));
    let text = String::from_utf8_lossy(packet.get(3..).unwrap_or_default());
    let text = match text.strip_prefix('#').and_then(|text| text.split_at_checked(5)) {
        Some((state, message)) => format!("({state}) {message}"),
        None => text.into_owned(),
    };
    io::Error::other(format!("{code} {text}"))
}

/// Passes over a length-encoded integer.
fn skip_number(bytes: &[u8]) -> io::Result<&[u8]> {
    bytes.get(length_of_number(bytes)..).ok_or_else(malformed)
}

fn length_of_number(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(0xfc) => 3,
        Some(0xfd) => 4,
        Some(0xfe) => 9,
        _ => 1,
    }
}

/// The values of a row: each a length-encoded string, or the byte that stands for NULL.
fn row(mut packet: &[u8]) -> Option<Row> {
    let mut row = Row::new();
    while let Some(&first) = packet.first() {
        if first == NULL {
            row.push(None);
            packet = &packet[1..];
            continue;
        }
        let (number, rest) = packet.split_at_checked(length_of_number(packet))?;
        // A number of more than one byte has its length in the first.
        let digits = if number.len() == 1 { number } else { &number[1..] };
        let length = digits.iter().rev().fold(0, |sum, &byte| sum << 8 | usize::from(byte));
        let (value, rest) = rest.split_at_checked(length)?;
        row.push(Some(String::from_utf8_lossy(value).into_owned()));
        packet = rest;
    }
    Some(row)
}

fn flags(bytes: &[u8]) -> io::Result<u16> {
    match bytes {
        [low, high, ..] => Ok(u16::from_le_bytes([*low, *high])),
        _ => Err(malformed()),
    }
}

fn malformed() -> io::Error {
    io::Error::other("the server's answer is not of MySQL's protocol")
}
