//! Certificates in the shape of RDS's: a region's root, a subordinate CA, a server certificate.
//!
//! They are made for each run, so that none can expire in the repository or be trusted by accident.
//! Names, algorithms and lifetimes are those of the roots that RDS publishes for each region and of
//! the certificates that its servers send.

mod rsa_key;

#[cfg(test)]
mod tests;

use std::fmt;
use std::panic;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, PKCS_RSA_SHA384,
};

const DAY: Duration = Duration::from_secs(86_400);
/// How long before now validity begins, for clients whose clocks are slow.
const BACKDATE: Duration = Duration::from_secs(3600);
/// The longest common name that X.520 allows.
const COMMON_NAME_LIMIT: usize = 64;

/// The key types that RDS offers certificates for: its CAs `rds-ca-…-g1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeyType {
    /// RSA of 2048 bits with SHA-256, the default of RDS.
    #[default]
    Rsa2048,
    /// RSA of 4096 bits with SHA-384. Generating the keys takes seconds.
    Rsa4096,
    /// ECDSA on P-384 with SHA-384.
    P384,
}

/// A region's certificate authority: a root that clients trust, and a subordinate that signs.
pub(crate) struct CertificateAuthority {
    key_type: KeyType,
    root_pem: String,
    subordinate_pem: String,
    subordinate: Issuer<'static, KeyPair>,
}

/// What a server needs for TLS, in PEM.
pub struct ServerCertificate {
    /// The server's certificate, followed by the subordinate's.
    pub chain_pem: String,
    /// The server's private key, in PKCS #8.
    pub key_pem: String,
}

impl CertificateAuthority {
    /// Makes the authority of `region`, valid from an hour before `now` on.
    ///
    /// # Errors
    /// Keys or certificates cannot be made, or `now` is not between 1970 and 9000.
    pub(crate) fn new(region: &str, key_type: KeyType, now: SystemTime) -> Result<Self, Error> {
        let (root_key, subordinate_key) = thread::scope(|scope| {
            let root_key = scope.spawn(|| key_type.generate());
            let subordinate_key = key_type.generate();
            // A panic of that thread is one of this thread.
            let root_key = root_key.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
            (root_key, subordinate_key)
        });
        let (root_key, subordinate_key) = (root_key?, subordinate_key?);
        let label = key_type.label();

        let root_name = format!("Amazon RDS {region} Root CA {label} G1");
        let root = authority(&root_name, BasicConstraints::Unconstrained, key_type, now)?;
        let root_certificate = root.self_signed(&root_key)?;
        let root = Issuer::new(root, root_key);

        let subordinate_name = format!("Amazon RDS {region} Subordinate CA {label} G1.A.1");
        let subordinate =
            authority(&subordinate_name, BasicConstraints::Constrained(0), key_type, now)?;
        let subordinate_certificate = subordinate.signed_by(&subordinate_key, &root)?;

        Ok(Self {
            key_type,
            root_pem: root_certificate.pem(),
            subordinate_pem: subordinate_certificate.pem(),
            subordinate: Issuer::new(subordinate, subordinate_key),
        })
    }

    /// The root certificate in PEM, for a client's CA bundle.
    pub(crate) fn root_pem(&self) -> &str {
        &self.root_pem
    }

    /// Makes a key and a certificate for the server named `host` and by each of `aliases`, valid for a
    /// year. On Aurora, the certificate of an instance has the names of its cluster's endpoints too.
    ///
    /// # Errors
    /// The key or the certificate cannot be made, a name is not ASCII, or `now` is not between 1970
    /// and 9000.
    pub(crate) fn issue(
        &self,
        host: &str,
        aliases: &[String],
        now: SystemTime,
    ) -> Result<ServerCertificate, Error> {
        let key = self.key_type.generate()?;
        let certificate = server(host, aliases, now)?.signed_by(&key, &self.subordinate)?;
        Ok(ServerCertificate {
            chain_pem: certificate.pem() + &self.subordinate_pem,
            key_pem: key.serialize_pem(),
        })
    }
}

