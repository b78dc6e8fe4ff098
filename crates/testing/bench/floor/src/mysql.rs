//! MySQL's protocol (<https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>).

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use crate::tls::Tls;
use crate::{json, setting, tls, token};

/// `LONG_PASSWORD`, `CONNECT_WITH_DB`, `PROTOCOL_41`, `SSL`, `SECURE_CONNECTION`, `MULTI_STATEMENTS`, `MULTI_RESULTS`,
/// `PLUGIN_AUTH`, `PLUGIN_AUTH_LENENC_CLIENT_DATA`.
const CAPABILITIES: u32 =
    0x1 | 0x8 | 0x200 | 0x800 | 0x8000 | 0x1_0000 | 0x2_0000 | 0x8_0000 | 0x20_0000;
/// `SERVER_MORE_RESULTS_EXISTS`, in the first byte of a status.
const MORE_RESULTS: u8 = 0x8;
const MAX_PACKET: u32 = 0x100_0000;
/// `utf8mb4_general_ci`.
const COLLATION: u8 = 45;
const PLUGIN: &str = "mysql_clear_password";
/// The types from `TINY` to `DOUBLE`, `LONGLONG` and `INT24`.
const NUMBERS: [u8; 7] = [1, 2, 3, 4, 5, 8, 9];
const COM_QUERY: u8 = 3;

pub(crate) struct Connection {
    stream: BufReader<Tls>,
    sequence: u8,
    packet: Vec<u8>,
}

impl Connection {
    pub(crate) fn log_in(mut socket: TcpStream) -> Connection {
        let mut greeting = vec![];
        let sequence = read(&mut socket, &mut greeting);
        let settings =
            [&CAPABILITIES.to_le_bytes()[..], &MAX_PACKET.to_le_bytes(), &[COLLATION], &[0; 23]]
                .concat();
        write(&mut socket, sequence + 1, &settings);
        let stream = BufReader::new(tls::wrap(socket, setting("DB_HOST")));
        let mut connection = Connection { stream, sequence: sequence + 2, packet: vec![] };

        // The method is that of a user with a token, so that no server has to ask for it.
        let token = token::sign() + "\0";
        let [user, database] = [setting("DB_USER"), setting("DB_NAME")];
        let length = u16::try_from(token.len()).unwrap().to_le_bytes();
        let (user, database) = (user + "\0", format!("{database}\0{PLUGIN}\0"));
        let login =
            [&settings, user.as_bytes(), &[0xfc], &length, token.as_bytes(), database.as_bytes()];
        connection.send(&login.concat());
        connection.receive();
        assert_eq!(connection.packet[0], 0, "{}", String::from_utf8_lossy(&connection.packet));
        connection
    }

    /// Runs a statement with the text protocol, after statements that return no rows.
    pub(crate) fn query(&mut self, sql: &str, response: &mut String) {
        self.sequence = 0;
        self.send(&[&[COM_QUERY], sql.as_bytes()].concat());
        response.push_str("{\"rows\":[");
        while self.result(response) {}
        response.push_str("]}");
    }

    /// Appends the rows of a result. Returns whether another follows.
    fn result(&mut self, response: &mut String) -> bool {
        self.receive();
        let mut rest = &self.packet[..];
        let count = integer(&mut rest).unwrap();
        if count == 0 {
            let _ = (integer(&mut rest), integer(&mut rest));
            return rest[0] & MORE_RESULTS != 0;
        }
        let mut columns = vec![];
        for _ in 0..count {
            self.receive();
            columns.push(column(&self.packet));
        }
        // EOF.
        self.receive();
        let mut rows = 0;
        loop {
            self.receive();
            if self.packet[0] == 0xfe && self.packet.len() < 9 {
                return self.packet[3] & MORE_RESULTS != 0;
            }
            if rows > 0 {
                response.push(',');
            }
            rows += 1;
            let mut rest = &self.packet[..];
            for (number, (name, is_number)) in columns.iter().enumerate() {
                json::key(number, name, response);
                json::value(text(&mut rest), *is_number, response);
            }
            response.push('}');
        }
    }

    fn send(&mut self, packet: &[u8]) {
        write(self.stream.get_mut(), self.sequence, packet);
    }

    fn receive(&mut self) {
        self.sequence = read(&mut self.stream, &mut self.packet).wrapping_add(1);
        assert_ne!(self.packet[0], 0xff, "{}", String::from_utf8_lossy(&self.packet));
    }
}

/// Reads a packet, and returns its number.
fn read(stream: &mut impl Read, packet: &mut Vec<u8>) -> u8 {
    let mut head = [0; 4];
    stream.read_exact(&mut head).unwrap();
    packet.resize(u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize, 0);
    stream.read_exact(packet).unwrap();
    head[3]
}

fn write(stream: &mut impl Write, sequence: u8, packet: &[u8]) {
    let length = &(packet.len() as u32).to_le_bytes()[..3];
    stream.write_all(&[length, &[sequence], packet].concat()).unwrap();
}

/// The name of a column, and whether its values are numbers.
fn column(packet: &[u8]) -> (String, bool) {
    let mut rest = packet;
    // Catalogue, schema, table, the table's own name, name, the column's own name.
    let names: Vec<_> = (0..6).map(|_| text(&mut rest).unwrap_or_default()).collect();
    // The length of what follows, a character set of two bytes, a length of four.
    (names[4].to_owned(), NUMBERS.contains(&rest[7]))
}

/// Takes a length-encoded integer; `None` for NULL.
fn integer(bytes: &mut &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first().unwrap();
    let length = match first {
        0xfb => {
            *bytes = rest;
            return None;
        }
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        _ => {
            *bytes = rest;
            return Some((*first).into());
        }
    };
    let (value, rest) = rest.split_at(length);
    *bytes = rest;
    Some(value.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

/// Takes a length-encoded text; `None` for NULL.
fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = integer(bytes)?;
    let (text, rest) = bytes.split_at(length);
    *bytes = rest;
    Some(std::str::from_utf8(text).unwrap())
}
