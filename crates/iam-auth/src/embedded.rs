//! The roots of RDS, in the program itself: copies of the bundles in this project's `certs/`, which
//! `cargo xtask certs` checks, pins and renews.

use std::time::SystemTime;

use crate::endpoint::Endpoint;
use crate::error::{Error, Kind};
use crate::rds_host::EndpointKind;
use crate::roots::Roots;
use crate::trust::TrustStore;

/// The roots of RDS's regions, each after a comment with its name.
const REGIONS: &str = include_str!("../roots/global-bundle.pem");

/// The roots of Amazon Trust Services.
const AMAZON: &str = include_str!("../roots/amazon-trust-roots.pem");

/// How each certificate ends.
const END: &str = "-----END CERTIFICATE-----\n";

/// Available with the feature `embedded-roots`.
impl TrustStore {
    /// The roots that verify an endpoint, by its kind ([`Roots::of`]). For an Aurora cluster with
    /// express configuration, use [`embedded_from`](Self::embedded_from) with [`Roots::Amazon`].
    ///
    /// Roots change about once in a decade, but new regions bring new ones: a program that runs for
    /// years without an update of this crate should rather [`load`](Self::load) a bundle.
    ///
    /// # Errors
    ///
    /// [`Error::is_trust`] if no root of the region is embedded, or one is not valid at `now`.
    pub fn embedded(endpoint: &Endpoint, now: SystemTime) -> Result<Self, Error> {
        Self::embedded_from(Roots::of(endpoint), endpoint, now)
    }

    /// The given `roots` for an endpoint: Amazon's; or RDS's of its region, and for a global database,
    /// whose writer may be in any region, those of all.
    ///
    /// # Errors
    ///
    /// As for [`embedded`](Self::embedded): no root of the European Sovereign Cloud is known.
    pub fn embedded_from(
        roots: Roots,
        endpoint: &Endpoint,
        now: SystemTime,
    ) -> Result<Self, Error> {
        match (roots, endpoint.kind()) {
            (Roots::Amazon, _) if !endpoint.partition().has_known_roots() => {
                Err(unknown(endpoint.region()))
            }
            (Roots::Amazon, _) => Self::amazon(now),
            (Roots::Rds, EndpointKind::GlobalWriter) => {
                Self::from_pem(REGIONS.as_bytes(), &source("all regions"), now)
            }
            (Roots::Rds, _) => Self::rds(endpoint.region(), now),
        }
    }

    /// The roots of RDS in a region, such as `eu-west-1`: normally three, one for each kind of key.
    ///
    /// # Errors
    ///
    /// [`Error::is_trust`] if none is embedded, or one is not valid at `now`.
    pub fn rds(region: &str, now: SystemTime) -> Result<Self, Error> {
        let pem = of_region(region);
        if pem.is_empty() {
            return Err(unknown(region));
        }
        Self::from_pem(pem.as_bytes(), &source(region), now)
    }

    /// The five roots of Amazon Trust Services, at which the certificates of RDS Proxy and of Aurora
    /// clusters with express configuration end.
    ///
    /// # Errors
    ///
    /// [`Error::is_trust`] if one is not valid at `now`.
    pub fn amazon(now: SystemTime) -> Result<Self, Error> {
        Self::from_pem(AMAZON.as_bytes(), &source("Amazon Trust Services"), now)
    }
}

/// There are no roots of a region.
fn unknown(region: &str) -> Error {
    let message = format!(
        "iam-auth {} has no roots of the region {region:?}; download the region's bundle (RDS user guide, \
         \"Certificate bundles by AWS Region\") and load it with TrustStore::load",
        env!("CARGO_PKG_VERSION")
    );
    Error::new(Kind::Trust, message)
}

/// What errors call the roots of `owner`.
fn source(owner: &str) -> String {
    format!("iam-auth {} ({owner})", env!("CARGO_PKG_VERSION"))
}

