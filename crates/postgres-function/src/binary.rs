//! The binary forms of the common types, as PostgreSQL's `…send` functions write them and
//! `postgres-protocol` reads them, in the text that a response shows.

pub(crate) mod array;
pub(crate) mod network;
pub(crate) mod number;
pub(crate) mod time;

/// Why bytes are no value of their type.
pub(crate) type Malformed = Box<dyn std::error::Error + Sync + Send>;

/// The parts of a value before and after its first `length` bytes.
fn split(raw: &[u8], length: usize) -> Result<(&[u8], &[u8]), Malformed> {
    raw.split_at_checked(length).ok_or_else(|| format!("{} bytes", raw.len()).into())
}
