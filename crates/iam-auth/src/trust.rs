//! The trust anchors that verify a server's certificate.

use std::fmt;
use std::path::{Path, PathBuf};
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::time::SystemTime;

use rustls_pki_types::CertificateDer;

use crate::certificate::Certificate;
use crate::endpoint::Endpoint;
use crate::error::{Error, Kind};
use crate::rds_host::EndpointKind;
use crate::roots::Roots;
#[cfg(feature = "rustls")]
use crate::tls;
use crate::{pem, sha256};

/// Where the `rds-ca` layer is extracted.
pub(crate) const LAYER: &str = "/opt/rds-ca";

/// The trust anchors from one source, for any TLS library; with the feature `rustls` (on by
/// default) also a TLS client configuration that trusts only them.
///
/// Clones share the TLS sessions that rustls keeps.
#[derive(Clone)]
pub struct TrustStore {
    pub(crate) source: String,
    pub(crate) fingerprint: String,
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    #[cfg(feature = "rustls")]
    pub(crate) client_config: Arc<rustls::ClientConfig>,
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
        let mut names = Vec::new();
        for (index, der) in certificates.iter().enumerate() {
            let number = index + 1;
            let certificate = Certificate::read(der)
                .ok_or_else(|| refuse(format!("certificate {number} is not valid DER")))?;
            let name = format!("certificate {number} ({})", certificate.subject);
            check(&certificate, now).map_err(|why| refuse(format!("{name} {why}")))?;
            names.push(name);
        }
        Ok(Self {
            source: source.to_owned(),
            fingerprint: sha256::hex([pem]),
            #[cfg(feature = "rustls")]
            client_config: tls::client_config(&certificates).map_err(|(index, error)| {
                let what = index.map_or("the bundle", |index| &names[index]);
                refuse(format!("{what} cannot serve as a trust anchor")).with_source(error)
            })?,
            certificates,
        })
    }

    /// The file in the `rds-ca` layer with the `roots` for an endpoint: `amazon-trust-roots.pem`; or
    /// RDS's, `<region>-bundle.pem`, and for a global database, whose writer may be in any region,
    /// `global-bundle.pem`. The layer is at `/opt/rds-ca`.
    pub fn default_path(endpoint: &Endpoint, roots: Roots) -> PathBuf {
        let file = match (roots, endpoint.kind()) {
            (Roots::Amazon, _) => "amazon-trust-roots.pem",
            (Roots::Rds, EndpointKind::GlobalWriter) => "global-bundle.pem",
            (Roots::Rds, _) => &format!("{}-bundle.pem", endpoint.region()),
        };
        Path::new(LAYER).join(file)
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

    /// The anchors in PEM (RFC 7468), in the bundle's order, for drivers that take a text or a file.
    pub fn pem(&self) -> String {
        pem::text(&self.certificates)
    }

    /// The contents of the anchors, in the bundle's order.
    pub fn anchors(&self) -> impl Iterator<Item = Certificate> {
        // Each was parsed when the store was created.
        self.certificates.iter().filter_map(|der| Certificate::read(der))
    }

    /// The TLS client configuration: it verifies the server's chain and name, uses TLS 1.2 or 1.3,
    /// and sends no certificate. It is always the same one, so that TLS sessions are resumed.
    #[cfg(feature = "rustls")]
    pub fn client_config(&self) -> Arc<rustls::ClientConfig> {
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
