//! TLS handshakes in memory with the configuration of a login: only the right server is accepted.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod authority;

use std::sync::Arc;

use authority::{Root, authority, now, self_signed};
use iam_auth::{Endpoint, TrustStore};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, Error, HandshakeKind, NamedGroup,
    ProtocolVersion, ServerConfig, ServerConnection, SupportedProtocolVersion,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

const HOST: &str = "db.abc123def456.eu-west-1.rds.amazonaws.com";
const ANY_VERSION: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;

fn trust(root: &Root) -> TrustStore {
    TrustStore::from_pem(root.pem().as_bytes(), "test.pem", now()).unwrap()
}

/// A chain as RDS's, root, subordinate, server, under `root`, for one DNS name, with its key.
fn chain(root: &Root, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let subordinate = authority("Amazon RDS Server CA");
    let subordinate =
        CertifiedIssuer::signed_by(subordinate, KeyPair::generate().unwrap(), root).unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &subordinate).unwrap();
    (vec![certificate.der().clone(), subordinate.der().clone()], key.into())
}

fn server_config(
    root: &Root,
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
    provider: CryptoProvider,
) -> ServerConfig {
    let (chain, key) = chain(root, name);
    ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap()
}

/// The client's end of a handshake with the server at [`HOST`].
fn handshake(trust: &TrustStore, server: ServerConfig) -> Result<ClientConnection, Error> {
    handshake_with(trust.client_config(), server)
}

fn handshake_with(
    config: Arc<ClientConfig>,
    server: ServerConfig,
) -> Result<ClientConnection, Error> {
    let endpoint = Endpoint::parse(HOST, 3306).unwrap();
    let mut client = ClientConnection::new(config, endpoint.tls_name())?;
    let mut server = ServerConnection::new(Arc::new(server))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        let server_says = server.process_new_packets();
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets()?;
        server_says?;
    }
    Ok(client)
}

#[test]
fn the_right_name_under_a_known_root() {
    let root = self_signed(authority("Root"));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let server = server_config(&root, HOST, &[version], ring::default_provider());
        let client = handshake(&trust(&root), server).unwrap();
        assert_eq!(client.protocol_version(), Some(version.version));
    }
}

#[test]
fn another_name_is_refused() {
    let root = self_signed(authority("Root"));
    for name in ["db.abc123def456.eu-west-2.rds.amazonaws.com", "localhost"] {
        let server = server_config(&root, name, ANY_VERSION, ring::default_provider());
        let error = handshake(&trust(&root), server).unwrap_err();
        let Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }) = error
        else {
            panic!("{error:?}")
        };
    }
}

#[test]
fn another_root_is_refused() {
    // It has the same name as the one that is trusted.
    let (known, unknown) = (self_signed(authority("Root")), self_signed(authority("Root")));
    let server = server_config(&unknown, HOST, ANY_VERSION, ring::default_provider());
    let error = handshake(&trust(&known), server).unwrap_err();
    let Error::InvalidCertificate(reason) = &error else { panic!("{error:?}") };
    assert!(
        matches!(reason, CertificateError::BadSignature | CertificateError::UnknownIssuer),
        "{reason:?}"
    );

    let stranger = self_signed(authority("Stranger"));
    let server = server_config(&stranger, HOST, ANY_VERSION, ring::default_provider());
    let error = handshake(&trust(&known), server).unwrap_err();
    assert_eq!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer));
}

#[test]
fn a_server_that_takes_p256_alone_answers_at_once() {
    // As PostgreSQL 15 does; an X25519 offer would cost a HelloRetryRequest.
    let root = self_signed(authority("Root"));
    let mut provider = ring::default_provider();
    provider.kx_groups.retain(|group| group.name() == NamedGroup::secp256r1);
    let server = server_config(&root, HOST, ANY_VERSION, provider);
    let client = handshake(&trust(&root), server).unwrap();
    assert_eq!(client.handshake_kind(), Some(HandshakeKind::Full));
    assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
}

#[test]
fn a_server_that_takes_x25519_alone_is_still_understood() {
    let root = self_signed(authority("Root"));
    let mut provider = ring::default_provider();
    provider.kx_groups.retain(|group| group.name() == NamedGroup::X25519);
    let server = server_config(&root, HOST, ANY_VERSION, provider);
    let client = handshake(&trust(&root), server).unwrap();
    assert_eq!(client.handshake_kind(), Some(HandshakeKind::FullWithHelloRetryRequest));
}

#[cfg(feature = "diagnosis")]
#[test]
fn a_recording_verifier_keeps_what_was_presented_and_lets_nothing_more_through() {
    let (known, unknown) = (self_signed(authority("Known")), self_signed(authority("Stranger")));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let serve = |root, name| server_config(root, name, &[version], ring::default_provider());
        for (root, name, trusted) in
            [(&known, HOST, true), (&unknown, HOST, false), (&known, "other.example.com", false)]
        {
            let (config, verifier) = trust(&known).recording_config().unwrap();
            assert_eq!(handshake_with(config, serve(root, name)).is_ok(), trusted, "{name}");
            let presented = verifier.presented();
            let subjects: Vec<_> = presented.iter().map(|one| one.subject()).collect();
            assert_eq!(subjects[1..], ["CN=Amazon RDS Server CA"]);
            assert_eq!(presented[0].names(), [name]);
            assert_eq!(presented[0].issuer(), "CN=Amazon RDS Server CA");
            assert!(presented[0].names_as_issuer(&presented[1]));
            assert_eq!(presented[0].last_day(), "2040-01-01");
            let root = trust(root).anchors().next().unwrap();
            assert!(presented[1].names_as_issuer(&root));
        }
    }
}
