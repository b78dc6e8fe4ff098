//! Through the filter, the driver gets from a server that forgets every statement at the end of a
//! flight what it gets without it from one that remembers them, however the messages are split.

use bytes::{BufMut, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::HashMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::filter::{CHANGED, Filter};
use crate::filtered::{self, FilteredStream};
use crate::messages::{Cutter, Message, Piece, text, write};

/// A server, as far as its messages go. SQL is a list of words: `bad` cannot be parsed, `dies` cannot be
/// run, a number is a column of that type. A value `bad` cannot be bound.
#[derive(Default)]
struct Server {
    cutter: Cutter,
    statements: HashMap<Vec<u8>, (String, Vec<u8>)>,
    bound: Option<String>,
    skips: bool,
    copies: bool,
    /// A transaction pooler: no flight finds what an earlier one has left, and nothing has a name.
    forgets: bool,
    /// What its columns have become: a number to the end of each result.
    more: Option<u32>,
    names: Vec<String>,
}

impl Server {
    fn answer(&mut self, mut sent: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        while let Some(piece) = self.cutter.next(&mut sent, |_| true).unwrap() {
            let Piece::Whole(message) = piece else { panic!("{piece:?}") };
            self.message(&message, &mut out);
        }
        out
    }

    fn message(&mut self, message: &Message, out: &mut BytesMut) {
        let (tag, body) = (message.tag(), message.body());
        if self.copies {
            match tag {
                b'c' => {
                    self.copies = false;
                    write(out, b'C', &[b"COPY 1\0"]).unwrap();
                }
                b'f' => {
                    self.copies = false;
                    self.refuse("copy failed", out);
                }
                _ => {} // data, and the ends of flights
            }
            return;
        }
        match tag {
            b'S' => {
                self.skips = false;
                self.ready(out);
            }
            _ if self.skips => {}
            b'P' => {
                let (name, rest) = text(body).unwrap();
                let (sql, types) = text(rest).unwrap();
                let sql = String::from_utf8(sql.to_vec()).unwrap();
                self.see(name);
                if sql.contains("bad") {
                    self.refuse("syntax error", out);
                } else {
                    self.statements.insert(name.to_vec(), (sql, types.to_vec()));
                    write(out, b'1', &[]).unwrap();
                }
            }
            b'D' if body[0] == b'S' => {
                let (name, _) = text(&body[1..]).unwrap();
                self.see(name);
                match self.statements.get(name).cloned() {
                    Some((sql, types)) => {
                        write(out, b't', &[&types]).unwrap();
                        self.row_description(&sql, out);
                    }
                    None => self.refuse("does not exist", out),
                }
            }
            b'D' => self.row_description(&self.bound.clone().unwrap_or_default(), out),
            b'B' => {
                let (_portal, rest) = text(body).unwrap();
                let (name, values) = text(rest).unwrap();
                self.see(name);
                match self.statements.get(name) {
                    Some(_) if values.starts_with(b"bad") => self.refuse("a wrong value", out),
                    Some((sql, _)) => {
                        self.bound = Some(sql.clone());
                        write(out, b'2', &[]).unwrap();
                    }
                    None => self.refuse("does not exist", out),
                }
            }
            b'E' => match self.bound.clone() {
                Some(sql) if sql.contains("dies") => self.refuse("division by zero", out),
                Some(sql) if sql.contains("copy") => {
                    self.copies = true;
                    write(out, b'G', &[b"\0\0\0"]).unwrap();
                }
                Some(sql) => {
                    write(out, b'N', &[b"SNOTICE\0\0"]).unwrap();
                    write(out, b'D', &[b"\0\x01", sql.as_bytes()]).unwrap();
                    write(out, b'C', &[b"SELECT 1\0"]).unwrap();
                }
                None => self.refuse("no portal", out),
            },
            b'C' => {
                let (name, _) = text(&body[1..]).unwrap();
                self.see(name);
                self.statements.remove(name);
                write(out, b'3', &[]).unwrap();
            }
            b'Q' => {
                let sql = String::from_utf8_lossy(text(body).unwrap().0).into_owned();
                if sql.contains("bad") {
                    self.refuse("syntax error", out);
                    self.skips = false;
                } else {
                    self.row_description(&sql, out);
                    write(out, b'D', &[b"\0\x01", sql.as_bytes()]).unwrap();
                    write(out, b'C', &[b"SELECT 1\0"]).unwrap();
                }
                self.ready(out);
            }
            other => panic!("{}", char::from(other)),
        }
    }

    fn see(&mut self, name: &[u8]) {
        self.names.extend((!name.is_empty()).then(|| String::from_utf8(name.to_vec()).unwrap()));
    }

    fn row_description(&self, sql: &str, out: &mut BytesMut) {
        let types: Vec<u32> =
            sql.split(' ').filter_map(|word| word.parse().ok()).chain(self.more).collect();
        if types.is_empty() {
            return write(out, b'n', &[]).unwrap();
        }
        let mut body = BytesMut::new();
        body.put_u16(types.len() as u16);
        for of in types {
            body.put_slice(b"column\0");
            body.put_u32(u32::from(self.forgets)); // a table that was made anew
            body.put_u16(1);
            body.put_u32(of);
            body.put_slice(&[0; 8]);
        }
        write(out, b'T', &[&body]).unwrap();
    }

    fn refuse(&mut self, why: &str, out: &mut BytesMut) {
        self.skips = true;
        write(out, b'E', &[b"SERROR\0M", why.as_bytes(), b"\0\0"]).unwrap();
    }

    fn ready(&mut self, out: &mut BytesMut) {
        self.bound = None;
        self.statements.remove(&b""[..]);
        if self.forgets {
            self.statements.clear();
        }
        write(out, b'Z', &[b"I"]).unwrap();
    }
}

/// What a driver does in one flight.
#[derive(Clone, Debug)]
enum Flight {
    Prepare {
        name: u8,
        sql: String,
    },
    /// Binds and runs statements.
    Run {
        names: Vec<u8>,
        value: &'static str,
    },
    /// Describes a statement of an earlier flight.
    Describe {
        name: u8,
    },
    Close {
        name: u8,
    },
    /// A statement without a name, in one flight.
    Typed {
        sql: String,
    },
    Simple {
        sql: String,
    },
    /// Data for a statement that copies, or for none.
    Copy {
        name: u8,
        fails: bool,
    },
}

fn message(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut out = BytesMut::new();
    write(&mut out, tag, parts).unwrap();
    out.to_vec()
}

impl Flight {
    fn messages(&self) -> Vec<u8> {
        let name = |name: &u8| format!("s{name}\0").into_bytes();
        let run = |of: &[u8], value: &str| {
            let bind = message(b'B', &[b"\0", of, value.as_bytes()]);
            [bind, message(b'E', &[b"\0\0\0\0\0"])].concat()
        };
        let sync = message(b'S', &[]);
        match self {
            Flight::Prepare { name: of, sql } => {
                let parse = message(b'P', &[&name(of), sql.as_bytes(), b"\0\0\x01\0\0\0\x17"]);
                [parse, message(b'D', &[b"S", &name(of)]), sync].concat()
            }
            Flight::Run { names, value } => {
                let runs = names.iter().map(|of| run(&name(of), value));
                [runs.collect::<Vec<_>>().concat(), sync].concat()
            }
            Flight::Describe { name: of } => [message(b'D', &[b"S", &name(of)]), sync].concat(),
            Flight::Close { name: of } => [message(b'C', &[b"S", &name(of)]), sync].concat(),
            Flight::Typed { sql } => {
                let parse = message(b'P', &[b"\0", sql.as_bytes(), b"\0\0\0"]);
                [parse, message(b'D', &[b"S\0"]), run(b"\0", "value"), sync].concat()
            }
            Flight::Simple { sql } => message(b'Q', &[sql.as_bytes(), b"\0"]),
            Flight::Copy { name: of, fails } => {
                let end = if *fails { message(b'f', &[b"no\0"]) } else { message(b'c', &[]) };
                [run(&name(of), "value"), sync.clone(), message(b'd', &[b"Sdata"]), end, sync]
                    .concat()
            }
        }
    }
}

fn sql() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => Just("7".to_owned()),
        4 => Just("25".to_owned()),
        1 => Just("bad".to_owned()),
        1 => Just("dies".to_owned()),
        2 => "[a-z]{0,40}",
    ];
    vec(word, 0..4).prop_map(|words| words.join(" "))
}

