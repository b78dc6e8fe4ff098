//! Every invalid CA bundle is refused, with the reason.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod authority;

use std::path::Path;

use authority::{authority, now, self_signed};
use iam_auth::{Endpoint, Roots, TrustStore};
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, date_time_ymd};

fn pem(params: CertificateParams) -> String {
    self_signed(params).pem()
}

/// A certificate authority, but for one change.
fn pem_with(change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = authority("Odd CA");
    change(&mut params);
    pem(params)
}

#[track_caller]
fn refused(bundle: &str) -> iam_auth::Error {
    let error = TrustStore::from_pem(bundle.as_bytes(), "odd.pem", now()).unwrap_err();
    assert!(error.is_trust());
    assert!(error.to_string().starts_with("CA bundle odd.pem: "), "{error}");
    error
}

#[test]
fn a_good_bundle() {
    let root = self_signed(authority("Root 1"));
    let bundle = format!("# eu-west-1\n{}\n{}", root.pem(), pem(authority("Root 2")));
    let trust = TrustStore::from_pem(bundle.as_bytes(), "good.pem", now()).unwrap();
    assert_eq!(trust.len(), 2);
    assert_eq!(trust.source(), "good.pem");
    let digest = ring::digest::digest(&ring::digest::SHA256, bundle.as_bytes());
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(trust.fingerprint(), hex);
    assert_eq!(format!("{trust:?}"), format!("(2 roots from good.pem, sha256 {hex})"));
    assert_eq!(trust.certificates()[0], *root.der());
    let again = TrustStore::from_pem(trust.pem().as_bytes(), "again.pem", now()).unwrap();
    assert_eq!(again.certificates(), trust.certificates());
    let fingerprints: Vec<_> = trust.fingerprints().collect();
    assert_eq!(fingerprints.len(), 2);
    assert!(fingerprints.iter().all(|fingerprint| fingerprint.len() == 64));
    #[cfg(feature = "rustls")]
    assert!(std::sync::Arc::ptr_eq(&trust.client_config(), &trust.client_config()));
}

