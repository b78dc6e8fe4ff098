//! What a certificate says of itself (RFC 5280, section 4.1). rustls takes an anchor's key and name
//! and asks nothing else: whether it is in its time, and a certificate authority, is asked here. Who
//! has to find out why a server is not trusted reads what it presented.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use crate::calendar::DateTime;
use crate::der::{
    BIT_STRING, BOOLEAN, Der, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE,
    SET, UTC_TIME, context,
};

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11]; // 2.5.29.17
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13]; // 2.5.29.19

/// In the alternative names: a DNS name, and an IP address (section 4.2.1.6).
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// The attributes that a certificate is called by, the best first.
const NAMES: [(&str, &[u8]); 3] = [
    ("CN", &[0x55, 0x04, 0x03]), // 2.5.4.3
    ("OU", &[0x55, 0x04, 0x0b]), // 2.5.4.11
    ("O", &[0x55, 0x04, 0x0a]),  // 2.5.4.10
];

/// A certificate, read for people. Nothing about it is verified: it may be anyone's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub(crate) subject: String,
    issuer: String,
    names: Vec<String>,
    pub(crate) not_before: DateTime,
    pub(crate) not_after: DateTime,
    /// Basic constraints are there and say so.
    pub(crate) is_ca: bool,
    /// Both names as they stand in the certificate, to be compared.
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
}

impl Certificate {
    /// Reads one certificate and nothing after it; `None` when it is malformed.
    pub fn read(der: &[u8]) -> Option<Self> {
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
        let issuer = fields.value(SEQUENCE)?;
        let mut validity = fields.inside(SEQUENCE)?;
        let subject = fields.value(SEQUENCE)?;
        fields.value(SEQUENCE)?; // public key
        let not_before = time(&mut validity)?;
        let not_after = time(&mut validity)?;

        let extensions = match fields.inside(context(3)) {
            Some(mut extensions) => Extensions::read(extensions.inside(SEQUENCE)?)?,
            None => Extensions::default(),
        };
        (validity.is_empty() && fields.is_empty()).then_some(Self {
            subject: called(Der::new(subject))?,
            issuer: called(Der::new(issuer))?,
            names: extensions.names,
            not_before,
            not_after,
            is_ca: extensions.is_ca,
            subject_der: subject.to_vec(),
            issuer_der: issuer.to_vec(),
        })
    }

    /// Whose it is, for people: the subject's common name as `CN=…`, else its unit or organisation.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Who signed it, in the same form.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The DNS names and IP addresses that it proves.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Until when it is valid.
    pub fn not_after(&self) -> SystemTime {
        self.not_after.to_system()
    }

    /// The last day of its validity in UTC, as `2026-11-30`.
    pub fn last_day(&self) -> String {
        self.not_after.to_string()
    }

    /// From when on it is valid.
    pub fn not_before(&self) -> SystemTime {
        self.not_before.to_system()
    }

    /// Whether its issuer has the name of `authority`. The signature is not looked at.
    pub fn names_as_issuer(&self, authority: &Certificate) -> bool {
        self.issuer_der == authority.subject_der
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
fn called(mut name: Der<'_>) -> Option<String> {
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

/// What is read of the extensions.
#[derive(Default)]
struct Extensions {
    is_ca: bool,
    names: Vec<String>,
}

impl Extensions {
    /// Sections 4.2.1.6 and 4.2.1.9. `None` when they are malformed.
    fn read(mut extensions: Der<'_>) -> Option<Self> {
        let mut this = Self::default();
        while !extensions.is_empty() {
            let mut extension = extensions.inside(SEQUENCE)?;
            let kind = extension.value(OBJECT_IDENTIFIER)?;
            extension.value(BOOLEAN); // critical, absent when false
            let mut value = extension.inside(OCTET_STRING)?;
            match kind {
                BASIC_CONSTRAINTS => {
                    let mut constraints = value.inside(SEQUENCE)?;
                    this.is_ca = constraints.value(BOOLEAN) == Some(&[0xff]);
                }
                SUBJECT_ALT_NAME => this.names = alternative_names(value.inside(SEQUENCE)?)?,
                _ => {}
            }
        }
        Some(this)
    }
}

fn alternative_names(mut list: Der<'_>) -> Option<Vec<String>> {
    let mut names = Vec::new();
    while !list.is_empty() {
        match list.any()? {
            (DNS_NAME, name) => {
                names.push(String::from_utf8_lossy(name).escape_debug().to_string());
            }
            (IP_ADDRESS, address) => {
                let four = <[u8; 4]>::try_from(address).map(|it| IpAddr::from(Ipv4Addr::from(it)));
                let address = four.or_else(|_| {
                    <[u8; 16]>::try_from(address).map(|it| IpAddr::from(Ipv6Addr::from(it)))
                });
                names.push(address.ok()?.to_string());
            }
            _ => {}
        }
    }
    Some(names)
}
