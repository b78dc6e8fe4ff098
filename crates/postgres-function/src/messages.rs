//! Cuts a stream of messages into pieces: some messages whole, others as they come.

use bytes::{BufMut, BytesMut};
use std::io;

/// The type of a message and its length.
const HEADER: usize = 5;

/// A message that was cut out whole, or a part of one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A message.
    Whole(Message),
    /// The header of a message whose body follows.
    Header([u8; HEADER]),
    /// A part of that body.
    Body(&'a [u8]),
}

/// A whole message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message(BytesMut);

impl Message {
    /// Its type.
    pub(crate) fn tag(&self) -> u8 {
        self.0[0]
    }

    /// What follows its length.
    pub(crate) fn body(&self) -> &[u8] {
        &self.0[HEADER..]
    }

    /// All of it.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Where a stream of messages is.
#[derive(Default)]
pub(crate) struct Cutter {
    /// The beginning of a message.
    begun: BytesMut,
    /// How much of the body is left of a message whose header was given out.
    left: usize,
}

impl Cutter {
    /// Cuts off the next piece. `whole` tells which types of messages are wanted whole. `None` when more
    /// bytes are needed.
    ///
    /// # Errors
    /// A length that no message has.
    pub(crate) fn next<'a>(
        &mut self,
        bytes: &mut &'a [u8],
        whole: impl FnOnce(u8) -> bool,
    ) -> io::Result<Option<Piece<'a>>> {
        if self.left > 0 {
            let body = take(bytes, self.left);
            self.left -= body.len();
            return Ok(Some(Piece::Body(body)).filter(|_| !body.is_empty()));
        }
        self.fill(bytes, HEADER);
        let Some(header) = self.begun.first_chunk::<HEADER>().copied() else { return Ok(None) };
        let [tag, length @ ..] = header;
        let length = u32::from_be_bytes(length) as usize;
        let body = length.checked_sub(4).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "a message with an impossible length")
        })?;
        if !whole(tag) {
            self.begun.clear();
            self.left = body;
            return Ok(Some(Piece::Header(header)));
        }
        self.fill(bytes, HEADER + body);
        let is_whole = self.begun.len() == HEADER + body;
        Ok(is_whole.then(|| Piece::Whole(Message(self.begun.split()))))
    }

    /// The beginning of a message, of which no piece was given out yet.
    pub(crate) fn begun(&self) -> &[u8] {
        &self.begun
    }

    /// Takes from `bytes` until the message has `length` bytes.
    fn fill(&mut self, bytes: &mut &[u8], length: usize) {
        let missing = length.saturating_sub(self.begun.len());
        self.begun.extend_from_slice(take(bytes, missing));
    }
}

/// The first bytes, `most` at most.
fn take<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    taken
}

/// Splits off a text that ends with a NUL.
///
/// # Errors
/// It does not end.
pub(crate) fn text(body: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let end = body.iter().position(|byte| *byte == 0).ok_or(io::ErrorKind::InvalidData)?;
    Ok((&body[..end], &body[end + 1..]))
}

/// Writes a message of these parts.
///
/// # Errors
/// It is longer than a message can be.
pub(crate) fn write(out: &mut BytesMut, tag: u8, parts: &[&[u8]]) -> io::Result<()> {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    out.put_u8(tag);
    out.put_i32(i32::try_from(length).map_err(|_too_long| io::ErrorKind::InvalidInput)?);
    for part in parts {
        out.put_slice(part);
    }
    Ok(())
}
