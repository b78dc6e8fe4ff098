//! Where a connection ends, and how.

use std::fmt;

use crate::framer::{Direction, Position};

/// The end of a connection at a chosen point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Whose bytes are counted.
    pub direction: Direction,
    /// The point, counted from when the cut is set.
    pub at: At,
    /// What happens there.
    pub ending: Ending,
}

/// A point in one direction of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// As soon as this many bytes have passed.
    Bytes(u64),
    /// At a message, counted from 0.
    Message(usize, Place),
}

/// A point of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// When it begins; none of it passes.
    Before,
    /// After its first byte, in its header.
    Header,
    /// After half of it.
    Middle,
    /// As soon as all of it has passed.
    After,
}

impl Place {
    /// All of them, in order.
    pub const ALL: [Place; 4] = [Place::Before, Place::Header, Place::Middle, Place::After];
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Both sides get a reset, and may lose what they have not read yet.
    Reset,
    /// Both sides see the other close the connection.
    Close,
    /// The receiver sees the sender close its half. The other half stays open.
    HalfClose,
    /// Nothing passes in either direction, and the connection stays open.
    Freeze,
}

/// What a [`Cut`] says about a byte.
pub(crate) enum Verdict {
    /// It passes.
    Pass,
    /// The end comes before it.
    EndBefore,
    /// It passes, and the end comes at once.
    EndAfter,
}

impl At {
    /// What happens to a byte at `position`, where `base` is the position of the byte that came first
    /// after the cut was set. A message that had begun by then does not count.
    pub(crate) fn verdict(self, base: Position, position: Position) -> Verdict {
        match self {
            At::Bytes(0) => Verdict::EndBefore,
            At::Bytes(bytes) if position.byte + 1 - base.byte == bytes => Verdict::EndAfter,
            At::Bytes(_) => Verdict::Pass,
            At::Message(index, place) => {
                let first = base.message + usize::from(base.offset > 0);
                if position.message != first + index {
                    return Verdict::Pass;
                }
                match (place, position.offset, position.length) {
                    (Place::Before, 0, _) => Verdict::EndBefore,
                    (Place::Header, 0, _) => Verdict::EndAfter,
                    (Place::Middle, offset, Some(length)) if 2 * (offset + 1) >= length => {
                        Verdict::EndAfter
                    }
                    (Place::After, offset, Some(length)) if offset + 1 == length => {
                        Verdict::EndAfter
                    }
                    _ => Verdict::Pass,
                }
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::Before => "before",
            Place::Header => "in the header of",
            Place::Middle => "in the middle of",
            Place::After => "after",
        })
    }
}
