//! One root certificate, and everything that must hold of it before anyone may trust it.
//!
//! Names and keys: RDS user guide, "Certificate authorities"
//! (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>).

use rustls_pki_types::CertificateDer;
use std::fmt;
use std::time::{Duration, SystemTime};
use time::{Date, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::parse_x509_certificate;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::X509Version;

use crate::Failure;

/// A root with less than this left is refused: a layer stays attached for months.
const MARGIN: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The CAs of ACM, which issues the certificates of RDS Proxy:
/// <https://www.amazontrust.com/repository/>.
const AMAZON_TRUST: [(&str, Key); 5] = [
    ("Amazon Root CA 1", Key::Rsa(2048)),
    ("Amazon Root CA 2", Key::Rsa(4096)),
    ("Amazon Root CA 3", Key::Ec(256)),
    ("Amazon Root CA 4", Key::Ec(384)),
    ("Starfield Services Root Certificate Authority - G2", Key::Rsa(2048)),
];

/// The keys of RDS's CAs, as their names write them: each region has one CA of each.
pub(crate) const REGION_KEYS: [(&str, Key); 3] =
    [("RSA2048", Key::Rsa(2048)), ("RSA4096", Key::Rsa(4096)), ("ECC384", Key::Ec(384))];

/// A root certificate that has passed every check that it can pass alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub(crate) der: CertificateDer<'static>,
    pub(crate) subject: String,
    pub(crate) used_for: Use,
    pub(crate) key: Key,
    pub(crate) expires: Date,
    pub(crate) sha256: String,
}

/// What a root verifies, by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// The databases of a region.
    Region {
        /// Such as `eu-west-1`.
        region: String,
        /// The identifier of the CA in RDS, such as `rds-ca-rsa2048-g1`.
        ca: String,
    },
    /// RDS Proxy, whose certificates ACM issues.
    AmazonTrust,
}

/// A public key: its kind and its size in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    Rsa(usize),
    Ec(usize),
}

impl Root {
    /// Reads a certificate and checks it as a root at `now`.
    ///
    /// # Errors
    /// It is not X.509 v3, or has bytes after its end; its name is not one of a root of RDS or of
    /// Amazon Trust Services, or is that of a test root; its issuer is another; it is outside its
    /// validity, or has less than a year left; it may not sign certificates; its key is not the
    /// one that its name claims; its signature does not verify.
    pub fn read(der: &CertificateDer<'_>, now: SystemTime) -> Result<Self, Failure> {
        let (rest, certificate) =
            parse_x509_certificate(der).map_err(|error| format!("not a certificate: {error}"))?;
        if !rest.is_empty() {
            return Err(format!("{} bytes follow the certificate", rest.len()).into());
        }
        let subject = common_name(&certificate)?;
        let refuse = |why: String| Failure::from(format!("{subject:?} {why}"));
        let (used_for, claimed) = used_for(&subject).map_err(|why| refuse(why.into()))?;
        if certificate.version() != X509Version::V3 {
            return Err(refuse(format!("is X.509 {}, not v3", certificate.version())));
        }
        if certificate.issuer().as_raw() != certificate.subject().as_raw() {
            return Err(refuse(format!(
                "was issued by \"{}\", not by itself: it is renamed, or no root",
                certificate.issuer()
            )));
        }
        let expires = in_its_time(&certificate, now).map_err(refuse)?;
        may_sign(&certificate).map_err(|why| refuse(why.into()))?;
        let key = key(&certificate).map_err(|why| refuse(why.into()))?;
        if key != claimed {
            return Err(refuse(format!("has a key of {key}; its name says {claimed}")));
        }
        certificate.verify_signature(None).map_err(|error| {
            refuse(format!("did not sign itself as it stands, so a bit has changed: {error}"))
        })?;
        Ok(Self {
            der: der.clone().into_owned(),
            sha256: crate::sha256(der),
            subject: subject.clone(),
            used_for,
            key,
            expires,
        })
    }