/// What a driver does: it runs what it has prepared, names nothing twice, and forgets what it closed.
fn flights() -> impl Strategy<Value = Vec<Flight>> {
    let flight = prop_oneof![
        3 => sql().prop_map(|sql| Flight::Prepare { name: 0, sql }),
        4 => (vec(0..9_u8, 1..3), prop_oneof![Just("value"), Just("bad")])
            .prop_map(|(names, value)| Flight::Run { names, value }),
        1 => (0..9_u8).prop_map(|name| Flight::Describe { name }),
        1 => (0..9_u8).prop_map(|name| Flight::Close { name }),
        2 => sql().prop_map(|sql| Flight::Typed { sql }),
        2 => sql().prop_map(|sql| Flight::Simple { sql }),
        1 => Just(Flight::Prepare { name: 0, sql: "copy".to_owned() }),
    ];
    vec(flight, 1..20).prop_map(|mut flights| {
        let mut open: Vec<(u8, bool)> = vec![];
        for (next, flight) in (0_u8..).zip(&mut flights) {
            let named = |of: &u8| open.get(usize::from(*of) % open.len().max(1)).copied();
            let nothing = Flight::Simple { sql: "nothing".to_owned() };
            match flight {
                Flight::Prepare { name, sql } => {
                    *name = next;
                    // One that cannot be parsed is not there.
                    open.extend((!sql.contains("bad")).then_some((next, sql == "copy")));
                }
                Flight::Run { names, value } => {
                    let of: Vec<_> = names.iter().filter_map(named).collect();
                    if let Some((name, _)) = of.iter().find(|(_, copies)| *copies) {
                        *flight = Flight::Copy { name: *name, fails: *value == "bad" };
                    } else {
                        *names = of.into_iter().map(|(name, _)| name).collect();
                    }
                }
                Flight::Describe { name } => match named(name) {
                    Some((of, _)) => *name = of,
                    None => *flight = nothing,
                },
                Flight::Close { name } => match named(name) {
                    Some((of, _)) => {
                        *name = of;
                        open.retain(|(other, _)| *other != of);
                    }
                    None => *flight = nothing,
                },
                _ => {}
            }
        }
        flights
    })
}

