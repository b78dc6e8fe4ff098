//! One root certificate, and every check before it may be trusted.
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

/// A root that expires earlier is refused: a layer stays in use for months.
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

/// The keys of RDS's CAs, as in their names. Each region has one CA of each.
pub(crate) const REGION_KEYS: [(&str, Key); 3] =
    [("RSA2048", Key::Rsa(2048)), ("RSA4096", Key::Rsa(4096)), ("ECC384", Key::Ec(384))];

/// A root certificate that has passed every check but that of its pin.
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
pub(crate) enum Use {
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
    /// It is not X.509 v3, or bytes follow it; its name is not that of a root of RDS or of Amazon Trust
    /// Services, or is that of a test root; it is not self-issued; it is not valid now, or expires within
    /// a year; it may not sign certificates; its key differs from its name; its signature is invalid.
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
                "was issued by \"{}\": it is not a root, or was renamed",
                certificate.issuer()
            )));
        }
        let expires = expiry(&certificate, now).map_err(refuse)?;
        may_sign(&certificate).map_err(|why| refuse(why.into()))?;
        let key = key(&certificate).map_err(|why| refuse(why.into()))?;
        if key != claimed {
            return Err(refuse(format!("has a key of {key}, but its name says {claimed}")));
        }
        certificate.verify_signature(None).map_err(|error| {
            refuse(format!("has an invalid signature, so it was altered: {error}"))
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

    /// The region whose databases it verifies.
    pub(crate) fn region(&self) -> Option<&str> {
        match &self.used_for {
            Use::Region { region, .. } => Some(region),
            Use::AmazonTrust => None,
        }
    }

    /// The identifier of its CA: `ats` for those of ACM, as in the AWS SDKs.
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
        _ => Err(format!("\"{}\" does not have one common name", certificate.subject()).into()),
    }
}

/// Whether this is the root of one of AWS's test regions, which are in its bundle too.
pub(crate) fn is_test_root(subject: &str) -> bool {
    subject.starts_with("Amazon RDS Beta ") || subject.starts_with("Amazon RDS Preview ")
}

/// What the root `subject` verifies, and the key that it must have.
fn used_for(subject: &str) -> Result<(Use, Key), &'static str> {
    if is_test_root(subject) {
        return Err("is a test root of AWS (Beta or Preview)");
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

/// The expiry date, if the root is valid now and for another year.
fn expiry(certificate: &X509Certificate<'_>, now: SystemTime) -> Result<Date, String> {
    let now = OffsetDateTime::from(now);
    let validity = certificate.validity();
    let (begins, ends) = (validity.not_before.to_datetime(), validity.not_after.to_datetime());
    if now < begins {
        return Err(format!("is not valid before {}; check this machine's clock", begins.date()));
    }
    if now > ends {
        return Err(format!("expired on {}", ends.date()));
    }
    if ends - now < MARGIN {
        return Err(format!(
            "expires on {}, in less than a year; fetch its successor with `cargo xtask certs update`",
            ends.date()
        ));
    }
    Ok(ends.date())
}

fn may_sign(certificate: &X509Certificate<'_>) -> Result<(), &'static str> {
    const EXTENSIONS: &str = "has invalid extensions";
    let constraints = certificate.basic_constraints().map_err(|_| EXTENSIONS)?;
    if !constraints.is_some_and(|constraints| constraints.value.ca) {
        return Err("is not a certificate authority");
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