#[test]
fn a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, pem(authority("Root"))).unwrap();
    let trust = TrustStore::load(file.path(), now()).unwrap();
    let path = file.path().display().to_string();
    let fingerprint = trust.fingerprint();
    assert_eq!(format!("{trust:?}"), format!("(1 root from {path}, sha256 {fingerprint})"));

    file.close().unwrap();
    let error = TrustStore::load(Path::new(&path), now()).unwrap_err();
    assert!(error.is_trust());
    assert!(error.to_string().contains(&path), "{error}");
    let source = std::error::Error::source(&error).unwrap();
    let io = source.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(io.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn no_certificate() {
    for bundle in ["", "\n# nothing here\n"] {
        assert!(refused(bundle).to_string().ends_with("it contains no certificate"));
    }
}

#[test]
fn certificates_out_of_their_time_are_named() {
    let good = pem(authority("Good CA"));
    let expired = pem_with(|params| params.not_after = date_time_ymd(2026, 8, 22));
    let error = refused(&format!("{good}{expired}"));
    let expected = "certificate 2 (CN=Odd CA) expired on 2026-08-22";
    assert!(error.to_string().contains(expected), "{error}");

    let early = pem_with(|params| params.not_before = date_time_ymd(2030, 1, 2));
    let error = refused(&early);
    let expected = "certificate 1 (CN=Odd CA) is not valid before 2030-01-02";
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn the_last_second_counts() {
    // Of a date past 2050, which is written with four digits of the year.
    let pem = pem_with(|params| params.not_after = date_time_ymd(2061, 5, 19));
    let end = std::time::UNIX_EPOCH + std::time::Duration::from_secs(2_883_686_400);
    assert!(TrustStore::from_pem(pem.as_bytes(), "odd.pem", end).is_ok());
    let after = end + std::time::Duration::from_secs(1);
    let error = TrustStore::from_pem(pem.as_bytes(), "odd.pem", after).unwrap_err();
    assert!(error.to_string().contains("expired on 2061-05-19"), "{error}");
}

#[test]
fn only_certificate_authorities_are_anchors() {
    for is_ca in [IsCa::NoCa, IsCa::ExplicitNoCa] {
        let error = refused(&pem_with(|params| params.is_ca = is_ca));
        let expected = "certificate 1 (CN=Odd CA) is not a CA certificate";
        assert!(error.to_string().contains(expected), "{error}");
    }
    let constrained = pem_with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    assert!(TrustStore::from_pem(constrained.as_bytes(), "ok.pem", now()).is_ok());
}

#[test]
fn damage_is_found() {
    let good = pem(authority("Good CA"));
    for (bundle, expected) in [
        (format!("{good}junk"), "is outside a certificate"),
        (good.replace("-----BEGIN CERTIFICATE-----", ""), "line 2 is outside a certificate"),
        (good.replace("-----END CERTIFICATE-----", ""), "begins at line 1, has no END line"),
        // A line is lost: the rest is base64 still, but no certificate.
        (without_line(&good, 3), "certificate 1 is not valid DER"),
        (
            "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n".to_owned(),
            "certificate 1 is not valid DER",
        ),
    ] {
        let error = refused(&bundle);
        assert!(error.to_string().contains(expected), "{error}");
    }
}

fn without_line(text: &str, number: usize) -> String {
    let kept = text.lines().enumerate().filter(|(index, _)| index + 1 != number);
    kept.flat_map(|(_, line)| [line, "\n"]).collect()
}

/// Base64 by hand (RFC 4648, section 4), for bytes that are no certificate.
fn pem_of(der: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut base64 = String::new();
    for chunk in der.chunks(3) {
        let bits =
            chunk.iter().chain(&[0; 2]).take(3).fold(0, |bits, b| bits << 8 | usize::from(*b));
        for index in 0..4 {
            let digit = char::from(DIGITS[bits >> (18 - 6 * index) & 63]);
            base64.push(if index <= chunk.len() { digit } else { '=' });
        }
    }
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

#[test]
fn bytes_after_a_certificate_are_damage() {
    let mut der = self_signed(authority("Good CA")).der().to_vec();
    der.extend([0x05, 0x00]);
    assert!(refused(&pem_of(&der)).to_string().ends_with("certificate 1 is not valid DER"));
}

#[test]
fn no_cut_and_no_flipped_byte_panics() {
    let der = self_signed(authority("Good CA")).der().to_vec();
    for length in 0..der.len() {
        refused(&pem_of(&der[..length]));
    }
    for index in 0..der.len() {
        let mut flipped = der.clone();
        flipped[index] ^= 0x81;
        // Some bytes may differ (the key, the signature): an anchor's signature is not checked.
        let _ = TrustStore::from_pem(pem_of(&flipped).as_bytes(), "odd.pem", now());
    }
}

#[test]
fn a_name_that_would_forge_a_log_line_is_escaped() {
    let error = refused(&pem_with(|params| {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Evil\nlevel=info all is well");
        params.is_ca = IsCa::NoCa;
    }));
    assert!(error.to_string().contains(r"(O=Evil\nlevel=info all is well)"), "{error}");
}

#[test]
fn the_bundle_that_fits_the_endpoint() {
    let amazon = "amazon-trust-roots.pem";
    for (host, file, roots) in [
        ("db.abc1.eu-west-1.rds.amazonaws.com", "eu-west-1-bundle.pem", Roots::Rds),
        ("db.cluster-ro-abc1.rds.cn-north-1.amazonaws.com.cn", "cn-north-1-bundle.pem", Roots::Rds),
        ("db.proxy-abc1.eu-west-1.rds.amazonaws.com", amazon, Roots::Amazon),
        ("ro.endpoint.proxy-abc1.eu-west-1.rds.amazonaws.com", amazon, Roots::Amazon),
        ("db.global-abc1.global.rds.amazonaws.com", "global-bundle.pem", Roots::Rds),
        ("db.internal.example.com", "eu-west-1-bundle.pem", Roots::Rds),
    ] {
        let endpoint = Endpoint::parse(host, 3306)
            .or_else(|_| Endpoint::with_region(host, 3306, "eu-west-1"))
            .unwrap();
        let layer = Path::new("/opt/rds-ca");
        assert_eq!(Roots::of(&endpoint), roots, "{host}");
        assert_eq!(TrustStore::default_path(&endpoint, roots), layer.join(file));
        // An express cluster's name is that of any cluster: only the caller knows.
        assert_eq!(TrustStore::default_path(&endpoint, Roots::Amazon), layer.join(amazon));
    }
    let proxy = Endpoint::parse("db.proxy-abc1.eu-west-1.rds.amazonaws.com", 3306).unwrap();
    let path = TrustStore::default_path(&proxy, Roots::Rds);
    assert_eq!(path, Path::new("/opt/rds-ca/eu-west-1-bundle.pem"));
}
