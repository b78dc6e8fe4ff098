//! Percent-encoding as Signature Version 4 requires it (RFC 3986, "URI Encoding" in the SigV4 guide).

use std::fmt::Write as _;

/// Why a text cannot be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// `%` without two hexadecimal digits.
    Escape,
    /// The decoded bytes are not UTF-8.
    Utf8,
}

/// Decodes the escapes of `text`. A `+` is a plus.
pub(crate) fn decode(text: &str) -> Result<String, Fault> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = tail else { return Err(Fault::Escape) };
        let digit = |byte: &u8| char::from(*byte).to_digit(16).ok_or(Fault::Escape);
        // Two digits of base 16 make at most 255.
        decoded.push((digit(high)? << 4 | digit(low)?) as u8);
        rest = tail;
    }
    String::from_utf8(decoded).map_err(|_| Fault::Utf8)
}

/// Encodes every byte of `text` except RFC 3986's unreserved ones, with upper-case digits.
pub(crate) fn encode(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            _ => _ = write!(encoded, "%{byte:02X}"),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encodes_all_but_the_unreserved() {
        assert_eq!(encode("AZaz09-._~"), "AZaz09-._~");
        assert_eq!(encode(" +&=/%é\0"), "%20%2B%26%3D%2F%25%C3%A9%00");
    }

    #[test]
    fn decodes_either_case_and_leaves_the_rest() {
        assert_eq!(decode("a%2fb%2Fc+d~").as_deref(), Ok("a/b/c+d~"));
        assert_eq!(decode("%C3%a9").as_deref(), Ok("é"));
        assert_eq!(decode(""), Ok(String::new()));
    }

    #[test]
    fn half_an_escape_is_refused() {
        for text in ["%", "%4", "a%", "%4g", "%+4", "%%41", "% 1"] {
            assert_eq!(decode(text), Err(Fault::Escape), "{text}");
        }
        assert_eq!(decode("%ff"), Err(Fault::Utf8));
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(text: String) {
            prop_assert_eq!(decode(&encode(&text)), Ok(text));
        }
    }
}
