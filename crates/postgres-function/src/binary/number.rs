//! `numeric`, `uuid` and bit strings.

use postgres_protocol::types::{uuid_from_sql, varbit_from_sql};

use super::Malformed;

/// A `numeric` with the digits that `SELECT n::text` shows (`numeric_send` in PostgreSQL's
/// `numeric.c`). It comes as groups of four decimal digits, after their number, the weight of the
/// first, the sign, and how many digits stand after the point.
pub(crate) fn numeric(raw: &[u8]) -> Result<String, Malformed> {
    let (words, rest) = raw.as_chunks();
    let words: Vec<_> = words.iter().map(|word| i16::from_be_bytes(*word)).collect();
    let ([count, weight, sign, scale], groups) = match words.split_first_chunk() {
        Some((head, groups)) if rest.is_empty() => (*head, groups),
        _ => return Err(format!("a numeric of {} bytes", raw.len()).into()),
    };
    let sign = match sign.cast_unsigned() {
        0x0000 => "",
        0x4000 => "-",
        0xC000 => return Ok("NaN".into()),
        0xD000 => return Ok("Infinity".into()),
        0xF000 => return Ok("-Infinity".into()),
        other => return Err(format!("a numeric with sign {other:#06x}").into()),
    };
    if usize::try_from(count) != Ok(groups.len()) {
        return Err(format!("a numeric of {count} groups of digits in {} bytes", raw.len()).into());
    }
    if let Some(other) = groups.iter().find(|group| !(0..=9999).contains(*group)) {
        return Err(format!("four digits that are {other}").into());
    }
    let scale = usize::try_from(scale).map_err(|_| format!("a scale of {scale}"))?;
    let weight = i32::from(weight);
    // The group of weight `power`, in powers of 10,000. Those that are not sent are zero.
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

/// A `uuid`, as in RFC 9562.
pub(crate) fn uuid(raw: &[u8]) -> Result<String, Malformed> {
    let mut text = format!("{:032x}", u128::from_be_bytes(uuid_from_sql(raw)?));
    for hyphen in [20, 16, 12, 8] {
        text.insert(hyphen, '-');
    }
    Ok(text)
}

/// A `bit` or `varbit`, digit by digit (`varbit_send` in `varbit.c`).
pub(crate) fn bits(raw: &[u8]) -> Result<String, Malformed> {
    let bits = varbit_from_sql(raw)?;
    let bytes = bits.bytes();
    let digit = |index: usize| if bytes[index / 8] << (index % 8) & 0x80 == 0 { '0' } else { '1' };
    Ok((0..bits.len()).map(digit).collect())
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
        for wrong in [&[0, 1, 0][..], &[0; 7], &[0; 9], &[0, 1, 0, 0, 0, 0, 0, 0], &[0; 10]] {
            assert!(numeric(wrong).is_err(), "{wrong:?}");
        }
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
        assert_eq!(uuid(&bytes).unwrap(), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
