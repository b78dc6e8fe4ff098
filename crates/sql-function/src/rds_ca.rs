//! The names of RDS's certificate authorities: `Amazon RDS eu-west-1 Root CA RSA2048 G1` is the root of
//! `rds-ca-rsa2048-g1` in Ireland.
//!
//! A name proves nothing, because any authority may use it. The roots are identified by their
//! fingerprints.
//!
//! Source: "Certificate authorities" in the Amazon RDS user guide, and the roots themselves.

use iam_auth::TrustStore;
use rustls::pki_types::{CertificateDer, ServerName};
use std::collections::BTreeSet;
use std::time::SystemTime;

/// The roots in `certs/`, one per line, which ends with the certificate's SHA-256.
const PINS: &str = include_str!("../../../certs/pins.csv");

/// Whether the root with this fingerprint is one of RDS or Amazon Trust Services.
pub(crate) fn is_pinned(fingerprint: &str) -> bool {
    let mut pins = PINS.lines().filter_map(|line| line.rsplit(',').next());
    fingerprint.len() == 64 && pins.any(|pin| pin == fingerprint)
}

/// Whether the roots of RDS in `region` are in `certs/`.
pub(crate) fn has_roots(region: &str) -> bool {
    PINS.lines().any(|line| line.split(',').next() == Some(region))
}

/// Whether this is the name of an RDS certificate.
pub(crate) fn is_rds(name: &str) -> bool {
    rest(name).is_some()
}

/// Whether this is the name of a certificate of Amazon Trust Services or ACM, which RDS Proxy uses.
pub(crate) fn is_amazon_trust(name: &str) -> bool {
    let name = name.strip_prefix("CN=").unwrap_or(name);
    name.starts_with("Amazon Root CA")
        || name.starts_with("Starfield")
        || name.starts_with("Amazon RSA")
        || name.starts_with("Amazon ECDSA")
}

/// The region in the name of an RDS CA.
pub(crate) fn region(name: &str) -> Option<&str> {
    let word = rest(name)?.split(' ').next()?;
    let number = word.rsplit('-').next()?;
    let is_region = word.contains('-') && number.bytes().all(|byte| byte.is_ascii_digit());
    is_region.then_some(word)
}

/// The region of a server that presented these certificates under `name`: that of whose roots one verifies
/// them. Only AWS's own roots count. The names in the certificates themselves prove nothing.
pub(crate) fn proven_region(
    trust: &TrustStore,
    presented: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: SystemTime,
) -> Option<String> {
    let aws = trust.of_aws(is_pinned)?;
    let anchors: Vec<_> = aws.anchors().collect();
    let regions: BTreeSet<_> =
        anchors.iter().filter_map(|anchor| region(anchor.subject())).collect();
    let mut regions = regions.into_iter();
    let verifies =
        |its: &&str| aws.verifies(presented, name, now, |subject| region(subject) == Some(*its));
    regions.find(verifies).map(str::to_owned)
}

/// The CA's identifier in RDS.
pub(crate) fn id(name: &str) -> Option<String> {
    let mut words = rest(name)?.split(' ').skip_while(|word| *word != "CA").skip(1);
    let (key, generation) = (words.next()?, words.next()?);
    // A subordinate CA has a longer generation: `G1.A.1`.
    let generation = generation.split('.').next()?;
    Some(format!("rds-ca-{key}-{generation}").to_ascii_lowercase())
}

fn rest(name: &str) -> Option<&str> {
    name.strip_prefix("CN=").unwrap_or(name).strip_prefix("Amazon RDS ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::time::Duration;

    #[test]
    fn the_roots_in_certs_are_pinned_and_nothing_else() {
        let certs = Path::new("../../certs"); // cargo runs tests in their package's folder
        // In the time of all of them.
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000);
        for file in ["global-bundle.pem", "amazon-trust-roots.pem"] {
            let store = TrustStore::load(&certs.join(file), now).unwrap();
            assert!(store.fingerprints().all(|root| is_pinned(&root)), "{file}");
            assert_eq!(store.of_aws(is_pinned).unwrap().len(), store.len());
            assert!(store.of_aws(|_| false).is_none(), "{file}");
        }
        assert!(!is_pinned("") && !is_pinned("sha256") && !is_pinned(&"0".repeat(64)));
    }

    #[test]
    fn regions_with_roots() {
        assert!(has_roots("eu-west-1") && has_roots("mx-central-1"));
        assert!(
            ["eusc-de-east-1", "us-iso-east-1", "eu-west", "xx-west-1"]
                .iter()
                .all(|it| !has_roots(it))
        );
    }

    #[test]
    fn the_names_of_rds_and_of_others() {
        let root = "CN=Amazon RDS us-gov-west-1 Root CA ECC384 G1";
        assert!(is_rds(root));
        assert_eq!(region(root), Some("us-gov-west-1"));
        assert_eq!(id(root).as_deref(), Some("rds-ca-ecc384-g1"));
        let subordinate = "CN=Amazon RDS eu-west-1 Subordinate CA RSA2048 G1.A.7";
        assert_eq!(id(subordinate).as_deref(), Some("rds-ca-rsa2048-g1"));
        assert_eq!(region("CN=Amazon RDS Root 2019 CA"), None);
        assert!(is_amazon_trust("CN=Amazon RSA 2048 M02") && !is_rds("CN=Amazon Root CA 1"));
    }
}
