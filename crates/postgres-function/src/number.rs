//! The binary forms of `numeric` and `uuid`, as text.

use crate::value::{Malformed, head};

/// A `numeric` in the digits that `SELECT n::text` shows: groups of four decimal digits, the weight
/// of the first, and how many digits stand after the point (`numeric_send` in PostgreSQL's
/// `numeric.c`).
pub(crate) fn numeric(raw: &[u8]) -> Result<String, Malformed> {
    let word = |index: usize| {
        let bytes = raw.get(index * 2..).unwrap_or_default();
        head(bytes).map(i16::from_be_bytes)
    };
    let (groups, weight, sign, scale) = (word(0)?, word(1)?, word(2)? as u16, word(3)?);
    let sign = match sign {
        0x0000 => "",
        0x4000 => "-",
        0xC000 => return Ok("NaN".into()),
        0xD000 => return Ok("Infinity".into()),
        0xF000 => return Ok("-Infinity".into()),
        other => return Err(Malformed(format!("a numeric with sign {other:#06x}"))),
    };
    let groups = usize::try_from(groups).map_err(|error| Malformed(error.to_string()))?;
    let scale = usize::try_from(scale).map_err(|error| Malformed(error.to_string()))?;
    let weight = i32::from(weight);
    // The group of ten thousands to the power of `power`; those not sent are zero.
    let group = |power: i32| match usize::try_from(weight - power) {
        Ok(index) if index < groups => word(4 + index),
        _ => Ok(0),
    };
    let mut whole = String::new();
    for power in (0..=weight.max(0)).rev() {
        whole += &format!("{:04}", group(power)?);
    }
    let whole = whole.trim_start_matches('0');
    let mut text = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let mut fraction = String::with_capacity(scale + 4);
        let mut power = -1;
        while fraction.len() < scale {
            fraction += &format!("{:04}", group(power)?);
            power -= 1;
        }
        text.push('.');
        text.push_str(&fraction[..scale]);
    }
    Ok(text)
}

/// A `uuid` in the form of RFC 9562.
pub(crate) fn uuid(bytes: [u8; 16]) -> String {
    let mut text = format!("{:032x}", u128::from_be_bytes(bytes));
    for hyphen in [20, 16, 12, 8] {
        text.insert(hyphen, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_words(words: &[u16]) -> String {
        let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        numeric(&raw).ok().expect("the test's numeric is well-formed")
    }

    #[test]
    fn numerics_keep_every_digit() {
        let minus = 0x4000;
        assert_eq!(from_words(&[0, 0, 0, 0]), "0");
        assert_eq!(from_words(&[0, 0, 0, 3]), "0.000");
        assert_eq!(from_words(&[1, 0, 0, 2, 7]), "7.00");
        assert_eq!(from_words(&[3, 1, minus, 4, 1, 2345, 6789]), "-12345.6789");
        assert_eq!(from_words(&[1, 2, 0, 0, 1]), "100000000");
        assert_eq!(from_words(&[1, 0xffff, 0, 1, 5000]), "0.5");
        assert_eq!(from_words(&[1, 0xfffe, 0, 6, 1200]), "0.000012");
        assert_eq!(from_words(&[0, 0, 0xC000, 0]), "NaN");
        assert_eq!(from_words(&[0, 0, 0xF000, 0]), "-Infinity");
        assert!(numeric(&[0, 1, 0]).is_err());
    }

    #[test]
    fn uuids_are_hyphenated() {
        let bytes = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef_u128.to_be_bytes();
        assert_eq!(uuid(bytes), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
