//! Where messages begin and end in a conversation that is mostly TLS.
//!
//! Sources: TLS records, RFC 8446 section 5.1; MySQL's packets, "Protocol Basics" in the MySQL Source
//! Code Documentation; PostgreSQL's SSLRequest, "Frontend/Backend Protocol" in its documentation.

/// The protocol before TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The server's greeting and the client's request for TLS, each a packet.
    MySql,
    /// The client's request for TLS and the server's answer, which is one byte.
    Postgres,
}

/// The direction of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// From the server.
    ToClient,
}

impl Direction {
    /// Both.
    pub const BOTH: [Direction; 2] = [Direction::ToServer, Direction::ToClient];
}

/// The kind of a message, as far as it is visible from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A message of the database's protocol, before TLS.
    Plain,
    /// A plaintext record of a TLS handshake. TLS 1.3 encrypts the later ones, which are `Application`.
    Handshake,
    /// A TLS ChangeCipherSpec record.
    ChangeCipherSpec,
    /// A plaintext TLS alert.
    Alert,
    /// An encrypted record.
    Application,
}

/// A complete message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its direction.
    pub direction: Direction,
    /// Its kind.
    pub kind: Kind,
    /// Its length in bytes, header included.
    pub length: u64,
}

/// The position of a byte in its direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// How many bytes came before it.
    pub(crate) byte: u64,
    /// How many messages came before the one it is in.
    pub(crate) message: usize,
    /// How many bytes of that message came before it.
    pub(crate) offset: u64,
    /// The length of that message, once its header has been seen.
    pub(crate) length: Option<u64>,
}

/// Follows one direction of a connection byte by byte.
#[derive(Debug)]
pub(crate) struct Framer {
    protocol: Protocol,
    direction: Direction,
    next: Position,
    header: Vec<u8>,
    kind: Kind,
}

/// The first byte of a TLS record with a handshake, and the major version after it.
const TLS_HANDSHAKE: [u8; 2] = [22, 3];
const TLS_HEADER: usize = 5;

impl Framer {
    pub(crate) fn new(protocol: Protocol, direction: Direction) -> Framer {
        Framer {
            protocol,
            direction,
            next: Position::default(),
            header: Vec::with_capacity(TLS_HEADER),
            kind: Kind::Plain,
        }
    }

    /// Where the next byte will be.
    pub(crate) fn next(&self) -> Position {
        self.next
    }

    /// Takes the next byte. Returns its position, and the message that it completes.
    pub(crate) fn take(&mut self, byte: u8) -> (Position, Option<Message>) {
        let mut position = self.next;
        if position.length.is_none() {
            self.header.push(byte);
            position.length = self.length();
        }
        self.next = Position { byte: position.byte + 1, offset: position.offset + 1, ..position };
        let mut whole = None;
        if let Some(length) = position.length.filter(|&length| length == self.next.offset) {
            whole = Some(Message { direction: self.direction, kind: self.kind, length });
            self.header.clear();
            self.next.message += 1;
            self.next.offset = 0;
            self.next.length = None;
        }
        (position, whole)
    }

    /// The length of the message that begins with `header`, once it is known. Sets its kind.
    fn length(&mut self) -> Option<u64> {
        let tls = self.kind != Kind::Plain || self.header.starts_with(&TLS_HANDSHAKE);
        if tls {
            let [kind, _, _, high, low] = *self.header.as_slice() else { return None };
            self.kind = match kind {
                20 => Kind::ChangeCipherSpec,
                21 => Kind::Alert,
                22 => Kind::Handshake,
                _ => Kind::Application,
            };
            return Some(TLS_HEADER as u64 + u64::from(u16::from_be_bytes([high, low])));
        }
        match (self.protocol, self.direction, self.header.as_slice()) {
            (Protocol::Postgres, Direction::ToClient, _) if self.next.message == 0 => Some(1),
            (Protocol::Postgres, Direction::ToServer, &[a, b, c, d]) => {
                Some(u64::from(u32::from_be_bytes([a, b, c, d])))
            }
            (Protocol::MySql, _, &[a, b, c, _]) => {
                Some(4 + u64::from(u32::from_le_bytes([a, b, c, 0])))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(protocol: Protocol, direction: Direction, bytes: &[u8]) -> Vec<(Kind, u64)> {
        let mut framer = Framer::new(protocol, direction);
        let whole = bytes.iter().filter_map(|&byte| framer.take(byte).1);
        whole.map(|message| (message.kind, message.length)).collect()
    }

    const RECORDS: &[u8] = &[22, 3, 1, 0, 2, 9, 9, 20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 3, 1, 2, 3];

    #[test]
    fn a_conversation_falls_into_its_messages() {
        use Direction::{ToClient, ToServer};
        let tls = [(Kind::Handshake, 7), (Kind::ChangeCipherSpec, 6), (Kind::Application, 8)];
        for (protocol, direction, plain) in [
            (Protocol::MySql, ToClient, &[2, 0, 0, 0, 8, 8][..]),
            (Protocol::MySql, ToServer, &[1, 0, 0, 1, 8][..]),
            (Protocol::Postgres, ToServer, &[0, 0, 0, 8, 4, 210, 22, 47][..]),
            (Protocol::Postgres, ToClient, b"S"),
        ] {
            let found = messages(protocol, direction, &[plain, RECORDS].concat());
            assert_eq!(found[0], (Kind::Plain, plain.len() as u64), "{protocol:?} {direction:?}");
            assert_eq!(found[1..], tls, "{protocol:?} {direction:?}");
        }
    }

    #[test]
    fn the_length_is_known_once_the_header_is() {
        let mut framer = Framer::new(Protocol::Postgres, Direction::ToServer);
        let positions: Vec<_> = RECORDS.iter().map(|&byte| framer.take(byte).0).collect();
        assert_eq!((positions[3].offset, positions[3].length), (3, None));
        assert_eq!((positions[4].offset, positions[4].length), (4, Some(7)));
        assert_eq!((positions[7].message, positions[7].offset), (1, 0));
        assert_eq!(framer.next().message, 3);
    }
}