    /// The region whose databases it verifies, if it verifies one's.
    pub(crate) fn region(&self) -> Option<&str> {
        match &self.used_for {
            Use::Region { region, .. } => Some(region),
            Use::AmazonTrust => None,
        }
    }

    /// The identifier of its CA; that of ACM's, as the AWS SDKs name them, is `ats`.
    pub(crate) fn ca(&self) -> &str {
        match &self.used_for {
            Use::Region { ca, .. } => ca,
            Use::AmazonTrust => "ats",
        }
    }
}

/// The one common name of a certificate's subject.
pub(crate) fn common_name(certificate: &X509Certificate<'_>) -> Result<String, Failure> {
    let mut names = certificate.subject().iter_common_name();
    match (names.next().map(|name| name.as_str()), names.next()) {
        (Some(Ok(name)), None) => Ok(name.to_owned()),
        _ => Err(format!("\"{}\" has not one common name", certificate.subject()).into()),
    }
}

/// The roots of AWS's own test regions, which its bundle holds beside the real ones.
pub(crate) fn is_test_root(subject: &str) -> bool {
    subject.starts_with("Amazon RDS Beta ") || subject.starts_with("Amazon RDS Preview ")
}

/// What the root called `subject` verifies, and the key it must have.
fn used_for(subject: &str) -> Result<(Use, Key), &'static str> {
    if is_test_root(subject) {
        return Err("is a test root of AWS's (Beta or Preview): no database of yours has it");
    }
    if let Some((_, key)) = AMAZON_TRUST.iter().find(|(name, _)| *name == subject) {
        return Ok((Use::AmazonTrust, *key));
    }
    let of_region = || {
        let (region, ca) = subject.strip_prefix("Amazon RDS ")?.split_once(" Root CA ")?;
        let (label, generation) = ca.split_once(" G")?;
        let (_, key) = REGION_KEYS.iter().find(|(name, _)| *name == label)?;
        let well_formed =
            region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && region.split('-').count() >= 3
                && !generation.is_empty()
                && generation.bytes().all(|b| b.is_ascii_digit());
        let ca = format!("rds-ca-{}-g{generation}", label.to_ascii_lowercase());
        well_formed.then(|| (Use::Region { region: region.to_owned(), ca }, *key))
    };
    of_region().ok_or("is not the name of a root of RDS or of Amazon Trust Services")
}

/// Its last day.
fn in_its_time(certificate: &X509Certificate<'_>, now: SystemTime) -> Result<Date, String> {
    let now = OffsetDateTime::from(now);
    let validity = certificate.validity();
    let (begins, ends) = (validity.not_before.to_datetime(), validity.not_after.to_datetime());
    if now < begins {
        return Err(format!("is not valid before {}; is this clock right?", begins.date()));
    }
    if now > ends {
        return Err(format!("expired on {}", ends.date()));
    }
    if ends - now < MARGIN {
        return Err(format!(
            "expires on {}, in less than a year; get its successor: `cargo xtask certs update`",
            ends.date()
        ));
    }
    Ok(ends.date())
}

fn may_sign(certificate: &X509Certificate<'_>) -> Result<(), &'static str> {
    const EXTENSIONS: &str = "has extensions that cannot be read";
    let constraints = certificate.basic_constraints().map_err(|_| EXTENSIONS)?;
    if !constraints.is_some_and(|constraints| constraints.value.ca) {
        return Err("is no certificate authority");
    }
    let usage = certificate.key_usage().map_err(|_| EXTENSIONS)?;
    if !usage.is_some_and(|usage| usage.value.key_cert_sign()) {
        return Err("may not sign certificates: its key usage lacks keyCertSign");
    }
    Ok(())
}

fn key(certificate: &X509Certificate<'_>) -> Result<Key, &'static str> {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => Ok(Key::Rsa(key.key_size())),
        Ok(PublicKey::EC(point)) => Ok(Key::Ec(point.key_size())),
        _ => Err("has a key that is neither RSA nor EC"),
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "RSA {bits}"),
            Self::Ec(bits) => write!(f, "EC P-{bits}"),
        }
    }
}
