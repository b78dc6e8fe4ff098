//! Lambda's Runtime API, over one connection (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

pub(crate) struct Runtime {
    connection: BufReader<TcpStream>,
    host: String,
}

/// The values that are read of a response's head.
struct Head {
    length: usize,
    request_id: String,
}

impl Runtime {
    pub(crate) fn connect(host: &str) -> Runtime {
        let socket = TcpStream::connect(host).unwrap();
        socket.set_nodelay(true).unwrap();
        Runtime { connection: BufReader::new(socket), host: host.to_owned() }
    }

    /// Waits for the next event. Returns its request id, and its text.
    pub(crate) fn next(&mut self) -> (String, String) {
        let host = &self.host;
        let request =
            format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {host}\r\n\r\n");
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
        let Head { length, request_id } = self.head();
        let mut event = vec![0; length];
        self.connection.read_exact(&mut event).unwrap();
        (request_id, String::from_utf8(event).unwrap())
    }

    pub(crate) fn respond(&mut self, request_id: &str, response: &str) {
        let host = &self.host;
        let head = format!(
            "POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1\r\nhost: {host}\r\n\
             content-length: {}\r\n\r\n",
            response.len()
        );
        let request = [head.as_bytes(), response.as_bytes()].concat();
        self.connection.get_mut().write_all(&request).unwrap();
        let Head { length, .. } = self.head();
        std::io::copy(&mut self.connection.by_ref().take(length as u64), &mut std::io::sink())
            .unwrap();
    }

    fn head(&mut self) -> Head {
        let mut head = Head { length: 0, request_id: String::new() };
        let mut line = String::new();
        loop {
            line.clear();
            self.connection.read_line(&mut line).unwrap();
            let line = line.trim_end();
            if line.is_empty() {
                return head;
            }
            let Some((name, value)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("content-length") {
                head.length = value.parse().unwrap();
            } else if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") {
                head.request_id = value.to_owned();
            }
        }
    }
}
