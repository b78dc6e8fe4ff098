//! Arrays (`array_send` in PostgreSQL's `arrayfuncs.c`).

use postgres_protocol::types::{ArrayDimension, ArrayValues, array_from_sql};
use tokio_postgres::fallible_iterator::FallibleIterator;

use super::Malformed;

/// The server's own limit, `MAXDIM`.
const MAX_DIMENSIONS: usize = 6;
/// The bytes before the dimensions: their number, whether there are NULLs, the elements' type.
const HEAD: usize = 12;
/// The bytes of a dimension: its length and its lower bound.
const DIMENSION: usize = 8;

/// An array whose dimensions have the usual lower bound, as JSON's arrays do.
pub(crate) struct Plain<'a> {
    /// The lengths of its dimensions; none for an empty array.
    pub(crate) lengths: Vec<usize>,
    /// Its elements, the last dimension's index running fastest.
    pub(crate) elements: ArrayValues<'a>,
}

/// Reads an array. `None` for one with a lower bound other than `first`.
pub(crate) fn plain(raw: &[u8], first: i32) -> Result<Option<Plain<'_>>, Malformed> {
    let array = array_from_sql(raw)?;
    let dimensions: Vec<ArrayDimension> = array.dimensions().collect()?;
    if dimensions.len() > MAX_DIMENSIONS {
        return Err(format!("an array of {} dimensions", dimensions.len()).into());
    }
    let lengths = dimensions.iter().map(|one| usize::try_from(one.len));
    let lengths = lengths.collect::<Result<Vec<_>, _>>()?;
    check(&lengths, raw.len().saturating_sub(HEAD + DIMENSION * lengths.len()))?;
    let is_plain = dimensions.iter().all(|dimension| dimension.lower_bound == first);
    Ok(is_plain.then(|| Plain { lengths, elements: array.values() }))
}

/// Refuses lengths of dimensions whose elements do not fit into `left` bytes: each takes four bytes
/// for its own length. An empty array has no dimensions, and an empty `int2vector` one of length 0.
fn check(lengths: &[usize], left: usize) -> Result<(), Malformed> {
    let all = lengths.iter().try_fold(1_usize, |all, length| all.checked_mul(*length));
    match all {
        Some(0) if lengths.len() > 1 => Err("an array with a dimension of length 0".into()),
        Some(all) if lengths.is_empty() || all <= left / 4 => Ok(()),
        _ => Err(format!("an array of {lengths:?} elements in {left} bytes").into()),
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
    fn elements_end_where_they_must() {
        let raw = |words: &[i32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<_>>();
        let elements = |words: &[i32]| {
            let raw = raw(words);
            let mut elements = plain(&raw, 1).unwrap().unwrap().elements;
            let mut read = vec![];
            while let Some(element) = elements.next()? {
                read.push(element.map(<[u8]>::len));
            }
            Ok::<_, Malformed>(read)
        };
        assert_eq!(elements(&[1, 0, 23, 2, 1, 4, 7, -1]).unwrap(), [Some(4), None]);
        assert!(elements(&[1, 0, 23, 1, 1, 5, 7]).is_err());
        assert!(elements(&[1, 0, 23, 1, 1, 4, 7, 0]).is_err());
        assert!(elements(&[0, 0, 23, 0]).is_err());
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
