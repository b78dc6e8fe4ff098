//! Many roots in one PEM file: how one is read, strictly, and how ours are written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use iam_auth::TrustStore;
use rustls_pki_types::CertificateDer;
use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;
use x509_parser::parse_x509_certificate;

use crate::Failure;
use crate::root::{REGION_KEYS, Root, common_name, is_test_root};

/// The roots of a bundle, as the functions read it: with rustls, strictly. `place` is what errors
/// call it by.
///
/// # Errors
/// It holds anything but certificates, one is no anchor to rustls, or [`Root::read`] refuses one.
pub(crate) fn read(pem: &[u8], place: &str, now: SystemTime) -> Result<Vec<Root>, Failure> {
    let trust = anchors(pem, place, now)?;
    let roots = trust.certificates().iter().map(|der| Root::read(der, now));
    let roots = roots.collect::<Result<Vec<_>, _>>().map_err(|why| format!("{place}: {why}"))?;
    unique(&roots, place)?;
    Ok(roots)
}

/// The same for AWS's own bundle, which holds its test roots too. Those are left out, and named.
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
        Some(root) => Err(format!("{place}: {:?} stands there twice", root.subject).into()),
        None => Ok(()),
    }
}

/// Each region must have one CA of each key, in each generation that it has.
pub(crate) fn three_each(roots: &[Root], place: &str) -> Result<(), Failure> {
    let mut found: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for root in roots {
        let region = root
            .region()
            .ok_or_else(|| format!("{place}: {:?} is the root of no region", root.subject))?;
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

/// PEM (RFC 7468), each root under a comment with its name.
pub(crate) fn write<'a>(roots: impl IntoIterator<Item = &'a Root>) -> String {
    let mut pem = String::new();
    for root in roots {
        pem += &format!("# {}\n-----BEGIN CERTIFICATE-----\n", root.subject);
        let base64 = STANDARD.encode(&root.der);
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            // Base64 is ASCII: every place is between two characters.
            let (line, next) = rest.split_at(rest.len().min(64));
            pem += line;
            pem.push('\n');
            rest = next;
        }
        pem += "-----END CERTIFICATE-----\n";
    }
    pem
}
