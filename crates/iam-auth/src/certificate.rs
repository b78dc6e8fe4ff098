//! The contents of a certificate (RFC 5280, section 4.1). rustls only uses the key and the name of
//! a trust anchor; its validity and whether it is a CA are checked with this. It also shows what a
//! server presented, to explain why it is not trusted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use crate::calendar::DateTime;
use crate::der::{
    BIT_STRING, BOOLEAN, Der, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE,
    SET, UTC_TIME, context,
};

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11]; // 2.5.29.17
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13]; // 2.5.29.19

/// The tags of alternative names: a DNS name and an IP address (section 4.2.1.6).
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// The attributes that name a certificate, in order of preference.
const NAMES: [(&str, &[u8]); 3] = [
    ("CN", &[0x55, 0x04, 0x03]), // 2.5.4.3
    ("OU", &[0x55, 0x04, 0x0b]), // 2.5.4.11
    ("O", &[0x55, 0x04, 0x0a]),  // 2.5.4.10
];

/// The contents of a certificate, for people. Nothing in it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    pub(crate) subject: String,
    issuer: String,
    names: Vec<String>,
    pub(crate) not_before: DateTime,
    pub(crate) not_after: DateTime,
    /// Whether the basic constraints say so.
    pub(crate) is_ca: bool,
    /// Both names in DER, for comparison.
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
}

impl Certificate {
    /// Parses one certificate, with nothing after it. `None` if it is malformed.
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
            subject: name_of(Der::new(subject))?,
            issuer: name_of(Der::new(issuer))?,
            names: extensions.names,
            not_before,
            not_after,
            is_ca: extensions.is_ca,
            subject_der: subject.to_vec(),
            issuer_der: issuer.to_vec(),
        })
    }

    /// The subject, for people: its common name as `CN=…`, or its unit or organization.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The issuer, in the same form.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Its DNS names and IP addresses.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The end of its validity.
    pub fn not_after(&self) -> SystemTime {
        self.not_after.to_system()
    }

    /// The last day of its validity in UTC, such as `2026-11-30`.
    pub fn last_day(&self) -> String {
        self.not_after.to_string()
    }

    /// The start of its validity.
    pub fn not_before(&self) -> SystemTime {
        self.not_before.to_system()
    }

    /// Whether its issuer has the name of `authority`. The signature is not verified.
    pub fn names_as_issuer(&self, authority: &Certificate) -> bool {
        self.issuer_der == authority.subject_der
    }
}

/// Section 4.1.2.5: a year of two digits up to 2049, of four from 2050; to the second, in UTC.
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
fn name_of(mut name: Der<'_>) -> Option<String> {
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
        // Escaped because it is printed: it must not contain line breaks.
        Some((name, text)) => format!("{name}={}", String::from_utf8_lossy(text).escape_debug()),
        None => "no name".to_owned(),
    })
}

/// The extensions that are used.
#[derive(Default)]
struct Extensions {
    is_ca: bool,
    names: Vec<String>,
}

impl Extensions {
    /// Sections 4.2.1.6 and 4.2.1.9. `None` if they are malformed.
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
