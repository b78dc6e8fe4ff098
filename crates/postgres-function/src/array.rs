//! The binary form of arrays (`array_send` in PostgreSQL's `arrayfuncs.c`): how many dimensions,
//! whether there are NULLs, the elements' type, each dimension's length and lower bound, and the
//! elements, the last dimension's index running fastest.

use crate::binary::{Malformed, Reader};

/// The server's own limit, `MAXDIM`.
const MOST_DIMENSIONS: u32 = 6;

/// An array whose every dimension begins where its type's arrays begin: one that JSON's arrays stand
/// for.
pub(crate) struct Plain<'a> {
    /// The lengths of its dimensions; none for an empty array.
    pub(crate) lengths: Vec<u32>,
    /// Its elements.
    pub(crate) elements: Reader<'a>,
}

/// Reads the head of an array. `None` for one with a lower bound other than `first`.
pub(crate) fn plain(raw: &[u8], first: i32) -> Result<Option<Plain<'_>>, Malformed> {
    let mut reader = Reader::new(raw);
    let dimensions = reader.u32()?;
    if dimensions > MOST_DIMENSIONS {
        return Err(Malformed(format!("an array of {dimensions} dimensions")));
    }
    let (_has_null, _element_type) = (reader.u32()?, reader.u32()?);
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(reader.u32()?);
        if reader.i32()? != first {
            return Ok(None);
        }
    }
    Ok(Some(Plain { lengths, elements: reader }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lower_bounds_are_told_apart() {
        let raw = |words: &[i32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
        let of = |words: &[i32]| plain(&raw(words), 1).map(|array| array.map(|a| a.lengths));
        assert_eq!(of(&[0, 0, 23]).unwrap(), Some(vec![]));
        assert_eq!(of(&[2, 0, 23, 3, 1, 2, 1]).unwrap(), Some(vec![3, 2]));
        assert_eq!(of(&[1, 0, 23, 3, 0]).unwrap(), None);
        assert!(of(&[7, 0, 23]).is_err());
        assert!(of(&[1, 0, 23, 3]).is_err());
    }
}
