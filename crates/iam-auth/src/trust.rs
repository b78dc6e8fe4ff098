//! The trust anchors that verify a server's certificate, and the TLS configuration that uses them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;

use crate::certificate::Certificate;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind};
use crate::rds_host::EndpointKind;
use crate::recording_verifier::RecordingVerifier;
use crate::{pem, sha256};

/// Where the `rds-ca` layer is extracted.
const LAYER: &str = "/opt/rds-ca";

/// The trust anchors from one source, and a TLS client configuration that trusts only them.
#[derive(Clone)]
pub struct TrustStore {
    source: String,
    fingerprint: String,
    certificates: Vec<CertificateDer<'static>>,
    client_config: Arc<ClientConfig>,
}

impl TrustStore {
    /// Loads the anchors in a PEM file. Each must be a CA certificate that is valid at `now`;
    /// otherwise the whole bundle is refused.
    ///
    /// # Errors
    ///
    /// [`Error::is_trust`] if the file cannot be read, and as for [`from_pem`](Self::from_pem).
    pub fn load(path: &Path, now: SystemTime) -> Result<Self, Error> {
        let pem = std::fs::read(path).map_err(|source| {
            let message = format!(
                "cannot read the CA bundle {}; check that the layer with the RDS roots is attached, or \
                 the path",
                path.display()
            );
            Error::new(Kind::Trust, message).with_source(source)
        })?;
        Self::from_pem(&pem, &path.display().to_string(), now)
    }

    /// Reads the anchors in PEM text, which errors call `source`.
    ///
    /// # Errors
    ///
    /// [`Error::is_trust`] if it contains no certificate or anything else, or if a certificate is
    /// damaged, expired, not yet valid, or not a CA. The error names the source, the certificate's
    /// number, from 1, and its subject.
    pub fn from_pem(pem: &[u8], source: &str, now: SystemTime) -> Result<Self, Error> {
        let refuse = |why: String| Error::new(Kind::Trust, format!("CA bundle {source}: {why}"));
        let certificates = pem::certificates(pem).map_err(refuse)?;
        if certificates.is_empty() {
            return Err(refuse("it contains no certificate".to_owned()));
        }
        let mut roots = RootCertStore::empty();
        for (index, der) in certificates.iter().enumerate() {
            let number = index + 1;
            let certificate = Certificate::read(der)
                .ok_or_else(|| refuse(format!("certificate {number} is not valid DER")))?;
            let name = format!("certificate {number} ({})", certificate.subject);
            check(&certificate, now).map_err(|why| refuse(format!("{name} {why}")))?;
            roots.add(der.clone()).map_err(|error| {
                refuse(format!("{name} cannot serve as a trust anchor")).with_source(error)
            })?;
        }
        let client_config = client_config(roots).map_err(|error| {
            refuse("no TLS configuration can be made of it".to_owned()).with_source(error)
        })?;
        let fingerprint = sha256::hex([pem]);
        Ok(Self { source: source.to_owned(), fingerprint, certificates, client_config })
    }

    /// The file in the `rds-ca` layer for an endpoint: `/opt/rds-ca/<region>-bundle.pem`;
    /// `amazon-trust-roots.pem` for RDS Proxy, whose certificates are issued by ACM; and
    /// `global-bundle.pem` for a global database, whose writer may be in any region.
    ///
    /// Source: RDS user guide, "Using SSL/TLS to encrypt a connection", "Using TLS/SSL with RDS
    /// Proxy".
    pub fn default_path(endpoint: &Endpoint) -> PathBuf {
        let file = match endpoint.kind() {
            kind if kind.is_proxy() => "amazon-trust-roots.pem",
            EndpointKind::GlobalWriter => "global-bundle.pem",
            _ => &format!("{}-bundle.pem", endpoint.region()),
        };
        Path::new(LAYER).join(file)
    }

