//! The TLS configuration of a login: rustls with ring, and no roots but the given ones.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, Error, RootCertStore};
use rustls_pki_types::CertificateDer;

/// A configuration that trusts `anchors` alone. The error has the index of the anchor that rustls
/// refuses, if it is one.
pub(crate) fn client_config(
    anchors: &[CertificateDer<'static>],
) -> Result<Arc<ClientConfig>, (Option<usize>, Error)> {
    let config = ClientConfig::builder_with_provider(Arc::new(crypto_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| (None, error))?
        .with_root_certificates(roots(anchors)?)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// The anchors as rustls keeps them. The error is that of [`client_config`].
pub(crate) fn roots(
    anchors: &[CertificateDer<'static>],
) -> Result<RootCertStore, (Option<usize>, Error)> {
    let mut roots = RootCertStore::empty();
    for (index, der) in anchors.iter().enumerate() {
        roots.add(der.clone()).map_err(|error| (Some(index), error))?;
    }
    Ok(roots)
}

/// ring, with P-256 offered first: PostgreSQL up to 17 accepts no other group by default, and MySQL
/// not X25519. They answer X25519, the usual first offer, with a HelloRetryRequest, which costs a
/// round trip.
pub(crate) fn crypto_provider() -> CryptoProvider {
    let mut provider = ring::default_provider();
    provider.kx_groups.sort_by_key(|group| group.name() != rustls::NamedGroup::secp256r1);
    provider
}
