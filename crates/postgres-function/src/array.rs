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
    let mut begins_first = true;
    for _ in 0..dimensions {
        lengths.push(reader.u32()?);
        begins_first &= reader.i32()? == first;
    }
    check(&lengths, reader.left())?;
    Ok(begins_first.then_some(Plain { lengths, elements: reader }))
}

/// Refuses lengths of dimensions that `left` bytes cannot be the elements of: each element has its length
/// before it. An empty array has no dimensions, and an empty `int2vector` one of no length.
fn check(lengths: &[u32], left: usize) -> Result<(), Malformed> {
    let all = lengths.iter().try_fold(1_usize, |all, &n| all.checked_mul(n.try_into().ok()?));
    match all {
        Some(0) if lengths.len() > 1 => {
            Err(Malformed("an array with a dimension of no length".into()))
        }
        Some(all) if lengths.is_empty() || all <= left / 4 => Ok(()),
        _ => Err(Malformed(format!("an array of {lengths:?} elements in {left} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_lower_bounds_are_told_apart() {
        let raw = |words: &[i32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
        let of = |words: &[i32]| plain(&raw(words), 1).map(|array| array.map(|a| a.lengths));
        assert_eq!(of(&[0, 0, 23]).unwrap(), Some(vec![]));
        let six_nulls = [2, 0, 23, 3, 1, 2, 1, -1, -1, -1, -1, -1, -1];
        assert_eq!(of(&six_nulls).unwrap(), Some(vec![3, 2]));
        assert_eq!(of(&[1, 0, 23, 1, 0, -1]).unwrap(), None);
        assert!(of(&[7, 0, 23]).is_err());
        assert!(of(&[1, 0, 23, 3]).is_err());
    }

    #[test]
    fn there_are_no_more_elements_than_bytes_for_them() {
        let raw = |words: &[i32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
        for lengths in [&[-1][..], &[7], &[-1, -1, -1], &[3, 3], &[i32::MAX, 0], &[0, 1]] {
            let mut words = vec![lengths.len() as i32, 0, 23];
            words.extend(lengths.iter().flat_map(|length| [*length, 1]));
            words.extend([-1; 6]);
            assert!(plain(&raw(&words), 1).is_err(), "{lengths:?}");
        }
    }
}
