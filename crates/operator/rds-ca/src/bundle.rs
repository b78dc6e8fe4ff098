//! Bundles, which are PEM files of root certificates: reading them strictly, and writing them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use iam_auth::TrustStore;
use rustls_pki_types::CertificateDer;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;
use x509_parser::parse_x509_certificate;

use crate::Failure;
use crate::root::{REGION_KEYS, Root, common_name, is_test_root};

/// The roots of a bundle, read as the functions read it. Errors name `place`.
///
/// # Errors
/// It contains anything but certificates, rustls does not accept one as a trust anchor, or
/// [`Root::read`] refuses one.
pub(crate) fn read(pem: &[u8], place: &str, now: SystemTime) -> Result<Vec<Root>, Failure> {
    let trust = anchors(pem, place, now)?;
    let roots = trust.certificates().iter().map(|der| Root::read(der, now));
    let roots = roots.collect::<Result<Vec<_>, _>>().map_err(|why| format!("{place}: {why}"))?;
    unique(&roots, place)?;
    Ok(roots)
}

/// The same for AWS's bundle, without the test roots in it, whose names are returned too.
pub(crate) fn read_without_test_roots(
    pem: &[u8],
    place: &str,
    now: SystemTime,
) -> Result<(Vec<Root>, Vec<String>), Failure> {
    let trust = anchors(pem, place, now)?;
    let mut roots = Vec::new();
    let mut left_out = Vec::new();
    for der in trust.certificates() {
        match test_root(der) {
            Some(subject) => left_out.push(subject),
            None => roots.push(Root::read(der, now).map_err(|why| format!("{place}: {why}"))?),
        }
    }
    unique(&roots, place)?;
    Ok((roots, left_out))
}

fn anchors(pem: &[u8], place: &str, now: SystemTime) -> Result<TrustStore, Failure> {
    TrustStore::from_pem(pem, place, now).map_err(|error| crate::download::chain(&error).into())
}

fn test_root(der: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    common_name(&certificate).ok().filter(|subject| is_test_root(subject))
}

fn unique(roots: &[Root], place: &str) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    match roots.iter().find(|root| !seen.insert(&root.subject)) {
        Some(root) => Err(format!("{place}: {:?} is there twice", root.subject).into()),
        None => Ok(()),
    }
}

/// Checks that each generation of a region's CAs has one for each kind of key.
pub(crate) fn three_each(roots: &[Root], place: &str) -> Result<(), Failure> {
    let mut found: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for root in roots {
        let region = root
            .region()
            .ok_or_else(|| format!("{place}: {:?} is not the root of a region", root.subject))?;
        let generation = root.ca().rsplit('-').next().unwrap_or_default();
        found.entry((region, generation)).or_default().insert(root.ca());
    }
    for ((region, generation), found) in found {
        for (key, _) in REGION_KEYS {
            let ca = format!("rds-ca-{}-{generation}", key.to_ascii_lowercase());
            if !found.contains(ca.as_str()) {
                return Err(format!(
                    "{place}: {region} has {} of its three CAs, {ca} is missing",
                    found.len()
                )
                .into());
            }
        }
    }
    Ok(())
}

/// PEM (RFC 7468), with a comment before each root.
pub(crate) fn write<'a>(roots: impl IntoIterator<Item = &'a Root>) -> String {
    let mut pem = String::new();
    for root in roots {
        pem += &format!("# {}\n-----BEGIN CERTIFICATE-----\n", root.subject);
        let base64 = STANDARD.encode(&root.der);
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            // Base64 is ASCII, so every index is a character boundary.
            let (line, next) = rest.split_at(rest.len().min(64));
            pem += line;
            pem.push('\n');
            rest = next;
        }
        pem += "-----END CERTIFICATE-----\n";
    }
    pem
}