/// The part of the regions' bundle that is about one region.
fn of_region(region: &str) -> String {
    let comment = format!("# Amazon RDS {region} Root CA ");
    REGIONS.split_inclusive(END).filter(|root| root.starts_with(&comment)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::time::{Duration, UNIX_EPOCH};

    /// In the time of all roots.
    fn now() -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_790_000_000)
    }

    fn endpoint(host: &str) -> Endpoint {
        Endpoint::parse(host, 5432)
            .or_else(|_| Endpoint::with_region(host, 5432, "eu-west-1"))
            .unwrap()
    }

    fn subjects(trust: &TrustStore) -> Vec<String> {
        trust.anchors().map(|root| root.subject().to_owned()).collect()
    }

    #[test]
    fn a_comment_names_the_certificate_below_it() {
        for root in REGIONS.split_inclusive(END).chain(AMAZON.split_inclusive(END)) {
            let trust = TrustStore::from_pem(root.as_bytes(), "root", now()).unwrap();
            let name = root.lines().next().unwrap().strip_prefix("# ").unwrap();
            assert_eq!(subjects(&trust), [format!("CN={name}")]);
        }
    }

    #[test]
    fn every_region_has_roots_for_each_kind_of_key() {
        let mut regions: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for line in REGIONS.lines().filter_map(|line| line.strip_prefix("# Amazon RDS ")) {
            let (region, ca) = line.split_once(" Root CA ").unwrap();
            regions.entry(region).or_default().push(ca);
        }
        assert!(regions.len() >= 27);
        for (region, cas) in regions {
            let trust = TrustStore::rds(region, now()).unwrap();
            assert_eq!(cas, ["ECC384 G1", "RSA2048 G1", "RSA4096 G1"], "{region}");
            let name = |ca| format!("CN=Amazon RDS {region} Root CA {ca}");
            let expected: Vec<_> = cas.into_iter().map(name).collect();
            assert_eq!(subjects(&trust), expected, "{region}");
        }
    }

    #[test]
    fn the_roots_that_fit_the_endpoint() {
        let region = "CN=Amazon RDS eu-west-1 Root CA ECC384 G1";
        for (host, first, count) in [
            ("db.abc1.eu-west-1.rds.amazonaws.com", region, 3),
            ("db.cluster-ro-abc1.eu-west-1.rds.amazonaws.com", region, 3),
            ("db.internal.example.com", region, 3),
            ("db.proxy-abc1.eu-west-1.rds.amazonaws.com", "CN=Amazon Root CA 1", 5),
            ("ro.endpoint.proxy-abc1.us-east-1.rds.amazonaws.com", "CN=Amazon Root CA 1", 5),
        ] {
            let trust = TrustStore::embedded(&endpoint(host), now()).unwrap();
            assert_eq!((&*subjects(&trust)[0], trust.len()), (first, count), "{host}");
        }
        let express = endpoint("db.cluster-abc1.eu-west-1.rds.amazonaws.com");
        let trust = TrustStore::embedded_from(Roots::Amazon, &express, now()).unwrap();
        assert_eq!(trust.len(), 5);
        let global = endpoint("db.global-abc1.global.rds.amazonaws.com");
        let trust = TrustStore::embedded(&global, now()).unwrap();
        assert_eq!(trust.len(), REGIONS.matches(END).count());
    }

    #[test]
    fn a_region_without_roots_is_refused_with_the_way_out() {
        // A region's name is no prefix of another's roots.
        for region in ["cn-north-1", "eu-west", "eu-west-1 ", "", "Root"] {
            let error = TrustStore::rds(region, now()).unwrap_err();
            assert!(error.is_trust());
            assert!(error.to_string().contains("TrustStore::load"), "{error}");
        }
        // Neither family verifies what the European Sovereign Cloud issues.
        for host in [
            "db.abc1.eusc-de-east-1.rds.amazonaws.eu",
            "db.proxy-abc1.eusc-de-east-1.rds.amazonaws.eu",
        ] {
            let error = TrustStore::embedded(&endpoint(host), now()).unwrap_err();
            assert!(error.is_trust(), "{error}");
            assert!(error.to_string().contains("eusc-de-east-1"), "{error}");
        }
    }

    #[test]
    fn a_clock_before_the_roots_is_told_with_their_place() {
        let error = TrustStore::rds("eu-west-1", UNIX_EPOCH).unwrap_err().to_string();
        let version = env!("CARGO_PKG_VERSION");
        let place = format!("CA bundle iam-auth {version} (eu-west-1): certificate 1 ");
        assert!(error.starts_with(&place), "{error}");
        assert!(error.contains("is not valid before"), "{error}");
        let trust = format!("{:?}", TrustStore::rds("eu-west-1", now()).unwrap());
        let start = format!("(3 roots from iam-auth {version} (eu-west-1), sha256 ");
        assert!(trust.starts_with(&start), "{trust}");
    }
}
