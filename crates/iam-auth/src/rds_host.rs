//! Parses the host names of RDS, which contain the region, the partition and the kind of the
//! endpoint.
//!
//! The forms are those in the RDS and Aurora user guides and in AWS's own drivers:
//! `<name>.[<kind>-]<id>.<region>.rds.<domain>`, with `rds.<region>` in reverse order in newer
//! Chinese names and the ISO partitions, and `rds-fips` for FIPS endpoints.

use crate::error::{Error, Kind};
use crate::other_service;
use crate::partition::{Partition, is_region};

/// The kind of an RDS endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EndpointKind {
    /// One DB instance: `db.abc123def456.eu-west-1.rds.amazonaws.com`.
    Instance,
    /// A cluster's writer: `db.cluster-abc123def456.…`.
    ClusterWriter,
    /// A cluster's readers: `db.cluster-ro-abc123def456.…`.
    ClusterReader,
    /// A custom endpoint of a cluster: `db.cluster-custom-abc123def456.…`.
    ClusterCustom,
    /// The writer of an Aurora global database, in any region:
    /// `db.global-abc123def456.global.rds.amazonaws.com`.
    GlobalWriter,
    /// The default endpoint of an RDS Proxy: `db.proxy-abc123def456.…`.
    Proxy,
    /// An additional endpoint of an RDS Proxy: `db.endpoint.proxy-abc123def456.…`.
    ProxyEndpoint,
    /// A DB shard group of Aurora PostgreSQL Limitless Database: `db.shardgrp-abc123def456.…`. See
    /// [`unsupported`](Self::unsupported).
    ShardGroup,
    /// Not a known form of RDS: a CNAME, an IP address, a load balancer, localhost.
    Unknown,
}

impl EndpointKind {
    /// Whether it is an RDS Proxy, whose certificates are issued by ACM and not by RDS's CAs.
    pub fn is_proxy(self) -> bool {
        matches!(self, Self::Proxy | Self::ProxyEndpoint)
    }

    /// Why an endpoint of this kind is not one to log in to with IAM, and what to use instead.
    ///
    /// For a DB shard group, AWS documents no resource id that a policy could name. Aurora's guide has
    /// clients connect to the endpoints of the Limitless cluster, whose id is that of any cluster.
    /// Sources: "Working with DB shard groups", "Creating and using an IAM policy for IAM database access",
    /// Aurora user guide.
    #[must_use]
    pub fn unsupported(self) -> Option<&'static str> {
        (self == Self::ShardGroup).then_some(
            "the endpoint of a DB shard group is not supported: AWS documents no resource id of it for a \
             policy; use the writer or reader endpoint of its cluster (….cluster-….rds.amazonaws.com)",
        )
    }
}

/// A parsed host name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RdsHost<'a> {
    pub(crate) kind: EndpointKind,
    pub(crate) region: Option<&'a str>,
}

impl<'a> RdsHost<'a> {
    const UNKNOWN: Self = Self { kind: EndpointKind::Unknown, region: None };

    /// Parses a lowercase host name. Refuses one of another service, a name of RDS that is not a
    /// database's, and one whose region and domain belong to different partitions.
    pub(crate) fn read(host: &'a str) -> Result<Self, Error> {
        if let Some((service, way)) = other_service::of_host(host) {
            let message = format!("{host} belongs to {service}, not to RDS: {way}");
            return Err(Error::new(Kind::OtherService, message));
        }
        let Some((domain, rest)) = split_domain(host) else { return Ok(Self::UNKNOWN) };
        let (name, region) = match split_last_two(rest) {
            (name, region, "rds" | "rds-fips") | (name, "rds" | "rds-fips", region) => {
                (name, region)
            }
            _ => return Ok(Self::UNKNOWN),
        };
        let kind = kind_of(name);
        if region == "global" && kind == EndpointKind::GlobalWriter {
            return Ok(Self { kind, region: None });
        }
        if !is_region(region) {
            return Ok(Self::UNKNOWN);
        }
        if name.is_empty() {
            let message = format!(
                "{host} is the host of the RDS API; use the endpoint of a database, \
                 such as db.abc123def456.{region}.rds.{domain}"
            );
            return Err(Error::new(Kind::Endpoint, message));
        }
        let expected = Partition::of_region(region).domain();
        if domain != expected {
            let message = format!(
                "{host} ends in {domain}, but RDS hosts in {region} end in {expected}; \
                 copy the endpoint as RDS shows it"
            );
            return Err(Error::new(Kind::Endpoint, message));
        }
        Ok(Self { kind, region: Some(region) })
    }
}

/// The partition's domain at the end of `host`, and what precedes it.
fn split_domain(host: &str) -> Option<(&'static str, &str)> {
    Partition::ALL.into_iter().map(Partition::domain).find_map(|domain| {
        let rest = host.strip_suffix(domain)?.strip_suffix('.')?;
        Some((domain, rest))
    })
}

/// Everything before the last two labels, and these two. What is missing is empty.
fn split_last_two(labels: &str) -> (&str, &str, &str) {
    let (rest, last) = labels.rsplit_once('.').unwrap_or(("", labels));
    let (rest, second_last) = rest.rsplit_once('.').unwrap_or(("", rest));
    (rest, second_last, last)
}

/// The kind, from the labels before region and domain.
fn kind_of(name: &str) -> EndpointKind {
    // Longer prefixes first: they start with `cluster-` too.
    const PREFIXES: [(&str, EndpointKind); 6] = [
        ("cluster-ro-", EndpointKind::ClusterReader),
        ("cluster-custom-", EndpointKind::ClusterCustom),
        ("cluster-", EndpointKind::ClusterWriter),
        ("global-", EndpointKind::GlobalWriter),
        ("proxy-", EndpointKind::Proxy),
        ("shardgrp-", EndpointKind::ShardGroup),
    ];
    let Some((name, label)) = name.rsplit_once('.') else { return EndpointKind::Unknown };
    let (kind, id) = PREFIXES
        .iter()
        .find_map(|(prefix, kind)| Some((*kind, label.strip_prefix(prefix)?)))
        .unwrap_or((EndpointKind::Instance, label));
    let (kind, name) = match name.strip_suffix(".endpoint") {
        Some(name) if kind == EndpointKind::Proxy => (EndpointKind::ProxyEndpoint, name),
        _ => (kind, name),
    };
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_id && !name.is_empty() && !name.contains('.') { kind } else { EndpointKind::Unknown }
}
