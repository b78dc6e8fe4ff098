//! Certificates that differ from roots of RDS in one thing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, date_time_ymd,
};

use crate::folder::bundle;

/// The name of most forgeries, which is that of a root of eu-west-1.
pub(crate) const NAME: &str = "Amazon RDS eu-west-1 Root CA ECC384 G1";

/// A self-signed root with a P-384 key, altered by `change`, in PEM.
pub(crate) fn forged(name: &str, change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2021, 5, 21);
    params.not_after = date_time_ymd(2121, 5, 21);
    change(&mut params);
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    params.self_signed(&key).unwrap().pem().replace("\r\n", "\n")
}

/// The real root called `name`, in DER.
pub(crate) fn real(name: &str) -> Vec<u8> {
    let bundle = bundle();
    let (_, rest) = bundle.split_once(&format!("# {name}\n-----BEGIN CERTIFICATE-----\n")).unwrap();
    let (base64, _) = rest.split_once("-----END").unwrap();
    STANDARD.decode(base64.replace('\n', "")).unwrap()
}

/// Bytes as a certificate in PEM.
pub(crate) fn pem(der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

/// The real root [`NAME`] with the region in its name changed: `times` is 1 for the issuer alone,
/// 2 for the subject too.
pub(crate) fn renamed(times: usize) -> Vec<u8> {
    let mut der = real(NAME);
    let places: Vec<_> =
        der.windows(9).enumerate().filter(|(_, w)| w == b"eu-west-1").map(|(i, _)| i).collect();
    assert_eq!(places.len(), 2);
    for place in &places[..times] {
        der[place + 8] = b'9';
    }
    der
}

/// The real root [`NAME`] with the last bit of its signature flipped.
pub(crate) fn flipped() -> Vec<u8> {
    let mut der = real(NAME);
    *der.last_mut().unwrap() ^= 1;
    der
}

/// Bundles with one bad certificate: what is wrong, the bundle, and the error.
pub(crate) fn wrong_bundles() -> Vec<(&'static str, String, &'static str)> {
    let good = bundle();
    let with = |block: &str| crate::folder::replaced(&good, NAME, block);
    let altered = |change: fn(&mut CertificateParams)| with(&forged(NAME, change));
    vec![
        ("a flipped bit", with(&pem(&flipped())), "has an invalid signature"),
        (
            "an expired one",
            altered(|p| p.not_after = date_time_ymd(2026, 8, 1)),
            "expired on 2026-08-01",
        ),
        (
            "one that expires",
            altered(|p| p.not_after = date_time_ymd(2027, 11, 1)),
            "expires on 2027-11-01, in less than a year",
        ),
        (
            "one from the future",
            altered(|p| p.not_before = date_time_ymd(2030, 1, 1)),
            "is not valid before 2030-01-01",
        ),
        ("a non-CA", altered(|p| p.is_ca = IsCa::ExplicitNoCa), "is not a certificate authority"),
        (
            "one that may not sign",
            altered(|p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature]),
            "lacks keyCertSign",
        ),
        (
            "another key than its name says",
            with(&forged("Amazon RDS eu-west-1 Root CA RSA2048 G1", |_| ())),
            "has a key of EC P-384, but its name says RSA 2048",
        ),
        ("a duplicated one", good.clone() + &pem(&real(NAME)), "is there twice"),
        ("a renamed one", with(&pem(&renamed(1))), "was issued by"),
        ("one renamed all over", with(&pem(&renamed(2))), "has an invalid signature"),
        ("a web server's root", with(&forged("GTS Root R1", |_| ())), "is not the name of a root"),
        ("one too few", crate::folder::without(&good, NAME), "eu-west-1 has 2 of its three CAs"),
        ("a truncated file", good[..good.len() - 40].to_owned(), "has no END line"),
        ("a damaged line", good.replacen("MII", "M!I", 1), "is damaged"),
        (
            "a private key",
            good.clone() + "-----BEGIN PRIVATE KEY-----\n",
            "contains only certificates",
        ),
        ("nothing", String::new(), "it contains no certificate"),
    ]
}
