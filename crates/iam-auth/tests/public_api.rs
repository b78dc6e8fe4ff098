//! What a program may rely on beside the functions themselves: the types of other crates, whose next
//! incompatible version is one of this crate too, and what threads and pools need.

use std::time::SystemTime;

use aws_credential_types::provider::ProvideCredentials;
use iam_auth::{
    AuthToken, Certificate, Credentials, DialAddress, Endpoint, EndpointKind, Error, Partition,
    Roots, TokenSigner, TrustStore, sign,
};
use rustls_pki_types::{CertificateDer, ServerName};

/// Every place where a type of another crate is taken or returned. It compiles, or the list in README.md
/// has to change.
#[test]
fn the_types_of_other_crates() {
    let _: fn(&Endpoint) -> ServerName<'static> = Endpoint::tls_name;
    let _: fn(&TrustStore) -> &[CertificateDer<'static>] = TrustStore::certificates;
    #[cfg(feature = "rustls")]
    let _: fn(&TrustStore) -> std::sync::Arc<rustls::ClientConfig> = TrustStore::client_config;

    type Keys = aws_credential_types::Credentials;
    let _: fn(&Endpoint, &str, &Keys, SystemTime) -> Result<AuthToken, Error> = sign;
    fn from_any_provider(provider: impl ProvideCredentials + 'static) -> Credentials {
        Credentials::from_provider(provider)
    }
    let _: fn(Keys) -> Credentials = from_any_provider;
    let _ = async |credentials: Credentials| -> Result<Keys, Error> {
        credentials.get(SystemTime::UNIX_EPOCH).await
    };
}

#[test]
fn what_threads_and_pools_need() {
    fn shared<T: Send + Sync + 'static>() {}
    fn cloned<T: Send + Sync + Clone + 'static>() {}
    cloned::<Certificate>();
    cloned::<Credentials>();
    cloned::<DialAddress>();
    cloned::<Endpoint>();
    cloned::<EndpointKind>();
    cloned::<Partition>();
    cloned::<Roots>();
    cloned::<TokenSigner>();
    cloned::<TrustStore>();
    shared::<AuthToken>();
    shared::<Error>();
}
