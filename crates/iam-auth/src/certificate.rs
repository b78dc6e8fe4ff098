//! What a trust anchor says of itself (RFC 5280, section 4.1). rustls takes an anchor's key and name
//! and asks nothing else: whether it is in its time, and a certificate authority, is asked here.

use crate::calendar::DateTime;
use crate::der::{
    BIT_STRING, BOOLEAN, Der, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE,
    SET, UTC_TIME, context,
};

const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13]; // 2.5.29.19

/// The attributes that a certificate is called by, the best first.
const NAMES: [(&str, &[u8]); 3] = [
    ("CN", &[0x55, 0x04, 0x03]), // 2.5.4.3
    ("OU", &[0x55, 0x04, 0x0b]), // 2.5.4.11
    ("O", &[0x55, 0x04, 0x0a]),  // 2.5.4.10
];

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// For people: the subject's common name as `CN=…`, else its unit or organisation.
    pub(crate) subject: String,
    pub(crate) not_before: DateTime,
    pub(crate) not_after: DateTime,
    /// Basic constraints are there and say so.
    pub(crate) is_ca: bool,
}

impl Certificate {
    /// Reads one certificate and nothing after it; `None` when it is malformed.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let mut outer = Der::new(der);
        let mut signed = outer.inside(SEQUENCE)?;
        let mut fields = signed.inside(SEQUENCE)?;
        signed.value(SEQUENCE)?; // signature algorithm
        signed.value(BIT_STRING)?; // signature
        if !outer.is_empty() || !signed.is_empty() {
            return None;
        }

        fields.value(context(0)); // version, absent in version 1
        fields.value(INTEGER)?; // serial number
        fields.value(SEQUENCE)?; // signature algorithm
        fields.value(SEQUENCE)?; // issuer
        let mut validity = fields.inside(SEQUENCE)?;
        let subject = subject(fields.inside(SEQUENCE)?)?;
        fields.value(SEQUENCE)?; // public key
        let not_before = time(&mut validity)?;
        let not_after = time(&mut validity)?;

        let is_ca = match fields.inside(context(3)) {
            Some(mut extensions) => is_ca(extensions.inside(SEQUENCE)?)?,
            None => false,
        };
        (validity.is_empty() && fields.is_empty()).then_some(Self {
            subject,
            not_before,
            not_after,
            is_ca,
        })
    }
}

/// Section 4.1.2.5: two digits of the year up to 2049, four from 2050; to the second, in UTC.
fn time(validity: &mut Der<'_>) -> Option<DateTime> {
    let (tag, digits) = validity.any()?;
    let (year, rest) = match tag {
        UTC_TIME => digits.split_at_checked(2)?,
        GENERALIZED_TIME => digits.split_at_checked(4)?,
        _ => return None,
    };
    let year = year.iter().try_fold(0, |year, byte| {
        byte.is_ascii_digit().then(|| year * 10 + u16::from(byte - b'0'))
    })?;
    let century = match tag {
        UTC_TIME if year < 50 => 2000,
        UTC_TIME => 1900,
        _ => 0,
    };
    DateTime::from_digits(century + year, rest)
}

/// Section 4.1.2.4: a sequence of sets of attributes, each a type and a string.
fn subject(mut name: Der<'_>) -> Option<String> {
    let mut found = [None; NAMES.len()];
    while !name.is_empty() {
        let mut set = name.inside(SET)?;
        while !set.is_empty() {
            let mut attribute = set.inside(SEQUENCE)?;
            let kind = attribute.value(OBJECT_IDENTIFIER)?;
            let (_, text) = attribute.any()?;
            if let Some(index) = NAMES.iter().position(|(_, oid)| *oid == kind) {
                found[index] = Some(text);
            }
        }
    }
    let best = NAMES.iter().zip(found).find_map(|((name, _), text)| Some((name, text?)));
    Some(match best {
        // Escaped, since it is printed: a name is no place for line breaks.
        Some((name, text)) => format!("{name}={}", String::from_utf8_lossy(text).escape_debug()),
        None => "no name".to_owned(),
    })
}

/// Section 4.2.1.9. `None` when the extensions are malformed.
fn is_ca(mut extensions: Der<'_>) -> Option<bool> {
    while !extensions.is_empty() {
        let mut extension = extensions.inside(SEQUENCE)?;
        let kind = extension.value(OBJECT_IDENTIFIER)?;
        extension.value(BOOLEAN); // critical, absent when false
        let mut value = extension.inside(OCTET_STRING)?;
        if kind == BASIC_CONSTRAINTS {
            let mut constraints = value.inside(SEQUENCE)?;
            return Some(constraints.value(BOOLEAN) == Some(&[0xff]));
        }
    }
    Some(false)
}
