//! Parses DER, the binary form of certificates (ITU-T X.690): a sequence of elements with tag,
//! length and value. Only what certificates use: one-byte tags, lengths below 16 MiB.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// The tag of a constructed, context-specific element: `[number]`.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The tag and the value of the next element. `None` if there is none or it is malformed.
    pub(crate) fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
                // DER requires the shortest encoding of a length.
                let shortest = if bytes.len() == 1 { length >= 0x80 } else { bytes[0] != 0 };
                shortest.then_some((length, rest))?
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    /// The value of the next element, if it has this tag. Otherwise nothing is consumed.
    pub(crate) fn value(&mut self, tag: u8) -> Option<&'a [u8]> {
        let mut ahead = *self;
        let (found, value) = ahead.any()?;
        (found == tag).then(|| {
            *self = ahead;
            value
        })
    }

    /// Like [`value`](Self::value), to parse the elements inside.
    pub(crate) fn inside(&mut self, tag: u8) -> Option<Self> {
        self.value(tag).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_in_a_row() {
        let mut der = Der::new(&[SEQUENCE, 3, INTEGER, 1, 7, BOOLEAN, 1, 0xff]);
        assert_eq!(der.value(SET), None);
        assert_eq!(der.inside(SEQUENCE).unwrap().value(INTEGER), Some(&[7][..]));
        assert_eq!(der.any(), Some((BOOLEAN, &[0xff][..])));
        assert!(der.is_empty());
        assert_eq!(der.any(), None);
    }

    #[test]
    fn long_lengths() {
        for (prefix, length) in
            [(&[0x81, 0x80][..], 0x80), (&[0x82, 1, 0], 0x100), (&[0x83, 1, 0, 0], 0x10000)]
        {
            let bytes = [&[OCTET_STRING], prefix, &vec![0; length]].concat();
            assert_eq!(Der::new(&bytes).value(OCTET_STRING).map(<[u8]>::len), Some(length));
            assert_eq!(Der::new(&bytes[..bytes.len() - 1]).any(), None, "cut short");
        }
    }

    #[test]
    fn what_is_not_der_is_refused() {
        for bytes in [
            &[][..],
            &[SEQUENCE],
            &[SEQUENCE, 1],
            &[SEQUENCE, 0x80, 0, 0],           // BER's indefinite length
            &[OCTET_STRING, 0x81, 1, 0],       // a length that fits one byte, in two
            &[OCTET_STRING, 0x82, 0, 0x80, 0], // a zero before the length
            &[OCTET_STRING, 0x84, 0, 0, 0, 1, 0],
        ] {
            assert_eq!(Der::new(bytes).any(), None, "{bytes:x?}");
        }
    }
}