/// What the driver receives, when every message reaches its end in pieces of these sizes.
fn through_filter(flights: &[Flight], server: &mut Server, sizes: &[usize]) -> Vec<u8> {
    let mut filter = Filter::default();
    let mut got = BytesMut::new();
    let mut sizes = sizes.iter().copied().cycle();
    filter.receive(&message(b'Z', &[b"I"]), &mut got).unwrap();
    got.clear();
    for flight in flights {
        for sent in pieces(&flight.messages(), &mut sizes) {
            let mut out = BytesMut::new();
            filter.send(&sent, &mut out).unwrap();
            for received in pieces(&server.answer(&out), &mut sizes) {
                filter.receive(&received, &mut got).unwrap();
            }
        }
    }
    got.to_vec()
}

fn pieces(mut bytes: &[u8], sizes: &mut impl Iterator<Item = usize>) -> Vec<Vec<u8>> {
    let mut pieces = vec![];
    while !bytes.is_empty() {
        let (piece, rest) = bytes.split_at(sizes.next().unwrap_or(1).min(bytes.len()));
        pieces.push(piece.to_vec());
        bytes = rest;
    }
    pieces
}

/// The messages in readable form.
fn shown(bytes: &[u8]) -> Vec<String> {
    let (mut cutter, mut bytes, mut shown) = (Cutter::default(), bytes, vec![]);
    while let Some(Piece::Whole(message)) = cutter.next(&mut bytes, |_| true).unwrap() {
        // The table of a column is not compared.
        let body = if message.tag() == b'T' { &message.body()[..2] } else { message.body() };
        shown.push(format!("{} {}", char::from(message.tag()), String::from_utf8_lossy(body)));
    }
    shown
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_driver_notices_nothing(flights in flights(), sizes in vec(1..40_usize, 1..9)) {
        let mut remembers = Server::default();
        let direct: Vec<u8> =
            flights.iter().flat_map(|flight| remembers.answer(&flight.messages())).collect();
        for sizes in [&*sizes, &[1], &[usize::MAX]] {
            let mut forgets = Server { forgets: true, ..Server::default() };
            let filtered = through_filter(&flights, &mut forgets, sizes);
            prop_assert_eq!(shown(&filtered), shown(&direct));
            prop_assert!(forgets.names.is_empty(), "{:?}", forgets.names);
        }
    }
}

