//! The certificates, as a client and a server see them: rustls, with webpki behind it.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use super::*;

const HOST: &str = "local-mysql.abc123def456.eu-west-1.rds.amazonaws.com";
/// Some moment: 2026-11-21T00:00:00Z.
const NOW: u64 = 1_795_219_200;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn parsed(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().unwrap()
}

fn roots(authority: &CertificateAuthority) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let [root] = &parsed(authority.root_pem())[..] else { panic!("one root") };
    roots.add(root.clone()).unwrap();
    Arc::new(roots)
}

/// What a client that trusts `authority` thinks of `chain` from the server `host`, at `seconds`.
fn verdict(
    authority: &CertificateAuthority,
    chain: &[CertificateDer<'_>],
    host: &str,
    seconds: u64,
) -> Result<(), String> {
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let name = ServerName::try_from(host).unwrap();
    WebPkiServerVerifier::builder_with_provider(roots(authority), default_provider().into())
        .build()
        .unwrap()
        .verify_server_cert(&chain[0], &chain[1..], &name, &[], time)
        .map(drop)
        .map_err(|error| error.to_string())
}

/// A TLS handshake in memory, so that key, certificate and signatures are all put to use.
fn handshake(authority: &CertificateAuthority, certificate: &ServerCertificate) {
    let key = PrivateKeyDer::from_pem_slice(certificate.key_pem.as_bytes()).unwrap();
    let server = ServerConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(parsed(&certificate.chain_pem), key)
        .unwrap();
    let client = ClientConfig::builder_with_provider(default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(authority))
        .with_no_client_auth();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let mut client =
        ClientConnection::new(Arc::new(client), ServerName::try_from(HOST).unwrap()).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut &wire[..]).unwrap();
        server.process_new_packets().unwrap();
        wire.clear();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut &wire[..]).unwrap();
        client.process_new_packets().unwrap();
    }
}

fn contains(certificate: &CertificateDer<'_>, bytes: &[u8]) -> bool {
    certificate.windows(bytes.len()).any(|window| window == bytes)
}

/// A distinguished name holds its text as it is, and an algorithm its number.
fn check_shape(key_type: KeyType, label: &str, signature_algorithm: &[u8]) {
    let authority = CertificateAuthority::new("eu-west-1", key_type, at(NOW)).unwrap();
    let certificate = authority.issue(HOST, &[], at(NOW)).unwrap();
    let root = &parsed(authority.root_pem())[0];
    let [server, subordinate] = &parsed(&certificate.chain_pem)[..] else {
        panic!("the chain is server and subordinate")
    };
    let root_name = format!("Amazon RDS eu-west-1 Root CA {label} G1");
    let subordinate_name = format!("Amazon RDS eu-west-1 Subordinate CA {label} G1.A.1");
    assert!(contains(root, root_name.as_bytes()));
    assert!(contains(subordinate, root_name.as_bytes()));
    assert!(contains(subordinate, subordinate_name.as_bytes()));
    assert!(contains(server, subordinate_name.as_bytes()));
    assert!(!contains(server, root_name.as_bytes()));
    for (certificate, constraints, usage) in [
        (root, CA, &SIGNS_CERTIFICATES),
        (subordinate, CA_OF_SERVERS, &SIGNS_CERTIFICATES),
        (server, NO_CA, &SERVES_TLS),
    ] {
        assert!(contains(certificate, signature_algorithm));
        assert!(contains(certificate, constraints));
        assert!(contains(certificate, usage));
    }
    assert!(contains(server, &SERVER_AUTH));

    let chain = [server.clone(), subordinate.clone()];
    assert_eq!(verdict(&authority, &chain, HOST, NOW), Ok(()));
    let wrong_name = verdict(&authority, &chain, "other.eu-west-1.rds.amazonaws.com", NOW);
    assert!(wrong_name.unwrap_err().contains("not valid for name"));
    let no_subordinate = verdict(&authority, &chain[..1], HOST, NOW);
    assert!(no_subordinate.unwrap_err().contains("UnknownIssuer"));
}

// The algorithms' object identifiers, in DER (RFC 8017, RFC 5758).
const SHA256_WITH_RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const SHA384_WITH_RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c];
const ECDSA_WITH_SHA384: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03];

