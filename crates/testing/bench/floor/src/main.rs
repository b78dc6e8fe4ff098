//! A function written by hand for one purpose: to be as quick as a verified login with a token can be. It has
//! blocking sockets, rustls, and just the messages that a login and a statement without parameters need. It checks
//! no input, and knows no way to heal: it shows what everything else costs, and is not to be copied.
//!
//! It takes the settings and the events of the functions, and runs the statements of `STATEMENTS_DIR`.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "it has nobody to report an error to")]

mod json;
mod mysql;
mod postgres;
mod runtime;
mod tls;
mod token;

use std::collections::HashMap;
use std::net::TcpStream;
use std::time::Instant;
use std::{env, fs};

use runtime::Runtime;

/// A setting, which must be there.
pub(crate) fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

fn main() {
    let mut query = connection();
    let statements = statements();
    let mut runtime = Runtime::connect(&setting("AWS_LAMBDA_RUNTIME_API"));
    let mut response = String::new();
    loop {
        let (id, event) = runtime.next();
        response.clear();
        let sql = &statements[statement(&event)];
        match repeated(&event) {
            Some(count) => response = bare(count, || query(sql, &mut String::new())),
            None => query(sql, &mut response),
        }
        runtime.respond(&id, &response);
    }
}

/// Runs a statement, and appends its rows to the response.
type Query = Box<dyn FnMut(&str, &mut String)>;

/// A connection that is logged in.
fn connection() -> Query {
    let socket = TcpStream::connect(setting("DB_CONNECT_TO")).unwrap();
    socket.set_nodelay(true).unwrap();
    match setting("FLOOR_ENGINE").as_str() {
        "postgres" => {
            let mut connection = postgres::Connection::log_in(socket);
            Box::new(move |sql, response| connection.query(sql, response))
        }
        _ => {
            let mut connection = mysql::Connection::log_in(socket);
            Box::new(move |sql, response| connection.query(sql, response))
        }
    }
}

fn statements() -> HashMap<String, String> {
    let files = fs::read_dir(setting("STATEMENTS_DIR")).unwrap().map(|entry| entry.unwrap().path());
    let named = files.map(|path| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    named.collect()
}

/// The name in `{"statement":"NAME"}`.
fn statement(event: &str) -> &str {
    event.split('"').nth(3).unwrap()
}

/// The count in `{"statement":"NAME","repeat":"COUNT"}`.
fn repeated(event: &str) -> Option<usize> {
    event.split('"').nth(7).map(|count| count.parse().unwrap())
}

/// What a query takes alone, without an event: the median of so many, in nanoseconds.
fn bare(count: usize, mut query: impl FnMut()) -> String {
    let mut times: Vec<_> = (0..count)
        .map(|_| {
            let start = Instant::now();
            query();
            start.elapsed()
        })
        .collect();
    times.sort();
    format!("{{\"nanoseconds\":{}}}", times[count / 2].as_nanos())
}
