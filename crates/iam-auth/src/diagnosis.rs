//! What a diagnosis of this project's functions needs, and nobody else: it may change in any version.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use aws_credential_types::Credentials as AwsCredentials;
use rustls::ClientConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::certificate::Certificate;
use crate::chain::from_environment;
use crate::credentials::Credentials;
use crate::error::{Error, Kind};
use crate::recording_verifier::RecordingVerifier;
use crate::trust::{LAYER, TrustStore};
use crate::{sha256, tls};

/// What may be shown of credentials. It contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Their source: `environment`, or `chain` for the rest of the chain.
    pub source: &'static str,
    /// The access key id, which every token contains in clear text.
    pub access_key_id: String,
    /// Whether a session token comes with the key.
    pub has_session_token: bool,
    /// When they expire, if their source tells. The environment does not.
    pub expiry: Option<SystemTime>,
    /// How their form shows that they were not copied completely.
    pub damage: Option<String>,
}

#[doc(hidden)]
impl Credentials {
    /// Describes the credentials that [`get`](Self::get) returns at `now`.
    ///
    /// # Errors
    ///
    /// Those of `get`.
    pub async fn describe(&self, now: SystemTime) -> Result<Description, Error> {
        let credentials = self.get(now).await?;
        let of_environment =
            from_environment().is_ok_and(|own| own.access_key_id() == credentials.access_key_id());
        Ok(Description {
            source: if of_environment { "environment" } else { "chain" },
            access_key_id: credentials.access_key_id().to_owned(),
            has_session_token: credentials.session_token().is_some(),
            expiry: credentials.expiry(),
            damage: damage(&credentials),
        })
    }
}

/// How a key or a session token is incomplete: AWS's secret keys have 40 characters ("Manage access
/// keys for IAM users", IAM user guide), and session tokens are padded base64 (RFC 4648).
fn damage(credentials: &AwsCredentials) -> Option<String> {
    let id = credentials.access_key_id();
    if id.len() < 16 || !id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()) {
        return Some("the access key id does not have the form AKIA… or ASIA…".to_owned());
    }
    let secret = credentials.secret_access_key().len();
    if secret != 40 {
        return Some(format!("the secret access key has {secret} characters instead of 40"));
    }
    let token = credentials.session_token()?;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let length = token.len();
    match () {
        () if !token.bytes().all(is_base64) => {
            Some("the session token contains characters that are not base64".to_owned())
        }
        () if !length.is_multiple_of(4) => {
            Some(format!("the session token has {length} characters, which is not a multiple of 4"))
        }
        () => None,
    }
}

#[doc(hidden)]
impl TrustStore {
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
        self.only(|der| is_pinned(&sha256::hex([der])))
    }

    /// The anchors, in DER, that `keep` accepts; `None` if there are none.
    fn only(&self, keep: impl Fn(&[u8]) -> bool) -> Option<Self> {
        let kept = self.certificates.iter().filter(|der| keep(der.as_ref()));
        let certificates: Vec<_> = kept.cloned().collect();
        if certificates.is_empty() {
            return None;
        }
        let client_config = tls::client_config(&certificates).ok()?; // the whole store has one
        let (source, fingerprint) = (self.source.clone(), self.fingerprint.clone());
        Some(Self { source, fingerprint, certificates, client_config })
    }

    /// Whether one of the anchors whose subject `belongs` verifies what a server presented, its own
    /// certificate first, under `name` at `now`.
    pub fn verifies(
        &self,
        presented: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: SystemTime,
        belongs: impl Fn(&str) -> bool,
    ) -> bool {
        let belongs =
            |der: &[u8]| Certificate::read(der).is_some_and(|root| belongs(root.subject()));
        let Some((own, rest)) = presented.split_first() else { return false };
        let Ok(since_1970) = now.duration_since(SystemTime::UNIX_EPOCH) else { return false };
        let now = UnixTime::since_unix_epoch(since_1970);
        self.only(belongs)
            .and_then(|anchors| anchors.verifier().ok())
            .is_some_and(|verifier| verifier.verify_server_cert(own, rest, name, &[], now).is_ok())
    }

    /// rustls's verifier with these anchors.
    fn verifier(&self) -> Result<Arc<WebPkiServerVerifier>, Error> {
        let roots = tls::roots(&self.certificates).map_err(|(_, error)| self.unfit(error))?;
        let provider = Arc::new(tls::crypto_provider());
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| self.unfit(error))
    }

    fn unfit(&self, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
        let message = format!("CA bundle {}: no verifier can be made of it", self.source);
        Error::new(Kind::Trust, message).with_source(error)
    }

    /// Like [`client_config`](Self::client_config), for one handshake that has to be explained: it
    /// also records what the server presents, trusted or not.
    ///
    /// # Errors
    ///
    /// [`Error::is_trust`] if no verifier can be built from the anchors.
    pub fn recording_config(&self) -> Result<(Arc<ClientConfig>, Arc<RecordingVerifier>), Error> {
        let verifier = Arc::new(RecordingVerifier::new(self.verifier()?));
        let config = ClientConfig::builder_with_provider(Arc::new(tls::crypto_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| self.unfit(error))?
            .dangerous() // what webpki refuses stays refused
            .with_custom_certificate_verifier(Arc::clone(&verifier) as _)
            .with_no_client_auth();
        Ok((Arc::new(config), verifier))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incomplete_credentials_are_described_and_not_quoted() {
        let (id, secret) = ("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        for (id, secret, token, expected) in [
            (id, secret, None, None),
            (id, secret, Some("IQoJb3JpZ2luX2Vj"), None),
            (id, secret, Some("IQoJb3JpZ2luX2V"), Some("15 characters")),
            (id, secret, Some("IQoJb3JpZ2lu X2V"), Some("not base64")),
            (id, &secret[1..], None, Some("39 characters")),
            ("ASIA", secret, None, Some("access key id")),
        ] {
            let token = token.map(str::to_owned);
            let found = damage(&AwsCredentials::new(id, secret, token.clone(), None, "test"));
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            let found = found.unwrap_or_default();
            assert!(found.contains(expected.unwrap_or_default()), "{found}");
            assert!(!found.contains(&secret[1..]) && !found.contains("IQoJ"), "{found}");
        }
    }
}