// Basic constraints, as the octet string that an extension holds (RFC 5280, section 4.2.1.9).
const CA: &[u8] = &[0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xff];
const CA_OF_SERVERS: &[u8] = &[0x04, 0x08, 0x30, 0x06, 0x01, 0x01, 0xff, 0x02, 0x01, 0x00];
const NO_CA: &[u8] = &[0x04, 0x02, 0x30, 0x00];
// Key usages, as bit strings (section 4.2.1.3): digitalSignature, keyCertSign and cRLSign;
// digitalSignature and keyEncipherment.
const SIGNS_CERTIFICATES: [u8; 4] = [0x03, 0x02, 0x01, 0x86];
const SERVES_TLS: [u8; 4] = [0x03, 0x02, 0x05, 0xa0];
/// The extended key usage serverAuth (section 4.2.1.12).
const SERVER_AUTH: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];

#[test]
fn rsa_2048_has_rds_shape() {
    check_shape(KeyType::Rsa2048, "RSA2048", &SHA256_WITH_RSA);
}

#[test]
fn rsa_4096_has_rds_shape() {
    check_shape(KeyType::Rsa4096, "RSA4096", &SHA384_WITH_RSA);
}

#[test]
fn p384_has_rds_shape() {
    check_shape(KeyType::P384, "ECC384", &ECDSA_WITH_SHA384);
}

#[test]
fn each_key_type_can_be_served() {
    #[allow(clippy::disallowed_methods, reason = "rustls goes by the real clock")]
    let now = SystemTime::now();
    for key_type in [KeyType::Rsa2048, KeyType::P384] {
        let authority = CertificateAuthority::new("eu-west-1", key_type, now).unwrap();
        handshake(&authority, &authority.issue(HOST, &[], now).unwrap());
    }
}

#[test]
fn they_are_valid_from_an_hour_before_for_a_year() {
    let authority = CertificateAuthority::new("eu-west-1", KeyType::P384, at(NOW)).unwrap();
    let chain = parsed(&authority.issue(HOST, &[], at(NOW)).unwrap().chain_pem);
    let verdict = |seconds| verdict(&authority, &chain, HOST, seconds);
    let year = DAY.as_secs() * 365;
    assert!(verdict(NOW - 3601).unwrap_err().contains("not valid yet"));
    assert_eq!(verdict(NOW - 3600), Ok(()));
    assert_eq!(verdict(NOW + year), Ok(()));
    assert!(verdict(NOW + year + 1).unwrap_err().contains("expired"));
}

#[test]
fn an_authority_of_the_same_name_is_another_one() {
    let new = || CertificateAuthority::new("eu-west-1", KeyType::P384, at(NOW)).unwrap();
    let (trusted, other) = (new(), new());
    let chain = parsed(&other.issue(HOST, &[], at(NOW)).unwrap().chain_pem);
    assert!(verdict(&trusted, &chain, HOST, NOW).is_err());
}

#[test]
fn a_host_longer_than_a_common_name_stands_in_the_alternative_name_alone() {
    let host = format!("{}.{HOST}", "x".repeat(63));
    let authority = CertificateAuthority::new("eu-west-1", KeyType::P384, at(NOW)).unwrap();
    let chain = parsed(&authority.issue(&host, &[], at(NOW)).unwrap().chain_pem);
    assert_eq!(verdict(&authority, &chain, &host, NOW), Ok(()));
}

#[test]
fn a_server_proves_to_be_each_of_its_aliases() {
    let authority = CertificateAuthority::new("eu-west-1", KeyType::P384, at(NOW)).unwrap();
    let cluster = "local.cluster-abc123def456.eu-west-1.rds.amazonaws.com";
    let certificate = authority.issue(HOST, &[cluster.to_owned()], at(NOW)).unwrap();
    let chain = parsed(&certificate.chain_pem);
    assert_eq!(verdict(&authority, &chain, HOST, NOW), Ok(()));
    assert_eq!(verdict(&authority, &chain, cluster, NOW), Ok(()));
    assert!(verdict(&authority, &chain, "local.eu-west-1.rds.amazonaws.com", NOW).is_err());
}

#[test]
fn a_clock_out_of_range_is_an_error_that_says_so() {
    for now in [UNIX_EPOCH - DAY, at(300_000_000_000)] {
        let error = CertificateAuthority::new("eu-west-1", KeyType::P384, now).unwrap_err();
        assert!(error.to_string().contains("set the clock"), "{error}");
    }
}

#[test]
fn debug_shows_no_key() {
    let authority = CertificateAuthority::new("eu-west-1", KeyType::P384, at(NOW)).unwrap();
    let certificate = authority.issue(HOST, &[], at(NOW)).unwrap();
    let shown = format!("{authority:?} {certificate:?}");
    assert!(shown.contains("BEGIN CERTIFICATE"));
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    assert!(certificate.key_pem.contains("PRIVATE KEY"));
}