impl KeyType {
    /// The key type in the name of a CA, as RDS writes it.
    fn label(self) -> &'static str {
        match self {
            Self::Rsa2048 => "RSA2048",
            Self::Rsa4096 => "RSA4096",
            Self::P384 => "ECC384",
        }
    }

    /// How long RDS's CAs with this key are valid.
    fn authority_years(self) -> u32 {
        match self {
            Self::Rsa2048 => 40,
            Self::Rsa4096 | Self::P384 => 100,
        }
    }

    fn generate(self) -> Result<KeyPair, Error> {
        let (bits, algorithm) = match self {
            Self::Rsa2048 => (2048, &PKCS_RSA_SHA256),
            Self::Rsa4096 => (4096, &PKCS_RSA_SHA384),
            Self::P384 => return Ok(KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?),
        };
        let pkcs8 = rsa_key::generate(bits);
        Ok(KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), algorithm)?)
    }
}

/// The parameters of a CA's certificate.
fn authority(
    name: &str,
    constraints: BasicConstraints,
    key_type: KeyType,
    now: SystemTime,
) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name([
        (DnType::CountryName, "US"),
        (DnType::OrganizationName, "Amazon Web Services, Inc."),
        (DnType::OrganizationalUnitName, "Amazon RDS"),
        (DnType::StateOrProvinceName, "WA"),
        (DnType::CommonName, name),
        (DnType::LocalityName, "Seattle"),
    ]);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, DAY * 365 * key_type.authority_years())?;
    Ok(params)
}

/// The parameters of the certificate of the server named `host` and `aliases`.
fn server(host: &str, aliases: &[String], now: SystemTime) -> Result<CertificateParams, Error> {
    let names = std::iter::once(host).chain(aliases.iter().map(String::as_str));
    let mut params = CertificateParams::new(names.map(str::to_owned).collect::<Vec<_>>())?;
    params.distinguished_name = distinguished_name([
        (DnType::OrganizationalUnitName, "RDS"),
        (DnType::OrganizationName, "Amazon.com"),
        (DnType::LocalityName, "Seattle"),
        (DnType::StateOrProvinceName, "Washington"),
        (DnType::CountryName, "US"),
    ]);
    // Clients check the alternative name; a longer host fits only there.
    if host.len() <= COMMON_NAME_LIMIT {
        params.distinguished_name.push(DnType::CommonName, host);
    }
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, DAY * 365)?;
    Ok(params)
}

fn distinguished_name<const N: usize>(attributes: [(DnType, &str); N]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (attribute, value) in attributes {
        name.push(attribute, value);
    }
    name
}

/// Makes the certificate valid from an hour before `now`, for `lifetime` after it.
fn set_validity(
    params: &mut CertificateParams,
    now: SystemTime,
    lifetime: Duration,
) -> Result<(), Error> {
    let since_1970 = now
        .duration_since(UNIX_EPOCH)
        .ok()
        // X.509 has four digits for a year.
        .filter(|since_1970| *since_1970 < DAY * 365 * (9000 - 1970))
        .ok_or(Error(Kind::Clock(now)))?;
    let start_of_1970 = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = start_of_1970 + since_1970.saturating_sub(BACKDATE);
    params.not_after = start_of_1970 + since_1970 + lifetime;
    Ok(())
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority")
            .field("key_type", &self.key_type)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCertificate")
            .field("chain_pem", &self.chain_pem)
            .field("key_pem", &"** redacted **")
            .finish()
    }
}

/// Why no certificate could be made.
#[derive(Debug)]
pub(crate) struct Error(Kind);

#[derive(Debug)]
enum Kind {
    Certificate(rcgen::Error),
    Clock(SystemTime),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Certificate(_) => f.write_str("cannot make a certificate"),
            Kind::Clock(now) => {
                write!(
                    f,
                    "cannot make a certificate at {now:?}: set the clock between 1970 and 9000"
                )
            }
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Certificate(source) => Some(source),
            Kind::Clock(_) => None,
        }
    }
}

impl From<rcgen::Error> for Error {
    fn from(source: rcgen::Error) -> Self {
        Self(Kind::Certificate(source))
    }
}
