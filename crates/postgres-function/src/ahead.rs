//! Runs the first read of a connection in the flight of its preparation.
//!
//! The driver has the server parse a statement, waits for the answer, and then runs it. This filter,
//! between the driver and TLS, knows what the driver will send then, and sends it with the preparation.
//! What the driver sends later is compared with that, and not sent again; the answers wait until then.
//! Before that, the driver may ask for types that it does not know. The answers to these questions come
//! after those that wait, and reach it first.
//!
//! It is the first thing that a connection is used for, so that the next answer is that to the
//! preparation. What must not run before the preparation is checked does not use this.
//!
//! Source: "Message Flow" in the PostgreSQL documentation (`Pipelining`).

use bytes::{Buf, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use sql_function::RESPONSE_LIMIT;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::messages::{Cutter, Piece, text};

/// How much may wait, in bytes, while the driver asks for types. A result that is larger is dropped,
/// and the statement run again when the driver sends it.
const MOST: usize = RESPONSE_LIMIT;

/// What is sent ahead on a connection.
#[derive(Default)]
pub(crate) struct Ahead(Mutex<State>);

#[derive(Default)]
enum State {
    /// The login, which is left to the streams below.
    #[default]
    Login,
    /// Nothing was sent since.
    Unused,
    /// The next statement that is prepared runs between these commands.
    Planned {
        before: String,
        after: String,
    },
    Sent(Flight),
    Used,
}

/// What was sent ahead.
#[derive(Default)]
struct Flight {
    /// What the driver has not sent yet.
    due: BytesMut,
    /// Whether it has sent a part of that.
    begun: bool,
    /// Whether it has sent something else.
    asked: bool,
    received: Cutter,
    /// How many times the server was ready: after the preparation, and after each of the three.
    ready: usize,
    /// The answers.
    waiting: BytesMut,
    /// Whether the driver will not get them.
    dropped: bool,
}

impl Flight {
    /// The end of the preparation, and of the last of the three.
    const PREPARED: usize = 1;
    const ENDED: usize = 4;

    fn drop_answers(&mut self) {
        self.dropped = true;
        self.waiting = BytesMut::new();
    }
}

impl Ahead {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The login has ended.
    pub(crate) fn logged_in(&self) {
        *self.state() = State::Unused;
    }

    /// Whether nothing was sent since the login.
    pub(crate) fn is_unused(&self) -> bool {
        matches!(*self.state(), State::Unused)
    }

    /// Sends with the statement that is prepared next: the simple query `before`, its run without
    /// parameters, and the simple query `after`. Neither may be empty, and the connection must be unused.
    pub(crate) fn plan(&self, before: &str, after: &str) {
        *self.state() = State::Planned { before: before.to_owned(), after: after.to_owned() };
    }

    /// The driver will not run the statement.
    pub(crate) fn refuse(&self) {
        let mut state = self.state();
        match &mut *state {
            State::Sent(flight) => flight.drop_answers(),
            State::Planned { .. } => *state = State::Used,
            _ => {}
        }
    }

    pub(crate) fn passes_sent(&self) -> bool {
        matches!(*self.state(), State::Login | State::Used)
    }

    pub(crate) fn passes_received(&self) -> bool {
        !matches!(*self.state(), State::Sent(_))
    }

    /// Whether the answers wait where they are: the driver is about to send what they answer.
    pub(crate) fn waits(&self) -> bool {
        match &*self.state() {
            State::Sent(flight) => {
                flight.ready >= Flight::PREPARED && !flight.asked && !flight.dropped
            }
            _ => false,
        }
    }

    /// Writes what to send in place of `bytes`, which the driver sends, and the answers that waited for it.
    ///
    /// # Errors
    /// They begin as what was sent ahead, and go on otherwise.
    pub(crate) fn send(
        &self,
        bytes: &[u8],
        out: &mut BytesMut,
        answers: &mut BytesMut,
    ) -> io::Result<()> {
        let mut state = self.state();
        match &mut *state {
            State::Planned { before, after } => {
                out.extend_from_slice(bytes);
                *state = match prepared(bytes) {
                    Some(name) => {
                        let due = run(&name, before, after)?;
                        out.extend_from_slice(&due);
                        State::Sent(Flight { due, ..Flight::default() })
                    }
                    None => State::Used,
                };
            }
            State::Sent(flight) if !flight.dropped => {
                let same = bytes.len().min(flight.due.len());
                if bytes[..same] != flight.due[..same] {
                    if flight.begun {
                        let message = "the driver sends something else than what was sent ahead";
                        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
                    }
                    flight.asked = true;
                    out.extend_from_slice(bytes);
                    return Ok(());
                }
                flight.begun = true;
                flight.due.advance(same);
                out.extend_from_slice(&bytes[same..]);
                if flight.due.is_empty() {
                    answers.extend_from_slice(&flight.waiting);
                    answers.extend_from_slice(flight.received.begun());
                    *state = State::Used;
                }
            }
            State::Sent(_) | State::Login | State::Used => out.extend_from_slice(bytes),
            State::Unused => {
                out.extend_from_slice(bytes);
                *state = State::Used;
            }
        }
        Ok(())
    }

    /// Writes what the driver gets of `bytes`, which the server sends.
    ///
    /// # Errors
    /// They are no messages.
    pub(crate) fn receive(&self, mut bytes: &[u8], out: &mut BytesMut) -> io::Result<()> {
        let mut state = self.state();
        let State::Sent(flight) = &mut *state else {
            out.extend_from_slice(bytes);
            return Ok(());
        };
        while let Some(piece) = flight.received.next(&mut bytes, |tag| tag == b'Z')? {
            let (part, ready): (&[u8], _) = match &piece {
                Piece::Whole(message) => (message.bytes(), 1),
                Piece::Header(header) => (header, 0),
                Piece::Body(body) => (body, 0),
            };
            match flight.ready {
                Flight::PREPARED..Flight::ENDED if flight.dropped => {}
                Flight::PREPARED..Flight::ENDED => flight.waiting.extend_from_slice(part),
                _ => out.extend_from_slice(part),
            }
            flight.ready += ready;
        }
        if flight.waiting.len() > MOST && !flight.begun {
            flight.drop_answers();
        }
        if flight.dropped && flight.ready >= Flight::ENDED {
            out.extend_from_slice(flight.received.begun());
            *state = State::Used;
        }
        Ok(())
    }
}

/// The name of the statement, if these messages prepare one, and do nothing else.
fn prepared(mut bytes: &[u8]) -> Option<String> {
    let mut cutter = Cutter::default();
    let mut next = |tag| match cutter.next(&mut bytes, |_| true) {
        Ok(Some(Piece::Whole(message))) => Some(message).filter(|message| message.tag() == tag),
        _ => None,
    };
    let (parse, _, _) = (next(b'P')?, next(b'D')?, next(b'S')?);
    let (name, _) = text(parse.body()).ok()?;
    String::from_utf8(name.to_vec()).ok().filter(|_| bytes.is_empty())
}

/// The messages that run a prepared statement without parameters between two commands, as the driver
/// sends them.
fn run(name: &str, before: &str, after: &str) -> io::Result<BytesMut> {
    let mut messages = BytesMut::new();
    frontend::query(before, &mut messages)?;
    let no_values = std::iter::empty::<()>();
    frontend::bind("", name, [], no_values, |(), _| Ok(IsNull::Yes), Some(1), &mut messages)
        .map_err(|_too_long| io::ErrorKind::InvalidInput)?;
    frontend::execute("", 0, &mut messages)?;
    frontend::sync(&mut messages);
    frontend::query(after, &mut messages)?;
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::write;

    fn message(tag: u8, body: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        write(&mut out, tag, &[body]).unwrap();
        out
    }

    fn preparation() -> Vec<u8> {
        [message(b'P', b"s7\0SELECT 1\0\0\0"), message(b'D', b"Ss7\0"), message(b'S', b"")].concat()
    }

    fn ready() -> BytesMut {
        message(b'Z', b"I")
    }

    /// The answers to the preparation, and to what is sent ahead, of which one holds `row`.
    fn answers(row: &[u8]) -> [Vec<u8>; 2] {
        let prepared = [message(b'1', b""), message(b't', b"\0\0"), message(b'n', b""), ready()];
        let ahead = [
            [message(b'C', b"BEGIN\0"), ready()].concat(),
            [message(b'2', b""), message(b'D', row), message(b'C', b"SELECT 1\0"), ready()]
                .concat(),
            [message(b'C', b"COMMIT\0"), message(b'D', b"f"), ready()].concat(),
        ];
        [prepared.concat(), ahead.concat()]
    }

    /// A connection on which a statement was prepared, and what was sent ahead.
    fn planned() -> (Ahead, BytesMut) {
        let ahead = Ahead::default();
        let (mut sent, mut got) = (BytesMut::new(), BytesMut::new());
        assert!(ahead.passes_sent() && !ahead.is_unused());
        ahead.logged_in();
        assert!(ahead.is_unused());
        ahead.plan("BEGIN", "COMMIT");
        ahead.send(&preparation(), &mut sent, &mut got).unwrap();
        let preparation = preparation();
        assert!(sent.starts_with(&preparation) && got.is_empty());
        sent.advance(preparation.len());
        assert_eq!(sent, run("s7", "BEGIN", "COMMIT").unwrap());
        (ahead, sent)
    }

    fn received(ahead: &Ahead, bytes: &[u8], size: usize) -> Vec<u8> {
        let mut got = BytesMut::new();
        bytes.chunks(size).for_each(|part| ahead.receive(part, &mut got).unwrap());
        got.to_vec()
    }

    /// What is sent, and what the driver gets at once, when it sends `bytes` in parts.
    fn sent(ahead: &Ahead, bytes: &[u8], size: usize) -> [Vec<u8>; 2] {
        let (mut sent, mut got) = (BytesMut::new(), BytesMut::new());
        for part in bytes.chunks(size) {
            assert!(got.is_empty(), "it has not sent all of it");
            ahead.send(part, &mut sent, &mut got).unwrap();
        }
        [sent, got].map(|bytes| bytes.to_vec())
    }

    #[test]
    fn answers_wait_until_the_driver_has_sent_what_they_answer() {
        let [prepared, answers] = answers(b"row");
        for size in [1, 3, 7, 1000] {
            // The server has answered a part, in the middle of a message or not, or everything.
            for arrived in 0..=answers.len() {
                let (ahead, due) = planned();
                assert!(!ahead.waits());
                assert_eq!(received(&ahead, &prepared, size), prepared);
                assert!(ahead.waits() && !ahead.passes_received());
                let (early, late) = answers.split_at(arrived);
                assert!(received(&ahead, early, size).is_empty());
                let [out, got] = sent(&ahead, &due, size);
                assert!(out.is_empty(), "it was sent again");
                assert!(ahead.passes_received() && ahead.passes_sent());
                assert_eq!([&*got, late].concat(), answers);
            }
        }
    }

    #[test]
    fn the_driver_asks_for_types_first() {
        let [prepared, answers] = answers(b"row");
        let (ahead, due) = planned();
        received(&ahead, &prepared, 1000);
        let question = message(b'P', b"s8\0SELECT t.typname\0\0\0");
        assert_eq!(sent(&ahead, &question, 1000), [question.to_vec(), vec![]]);
        assert!(!ahead.waits(), "its answer comes after the others");
        let answer = [message(b'1', b""), ready()].concat();
        assert_eq!(received(&ahead, &[&*answers, &answer].concat(), 5), answer);
        assert_eq!(sent(&ahead, &due, 5), [vec![], answers]);
    }

    #[test]
    fn too_much_is_dropped_and_run_again() {
        let [prepared, answers] = answers(&vec![b'x'; MOST]);
        let (ahead, due) = planned();
        received(&ahead, &prepared, 1000);
        sent(&ahead, &message(b'P', b"s8\0\0\0\0"), 1000);
        let answer = ready();
        assert_eq!(received(&ahead, &[&*answers, &answer].concat(), 16_000), answer);
        assert_eq!(sent(&ahead, &due, 1000), [due.to_vec(), vec![]]);
        assert_eq!(received(&ahead, &answers, 1000), answers);
    }

    #[test]
    fn a_refused_statement_has_no_answers() {
        let failed = [message(b'E', b"no"), ready()].concat();
        let ahead_failed = [[message(b'C', b"BEGIN\0"), ready()].concat(), failed.clone()].concat();
        let (ahead, _) = planned();
        assert_eq!(received(&ahead, &[&*failed, &ahead_failed].concat(), 3), failed);
        ahead.refuse();
        assert!(!ahead.waits());
        let next = message(b'Q', b"SELECT 2\0");
        assert_eq!(sent(&ahead, &next, 1000), [next.to_vec(), vec![]]);
        let rest = [message(b'C', b"COMMIT\0"), ready()].concat();
        let answer = [message(b'C', b"SELECT 1\0"), ready()].concat();
        assert_eq!(received(&ahead, &[rest, answer.clone()].concat(), 3), answer);
        assert!(ahead.passes_received() && ahead.passes_sent());
    }

    #[test]
    fn only_a_preparation_that_is_the_first_is_followed() {
        let close = message(b'C', b"Ss6\0");
        let sync = message(b'S', b"");
        for first in [close.to_vec(), [&close[..], &sync, &preparation()].concat(), {
            [&preparation()[..], &close].concat()
        }] {
            let ahead = Ahead::default();
            ahead.logged_in();
            ahead.plan("BEGIN", "COMMIT");
            assert_eq!(sent(&ahead, &first, 1000), [first, vec![]]);
            assert!(ahead.passes_received() && ahead.passes_sent());
        }
        let ahead = Ahead::default();
        ahead.logged_in();
        sent(&ahead, &close, 1000);
        assert!(!ahead.is_unused());
    }

    #[test]
    fn something_else_than_what_was_sent_ahead_ends_the_connection() {
        let (ahead, due) = planned();
        sent(&ahead, &due[..20], 20);
        let (mut out, mut got) = (BytesMut::new(), BytesMut::new());
        let error = ahead.send(&message(b'Q', b"x\0"), &mut out, &mut got).unwrap_err();
        assert!(error.to_string().contains("sent ahead"), "{error}");
        assert!(out.is_empty() && got.is_empty());
    }
}
