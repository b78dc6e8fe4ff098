//! TLS whose peer is verified: its chain by the roots of `DB_CA_BUNDLE`, and its name.

use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

/// TLS on a connection whose server expects it now. The handshake happens with the first message.
pub(crate) fn wrap(socket: TcpStream, host: String) -> Tls {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(crate::setting("DB_CA_BUNDLE")).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    // PostgreSQL's servers ask for another key share than X25519, which costs a round trip.
    let mut provider: CryptoProvider = ring::default_provider();
    provider.kx_groups.rotate_left(1);
    let config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), host.try_into().unwrap()).unwrap();
    StreamOwned::new(session, socket)
}