    /// The anchors that are AWS's own: all in a file of the layer, which is deployed like the
    /// function's code; in any other file, those whose [fingerprint](Self::fingerprints)
    /// `is_pinned`. `None` if there are none.
    ///
    /// A server that one of them verifies under a name of RDS belongs to RDS. A CA of any other
    /// name may issue a certificate to anybody.
    pub fn of_aws(&self, is_pinned: impl Fn(&str) -> bool) -> Option<Self> {
        if Path::new(&self.source).parent() == Some(Path::new(LAYER)) {
            return Some(self.clone());
        }
        let is_own = |der: &&CertificateDer<'_>| is_pinned(&sha256::hex([der.as_ref()]));
        let certificates: Vec<_> = self.certificates.iter().filter(is_own).cloned().collect();
        if certificates.is_empty() {
            return None;
        }
        let mut roots = RootCertStore::empty();
        for der in &certificates {
            roots.add(der.clone()).ok()?; // it was added to the whole store
        }
        let client_config = client_config(roots).ok()?;
        let (source, fingerprint) = (self.source.clone(), self.fingerprint.clone());
        Some(Self { source, fingerprint, certificates, client_config })
    }

    /// The source of the anchors: the path, or the name given to [`from_pem`](Self::from_pem).
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The SHA-256 of the PEM text in lowercase hex, like `sha256sum` of the file.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The number of anchors, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a store without anchors is refused")]
    pub fn len(&self) -> usize {
        self.certificates.len()
    }

    /// The SHA-256 of each certificate in lowercase hex, like `openssl x509 -fingerprint`, in the
    /// bundle's order.
    pub fn fingerprints(&self) -> impl Iterator<Item = String> {
        self.certificates.iter().map(|der| sha256::hex([der.as_ref()]))
    }

    /// The anchors in DER, in the bundle's order, for drivers that build their own TLS
    /// configuration.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }

    /// The contents of the anchors, in the bundle's order.
    pub fn anchors(&self) -> impl Iterator<Item = Certificate> {
        // Each was parsed when the store was created.
        self.certificates.iter().filter_map(|der| Certificate::read(der))
    }

    /// Like [`client_config`](Self::client_config), for one handshake that has to be explained: it
    /// also records what the server presents, trusted or not.
    ///
    /// # Errors
    ///
    /// [`Error::is_trust`] if no verifier can be built from the anchors.
    pub fn recording_config(&self) -> Result<(Arc<ClientConfig>, Arc<RecordingVerifier>), Error> {
        let refuse = |error: Box<dyn std::error::Error + Send + Sync>| {
            let message = format!("CA bundle {}: no verifier can be made of it", self.source);
            Error::new(Kind::Trust, message).with_source(error)
        };
        let mut roots = RootCertStore::empty();
        for der in &self.certificates {
            roots.add(der.clone()).map_err(|error| refuse(error.into()))?;
        }
        let provider = Arc::new(crypto_provider());
        let webpki =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| refuse(error.into()))?;
        let verifier = Arc::new(RecordingVerifier::new(webpki));
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| refuse(error.into()))?
            .dangerous() // what webpki refuses stays refused
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
            .with_no_client_auth();
        Ok((Arc::new(config), verifier))
    }

    /// The TLS client configuration: it verifies the server's chain and name, uses TLS 1.2 or 1.3,
    /// and sends no certificate. It is always the same one, so that TLS sessions are resumed.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.client_config)
    }
}

/// `(3 roots from /opt/rds-ca/eu-west-1-bundle.pem, sha256 5f70bf18…)`, the hash in full.
impl fmt::Debug for TrustStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.len() == 1 { "" } else { "s" };
        let Self { source, fingerprint, .. } = self;
        write!(f, "({} root{plural} from {source}, sha256 {fingerprint})", self.len())
    }
}

/// Whether a certificate can be an anchor at `now`. The error says why not.
fn check(certificate: &Certificate, now: SystemTime) -> Result<(), String> {
    let Certificate { not_before, not_after, is_ca, .. } = certificate;
    if now > not_after.to_system() {
        return Err(format!("expired on {not_after}; get the current bundle from AWS"));
    }
    if now < not_before.to_system() {
        return Err(format!("is not valid before {not_before}; check this machine's clock"));
    }
    if !is_ca {
        return Err("is not a CA certificate; \
                    use the roots, not the server's certificate"
            .to_owned());
    }
    Ok(())
}

fn client_config(roots: RootCertStore) -> Result<Arc<ClientConfig>, rustls::Error> {
    let config = ClientConfig::builder_with_provider(Arc::new(crypto_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// ring, with P-256 offered first: PostgreSQL up to 17 accepts no other group by default. It
/// answers the usual first offer, X25519, with a HelloRetryRequest, which costs a round trip.
fn crypto_provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.kx_groups.sort_by_key(|group| group.name() != rustls::NamedGroup::secp256r1);
    provider
}