#[test]
fn changed_columns_are_an_error_after_the_statement_and_later_ones_are_answered() {
    let run = |value| Flight::Run { names: vec![0], value };
    let flights = [
        Flight::Prepare { name: 0, sql: "25".into() },
        run("value"),
        run("bad"),
        Flight::Simple { sql: "x".into() },
        Flight::Describe { name: 0 },
    ];
    let mut server = Server { forgets: true, ..Server::default() };
    let mut filter = Filter::default();
    let (mut out, mut got) = (BytesMut::new(), BytesMut::new());
    for (index, flight) in flights.iter().enumerate() {
        server.more = (index > 0).then_some(7);
        got.clear();
        out.clear();
        filter.send(&flight.messages(), &mut out).unwrap();
        filter.receive(&server.answer(&out), &mut got).unwrap();
        let shown = shown(&got);
        let tags: String = shown.iter().map(|message| &message[..1]).collect();
        assert_eq!(tags, ["1tTZ", "NEZ", "EZ", "TDCZ", "tTZ"][index], "{flight:?}: {shown:?}");
        let made_up = shown.iter().any(|message| message.contains(CHANGED));
        assert_eq!(made_up, index == 1, "{shown:?}");
    }
}

#[test]
fn parameters_keep_the_types_that_the_server_told() {
    let mut filter = Filter::default();
    let (mut out, mut got) = (BytesMut::new(), BytesMut::new());
    let parse = message(b'P', &[b"s0\0", b"SELECT $1\0", b"\0\0"]);
    let describe = message(b'D', &[b"S", b"s0\0"]);
    filter.send(&[parse, describe, message(b'S', &[])].concat(), &mut out).unwrap();
    let types: &[u8] = b"\0\x01\0\0\0\x19";
    let answers =
        [message(b'1', &[]), message(b't', &[types]), message(b'n', &[]), message(b'Z', &[b"I"])];
    filter.receive(&answers.concat(), &mut got).unwrap();
    out.clear();
    filter.send(&message(b'B', &[b"\0s0\0", b"\0\0\0\0\0\0"]), &mut out).unwrap();
    let parse = message(b'P', &[b"\0", b"SELECT $1\0", types]);
    assert!(out.starts_with(&parse), "{out:?}");
}

#[test]
fn an_answer_to_nothing_ends_the_connection() {
    let mut filter = Filter::default();
    let mut got = BytesMut::new();
    for tag in [b'1', b't'] {
        let error = filter.receive(&message(tag, &[]), &mut got).unwrap_err();
        assert!(error.to_string().contains("instead of nothing"), "{error}");
    }
    assert!(filter.receive(b"D\0\0\0\x03", &mut got).is_err());
}

/// The stream as a whole, over a connection that takes three bytes at a time.
#[tokio::test]
async fn the_stream_sends_and_receives_in_parts() {
    let flights = [
        Flight::Prepare { name: 0, sql: "25 text".into() },
        Flight::Run { names: vec![0, 0], value: "value" },
        Flight::Typed { sql: "7".into() },
        Flight::Run { names: vec![0], value: "bad" },
        Flight::Close { name: 0 },
    ];
    let mut remembers = Server::default();
    let (near, mut far) = tokio::io::duplex(3);
    let serve = async {
        let mut server = Server { forgets: true, ..Server::default() };
        let mut login = [0; 2];
        far.read_exact(&mut login).await.unwrap();
        assert_eq!(&login, b"pw", "a login is sent as it is");
        far.write_all(&message(b'Z', &[b"I"])).await.unwrap();
        let mut bytes = [0; 64];
        loop {
            let read = far.read(&mut bytes).await.unwrap();
            if read == 0 {
                break server.names;
            }
            far.write_all(&server.answer(&bytes[..read])).await.unwrap();
        }
    };
    let drive = async {
        let mut stream = FilteredStream::new(near, filtered::Filter::Unnamed(Box::default()));
        stream.write_all(b"pw").await.unwrap();
        let mut ready = [0; 6];
        stream.read_exact(&mut ready).await.unwrap();
        let (mut from, mut to) = tokio::io::split(stream);
        for flight in &flights {
            let direct = remembers.answer(&flight.messages());
            let send = async {
                to.write_all(&flight.messages()).await.unwrap();
                to.flush().await.unwrap();
            };
            let mut got = vec![0; direct.len()];
            let (_, received) = tokio::join!(send, from.read_exact(&mut got));
            received.unwrap();
            assert_eq!(shown(&got), shown(&direct), "{flight:?}");
        }
    };
    let (names, ()) = tokio::join!(serve, drive);
    assert!(names.is_empty(), "{names:?}");
}
