//! The binary forms of `numeric`, `uuid` and bit strings, as text.

use crate::binary::{Malformed, Reader};

/// A `numeric` in the digits that `SELECT n::text` shows: groups of four decimal digits, the weight
/// of the first, and how many digits stand after the point (`numeric_send` in PostgreSQL's
/// `numeric.c`).
pub(crate) fn numeric(raw: &[u8]) -> Result<String, Malformed> {
    let mut reader = Reader::new(raw);
    let (count, weight) = (reader.i16()?, reader.i16()?);
    let (sign, scale) = (reader.i16()? as u16, reader.i16()?);
    let sign = match sign {
        0x0000 => "",
        0x4000 => "-",
        0xC000 => return Ok("NaN".into()),
        0xD000 => return Ok("Infinity".into()),
        0xF000 => return Ok("-Infinity".into()),
        other => return Err(Malformed(format!("a numeric with sign {other:#06x}"))),
    };
    let groups = (0..count).map(|_| digits(&mut reader)).collect::<Result<Vec<_>, _>>()?;
    reader.end()?;
    let scale = usize::try_from(scale).map_err(|_| Malformed(format!("a scale of {scale}")))?;
    let weight = i32::from(weight);
    // The group of ten thousands to the power of `power`; those not sent are zero.
    let group = |power: i32| {
        let index = usize::try_from(weight - power).ok();
        index.and_then(|index| groups.get(index)).copied().unwrap_or(0)
    };
    let mut whole = String::new();
    for power in (0..=weight.max(0)).rev() {
        whole += &format!("{:04}", group(power));
    }
    let whole = whole.trim_start_matches('0');
    let mut text = format!("{sign}{}", if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let mut fraction = String::with_capacity(scale + 4);
        let mut power = -1;
        while fraction.len() < scale {
            fraction += &format!("{:04}", group(power));
            power -= 1;
        }
        text.push('.');
        text.push_str(&fraction[..scale]);
    }
    Ok(text)
}

/// A group of four digits.
fn digits(reader: &mut Reader<'_>) -> Result<i16, Malformed> {
    match reader.i16()? {
        digits @ 0..=9999 => Ok(digits),
        other => Err(Malformed(format!("four digits that are {other}"))),
    }
}

/// A `uuid` in the form of RFC 9562.
pub(crate) fn uuid(bytes: [u8; 16]) -> String {
    let mut text = format!("{:032x}", u128::from_be_bytes(bytes));
    for hyphen in [20, 16, 12, 8] {
        text.insert(hyphen, '-');
    }
    text
}

/// A `bit` or `varbit`, digit by digit (`varbit_send` in `varbit.c`).
pub(crate) fn bits(raw: &[u8]) -> Result<String, Malformed> {
    let mut reader = Reader::new(raw);
    let length = reader.i32()?;
    let length = usize::try_from(length).map_err(|_| Malformed(format!("{length} bits")))?;
    let bytes = reader.bytes(length.div_ceil(8))?;
    reader.end()?;
    let digit = |index: usize| if bytes[index / 8] << (index % 8) & 0x80 == 0 { '0' } else { '1' };
    Ok((0..length).map(digit).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_words(words: &[u16]) -> String {
        let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        numeric(&raw).expect("the test's numeric is well-formed")
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
    fn bits_begin_with_the_highest() {
        assert_eq!(bits(&[0, 0, 0, 0]).unwrap(), "");
        assert_eq!(bits(&[0, 0, 0, 9, 0b1010_0001, 0b1000_0000]).unwrap(), "101000011");
        assert!(bits(&[0, 0, 0, 9, 0b1010_0001]).is_err());
    }

    #[test]
    fn uuids_are_hyphenated() {
        let bytes = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef_u128.to_be_bytes();
        assert_eq!(uuid(bytes), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
