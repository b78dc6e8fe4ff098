//! The pieces that the binary forms of values are made of: numbers in network byte order, and values
//! that a length precedes.

use std::fmt;

/// A value that does not have the form its type has.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// What is left to read of a value.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(raw: &'a [u8]) -> Reader<'a> {
        Reader(raw)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let left = self.0.len();
        let (head, rest) = self
            .0
            .split_first_chunk()
            .ok_or_else(|| Malformed(format!("{left} bytes are left where {N} belong")))?;
        self.0 = rest;
        Ok(*head)
    }

    /// The next `length` bytes.
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let left = self.0.len();
        let (head, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| Malformed(format!("{left} bytes are left where {length} belong")))?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        Ok(i64::from_be_bytes(self.array()?))
    }

    /// A value that its length precedes; `None` for NULL, whose length is -1.
    pub(crate) fn value(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        match self.i32()? {
            -1 => Ok(None),
            length => {
                let length = usize::try_from(length)
                    .map_err(|_| Malformed(format!("a value of length {length}")))?;
                self.bytes(length).map(Some)
            }
        }
    }

    /// How many bytes are left.
    pub(crate) fn left(&self) -> usize {
        self.0.len()
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(Malformed(format!("{left} bytes too many"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_end_where_they_must() {
        let mut reader = Reader::new(&[0, 0, 0, 2, 7, 8, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9, 1]);
        assert_eq!(reader.value(), Ok(Some(&[7, 8][..])));
        assert_eq!(reader.value(), Ok(None));
        assert!(reader.value().is_err());
        assert!(Reader::new(&[1]).end().is_err());
        assert!(Reader::new(&[0xff, 0xff, 0xff, 0xfe]).value().is_err());
    }
}
