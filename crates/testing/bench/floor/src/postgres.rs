//! PostgreSQL's protocol 3.0 (<https://www.postgresql.org/docs/current/protocol.html>).

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;

use crate::tls::Tls;
use crate::{json, setting, tls, token};

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
/// The object ids of `int8`, `int2`, `int4`, `oid`, `float4` and `float8`.
const NUMBERS: [u32; 6] = [20, 21, 23, 26, 700, 701];

pub(crate) struct Connection {
    stream: BufReader<Tls>,
    message: Vec<u8>,
    columns: Vec<(String, bool)>,
}

impl Connection {
    pub(crate) fn log_in(mut socket: TcpStream) -> Connection {
        socket.write_all(&SSL_REQUEST).unwrap();
        let mut answer = [0];
        socket.read_exact(&mut answer).unwrap();
        assert_eq!(answer, *b"S", "the server has no TLS");
        let stream = BufReader::new(tls::wrap(socket, setting("DB_HOST")));
        let mut connection = Connection { stream, message: vec![], columns: vec![] };

        let mut startup = 0x0003_0000_u32.to_be_bytes().to_vec();
        for (name, value) in [("user", setting("DB_USER")), ("database", setting("DB_NAME"))] {
            startup.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
        }
        startup.push(0);
        connection.send(None, &startup);
        assert_eq!(connection.receive(), b'R');
        assert_eq!(connection.message, [0, 0, 0, 3], "the server asks for no password in clear");
        connection.send(Some(b'p'), (token::sign() + "\0").as_bytes());
        while connection.receive() != b'Z' {}
        connection
    }

    /// Runs a statement with the simple query protocol.
    pub(crate) fn query(&mut self, sql: &str, response: &mut String) {
        self.send(Some(b'Q'), &[sql.as_bytes(), b"\0"].concat());
        response.push_str("{\"rows\":[");
        let mut rows = 0;
        loop {
            match self.receive() {
                b'T' => self.describe(),
                b'D' => {
                    if rows > 0 {
                        response.push(',');
                    }
                    rows += 1;
                    row(&self.message, &self.columns, response);
                }
                b'Z' => break,
                _ => {}
            }
        }
        response.push_str("]}");
    }

    fn describe(&mut self) {
        let (count, mut rest) = self.message.split_at(2);
        self.columns.clear();
        for _ in 0..u16::from_be_bytes(count.try_into().unwrap()) {
            let end = rest.iter().position(|byte| *byte == 0).unwrap();
            let name = String::from_utf8(rest[..end].to_vec()).unwrap();
            let oid = u32::from_be_bytes(rest[end + 7..end + 11].try_into().unwrap());
            self.columns.push((name, NUMBERS.contains(&oid)));
            rest = &rest[end + 19..];
        }
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) {
        let length = (body.len() as u32 + 4).to_be_bytes();
        let message = [kind.as_slice(), &length, body].concat();
        self.stream.get_mut().write_all(&message).unwrap();
    }

    /// Reads a message, and returns its type.
    fn receive(&mut self) -> u8 {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize - 4;
        self.message.resize(length, 0);
        self.stream.read_exact(&mut self.message).unwrap();
        assert_ne!(head[0], b'E', "{}", String::from_utf8_lossy(&self.message));
        head[0]
    }
}

/// Appends a `DataRow`.
fn row(message: &[u8], columns: &[(String, bool)], response: &mut String) {
    let mut rest = &message[2..];
    for (number, (name, is_number)) in columns.iter().enumerate() {
        let (length, after) = rest.split_at(4);
        let length = i32::from_be_bytes(length.try_into().unwrap());
        let value = usize::try_from(length).ok().map(|length| after.split_at(length));
        rest = value.map_or(after, |(_, after)| after);
        json::key(number, name, response);
        let text = value.map(|(text, _)| std::str::from_utf8(text).unwrap());
        json::value(text, *is_number, response);
    }
    response.push('}');
}
