//! An RDS endpoint. A token is signed for exactly this host, port and region, and the server's
//! certificate must name this host, wherever TCP connects.

use std::fmt;

use rustls_pki_types::ServerName;

use crate::dial_address::{DialAddress, authority};
use crate::error::{Error, Kind};
use crate::partition::{Partition, is_region};
use crate::rds_host::{EndpointKind, RdsHost};

/// An RDS endpoint: a valid host, port and region, with the kind of the endpoint.
///
/// ```
/// use iam_auth::{Endpoint, EndpointKind};
///
/// let endpoint = Endpoint::parse("db.cluster-abc123def456.eu-west-1.rds.amazonaws.com", 3306)?;
/// assert_eq!(endpoint.region(), "eu-west-1");
/// assert_eq!(endpoint.kind(), EndpointKind::ClusterWriter);
/// # Ok::<(), iam_auth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    region: String,
    kind: EndpointKind,
    tls_name: ServerName<'static>,
}

impl Endpoint {
    /// An endpoint whose host name contains its region, as RDS's regional endpoints do.
    ///
    /// The host is only a host name or an IP address (IPv6 without brackets). It is converted to
    /// lowercase, and a trailing dot is removed: the token is checked, and the certificate issued,
    /// for that form.
    ///
    /// # Errors
    ///
    /// [`Error::is_region_unknown`] if the host has no region; [`Error::is_endpoint`] if it is not
    /// a host (it contains whitespace, a scheme, a port or a path), if it is not a database's, or
    /// if the port is 0; among these [`Error::is_other_service`] if it is the host of Aurora DSQL,
    /// Redshift, DocumentDB or another service of AWS.
    pub fn parse(host: &str, port: u16) -> Result<Self, Error> {
        let (host, tls_name) = checked(host, port)?;
        let RdsHost { kind, region } = RdsHost::read(&host)?;
        let Some(region) = region.map(str::to_owned) else {
            let message = format!(
                "host {host} does not contain a region; set the region, and use the endpoint that RDS \
                 shows: RDS rejects a token for a CNAME or an IP address"
            );
            return Err(Error::new(Kind::RegionUnknown, message));
        };
        Ok(Self { host, port, region, kind, tls_name })
    }

    /// An endpoint in the given region, for a host name without one. The host is read as by
    /// [`parse`](Self::parse).
    ///
    /// # Errors
    ///
    /// [`Error::is_region_mismatch`] if the host is in another region; [`Error::is_endpoint`] as
    /// for `parse`, and if `region` does not have the form `eu-west-1`.
    pub fn with_region(host: &str, port: u16, region: &str) -> Result<Self, Error> {
        let (host, tls_name) = checked(host, port)?;
        if !is_region(region) {
            let message = format!("region {region:?} does not have the form eu-west-1");
            return Err(Error::new(Kind::Endpoint, message));
        }
        let RdsHost { kind, region: own } = RdsHost::read(&host)?;
        if let Some(own) = own.filter(|own| *own != region) {
            let message = format!(
                "region {region} contradicts host {host}, which is in {own}; remove the region"
            );
            return Err(Error::new(Kind::RegionMismatch, message));
        }
        Ok(Self { host, port, region: region.to_owned(), kind, tls_name })
    }

    /// The host in lowercase, as the token is signed for it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port, never 0. It is signed too.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The region that the token is signed for, such as `eu-west-1`.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The partition that the region belongs to.
    pub fn partition(&self) -> Partition {
        Partition::of_region(&self.region)
    }

    /// The kind of the endpoint, from its name.
    pub fn kind(&self) -> EndpointKind {
        self.kind
    }

    /// The name that the server's certificate must have.
    pub fn tls_name(&self) -> ServerName<'static> {
        self.tls_name.clone()
    }

    /// The endpoint's own host and port, where TCP connects by default.
    pub fn dial_address(&self) -> DialAddress {
        DialAddress::new(&self.host, self.port)
    }

    /// The endpoint of another instance of the same account and region, on the same port: a name such as
    /// a cluster gives of its instances, or a whole host. `None` if the host is that of no instance, or of
    /// another account or region; and if this endpoint is that of a proxy or a global database, or none of
    /// RDS's.
    ///
    /// All endpoints of an account in a region have the same id in their names: `db.abc1.eu-west-1.…` and
    /// `db.cluster-abc1.eu-west-1.…`. Source: "Amazon Aurora endpoint connections", Aurora user guide.
    ///
    /// ```
    /// use iam_auth::Endpoint;
    ///
    /// let cluster = Endpoint::parse("db.cluster-abc123def456.eu-west-1.rds.amazonaws.com", 3306)?;
    /// let instance = cluster.sibling("db-instance-2").expect("of the same cluster");
    /// assert_eq!(instance.host(), "db-instance-2.abc123def456.eu-west-1.rds.amazonaws.com");
    /// # Ok::<(), iam_auth::Error>(())
    /// ```
    #[must_use]
    pub fn sibling(&self, instance_or_host: &str) -> Option<Endpoint> {
        let of_account = self.of_account()?;
        let host = match instance_or_host.contains('.') {
            true => instance_or_host.to_owned(),
            false => format!("{instance_or_host}.{of_account}"),
        };
        let other = Self::with_region(&host, self.port, &self.region).ok()?;
        let is_sibling =
            other.kind == EndpointKind::Instance && other.of_account() == Some(of_account);
        is_sibling.then_some(other)
    }

    /// What the endpoints of an account in a region have in common: `abc123def456.eu-west-1.rds.…`.
    fn of_account(&self) -> Option<&str> {
        let prefix = match self.kind {
            EndpointKind::Instance => "",
            EndpointKind::ClusterWriter => "cluster-",
            EndpointKind::ClusterReader => "cluster-ro-",
            EndpointKind::ClusterCustom => "cluster-custom-",
            EndpointKind::GlobalWriter
            | EndpointKind::Proxy
            | EndpointKind::ProxyEndpoint
            | EndpointKind::ShardGroup
            | EndpointKind::Unknown => return None,
        };
        self.host.split_once('.')?.1.strip_prefix(prefix)
    }

    /// `host:port` as in the token's URL.
    pub(crate) fn authority(&self) -> String {
        authority(&self.host, self.port)
    }
}

/// `host:port`, or `[::1]:port` for an IPv6 address.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())
    }
}

/// The host in its canonical form, and as a TLS server name.
fn checked(host: &str, port: u16) -> Result<(String, ServerName<'static>), Error> {
    let refuse = |why: &str| Error::new(Kind::Endpoint, format!("host {host:?} {why}"));
    if port == 0 {
        return Err(Error::new(Kind::Endpoint, format!("port 0 of host {host:?} is not a port")));
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    match ServerName::try_from(name.clone()) {
        // An address has several spellings, but the signature covers only one.
        Ok(ServerName::IpAddress(address)) => {
            let spelled = std::net::IpAddr::from(address).to_string();
            Ok((spelled, ServerName::IpAddress(address)))
        }
        Ok(tls_name) if !name.ends_with('.') => Ok((name, tls_name)),
        _ if host.is_empty() => Err(refuse("is empty; use the endpoint that RDS shows")),
        _ if host.contains(char::is_whitespace) => Err(refuse("contains whitespace; remove it")),
        _ if host.contains("://") => Err(refuse("contains a scheme; use only the host name")),
        _ if host.contains('/') => Err(refuse("contains a path; use only the host name")),
        _ if host.contains('@') => Err(refuse("contains a user; use only the host name")),
        _ if host.contains(':') => Err(refuse("contains a port; set the port separately")),
        _ => Err(refuse("is not a host name: letters, digits and hyphens between single dots")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(host: &str) -> Endpoint {
        Endpoint::parse(host, 3306).unwrap()
    }

    #[test]
    fn every_form_of_rds() {
        for (host, region, partition, kind) in [
            (
                "db.abc123def456.eu-west-1.rds.amazonaws.com",
                "eu-west-1",
                "aws",
                EndpointKind::Instance,
            ),
            (
                "db.cluster-abc1.ap-southeast-7.rds.amazonaws.com",
                "ap-southeast-7",
                "aws",
                EndpointKind::ClusterWriter,
            ),
            (
                "db.cluster-ro-abc1.sa-east-1.rds.amazonaws.com",
                "sa-east-1",
                "aws",
                EndpointKind::ClusterReader,
            ),
            (
                "db.cluster-custom-abc1.us-east-1.rds.amazonaws.com",
                "us-east-1",
                "aws",
                EndpointKind::ClusterCustom,
            ),
            ("db.proxy-abc1.us-east-1.rds.amazonaws.com", "us-east-1", "aws", EndpointKind::Proxy),
            (
                "ro.endpoint.proxy-abc1.us-east-1.rds.amazonaws.com",
                "us-east-1",
                "aws",
                EndpointKind::ProxyEndpoint,
            ),
            (
                "db.shardgrp-abc1.us-east-1.rds.amazonaws.com",
                "us-east-1",
                "aws",
                EndpointKind::ShardGroup,
            ),
            (
                "cluster-ro-x.abc1.us-east-1.rds.amazonaws.com",
                "us-east-1",
                "aws",
                EndpointKind::Instance,
            ),
            (
                "endpoint.proxy-abc1.us-east-1.rds.amazonaws.com",
                "us-east-1",
                "aws",
                EndpointKind::Proxy,
            ),
            (
                "db.abc1.us-east-1.rds-fips.amazonaws.com",
                "us-east-1",
                "aws",
                EndpointKind::Instance,
            ),
            (
                "db.abc1.us-gov-west-1.rds.amazonaws.com",
                "us-gov-west-1",
                "aws-us-gov",
                EndpointKind::Instance,
            ),
            (
                "db.abc1.rds.us-gov-east-1.amazonaws.com",
                "us-gov-east-1",
                "aws-us-gov",
                EndpointKind::Instance,
            ),
            (
                "db.abc1.rds.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
                "aws-cn",
                EndpointKind::Instance,
            ),
            (
                "db.abc1.cn-north-1.rds.amazonaws.com.cn",
                "cn-north-1",
                "aws-cn",
                EndpointKind::Instance,
            ),
            (
                "db.cluster-ro-abc1.rds.cn-northwest-1.amazonaws.com.cn",
                "cn-northwest-1",
                "aws-cn",
                EndpointKind::ClusterReader,
            ),
            (
                "db.proxy-abc1.cn-northwest-1.rds.amazonaws.com.cn",
                "cn-northwest-1",
                "aws-cn",
                EndpointKind::Proxy,
            ),
            (
                "x.endpoint.proxy-abc1.rds.cn-north-1.amazonaws.com.cn",
                "cn-north-1",
                "aws-cn",
                EndpointKind::ProxyEndpoint,
            ),
            (
                "db.abc1.eusc-de-east-1.rds.amazonaws.eu",
                "eusc-de-east-1",
                "aws-eusc",
                EndpointKind::Instance,
            ),
            (
                "db.abc1.rds.us-iso-east-1.c2s.ic.gov",
                "us-iso-east-1",
                "aws-iso",
                EndpointKind::Instance,
            ),
            (
                "db.cluster-abc1.us-isob-east-1.rds.sc2s.sgov.gov",
                "us-isob-east-1",
                "aws-iso-b",
                EndpointKind::ClusterWriter,
            ),
            (
                "db.abc1.rds.eu-isoe-west-1.cloud.adc-e.uk",
                "eu-isoe-west-1",
                "aws-iso-e",
                EndpointKind::Instance,
            ),
            (
                "db.abc1.rds.us-isof-south-1.csp.hci.ic.gov",
                "us-isof-south-1",
                "aws-iso-f",
                EndpointKind::Instance,
            ),
            // An unknown form still contains its region.
            ("a.b.c.eu-west-1.rds.amazonaws.com", "eu-west-1", "aws", EndpointKind::Unknown),
            (
                "db.quorum-abc1.eu-west-1.rds.amazonaws.com",
                "eu-west-1",
                "aws",
                EndpointKind::Unknown,
            ),
            ("abc1.eu-west-1.rds.amazonaws.com", "eu-west-1", "aws", EndpointKind::Unknown),
        ] {
            let endpoint = parsed(host);
            assert_eq!(endpoint.region(), region, "{host}");
            assert_eq!(endpoint.partition().as_str(), partition, "{host}");
            assert_eq!(endpoint.kind(), kind, "{host}");
            assert_eq!(Endpoint::with_region(host, 3306, region).unwrap(), endpoint, "{host}");
        }
    }

    #[test]
    fn hosts_without_a_region_need_one() {
        for host in [
            "localhost",
            "db.example.com",
            "10.0.0.7",
            "::1",
            "db",
            "nlb-1.elb.eu-west-1.amazonaws.com",
            "db.global-abc1.global.rds.amazonaws.com",
            "db.abc1.eu-west-1.rds.amazonaws.com.example.com",
            "db.abc1.somewhere.rds.amazonaws.com",
            "xrds.amazonaws.com",
        ] {
            let error = Endpoint::parse(host, 5432).unwrap_err();
            assert!(error.is_region_unknown(), "{host}: {error}");
            assert!(error.to_string().contains(host), "{error}");

            let endpoint = Endpoint::with_region(host, 5432, "cn-north-1").unwrap();
            assert_eq!(endpoint.region(), "cn-north-1");
            assert_eq!(endpoint.partition(), Partition::AwsCn);
        }
        let global =
            Endpoint::with_region("db.global-a1.global.rds.amazonaws.com", 1, "eu-west-1").unwrap();
        assert_eq!(global.kind(), EndpointKind::GlobalWriter);
    }

    #[test]
    fn a_region_that_contradicts_the_host_is_refused() {
        let host = "db.abc1.eu-west-1.rds.amazonaws.com";
        let error = Endpoint::with_region(host, 3306, "eu-west-2").unwrap_err();
        assert!(error.is_region_mismatch());
        let message = error.to_string();
        assert!([host, "eu-west-1", "eu-west-2"].iter().all(|part| message.contains(part)));
    }

    #[test]
    fn a_malformed_region_is_refused() {
        for region in ["", "Ireland", "EU-WEST-1", "eu-west", "eu-west-1 ", "eu-west-1a", "west-1"]
        {
            let error = Endpoint::with_region("localhost", 3306, region).unwrap_err();
            assert!(error.is_endpoint(), "{region:?}: {error}");
        }
    }

    #[test]
    fn the_host_of_another_service_is_refused_with_its_tokens() {
        for (host, tokens) in [
            ("foo4abc.dsql.us-east-1.on.aws", "service dsql and the action DbConnect"),
            ("DW.abc123.us-west-2.Redshift.amazonaws.com.", "GetClusterCredentialsWithIAM"),
            ("docs.cluster-abc123.eu-west-1.docdb.amazonaws.com", "MONGODB-AWS"),
            ("g.cluster-abc123.us-east-1.neptune.amazonaws.com", "neptune-db"),
        ] {
            for refused in
                [Endpoint::parse(host, 5432), Endpoint::with_region(host, 5432, "us-east-1")]
            {
                let error = refused.unwrap_err();
                assert!(error.is_endpoint() && error.is_other_service(), "{error}");
                assert!(error.to_string().contains(tokens), "{error}");
            }
        }
        let rds = Endpoint::parse("rds.eu-west-1.amazonaws.com", 5432).unwrap_err();
        assert!(!rds.is_other_service(), "{rds}");
    }

    #[test]
    fn a_shard_group_is_not_supported_and_all_others_are() {
        let kind = |host| parsed(host).kind();
        let why = kind("db.shardgrp-abc1.us-east-1.rds.amazonaws.com").unsupported().unwrap();
        assert!(why.contains("cluster-"), "{why}");
        for host in ["db.abc1.us-east-1.rds.amazonaws.com", "a.b.c.eu-west-1.rds.amazonaws.com"] {
            assert_eq!(kind(host).unsupported(), None);
        }
    }

    #[test]
    fn siblings_are_of_the_same_account_and_region() {
        for of_account in [
            "abc1.eu-west-1.rds.amazonaws.com",
            "abc1.us-gov-west-1.rds.amazonaws.com",
            "abc1.rds.us-gov-east-1.amazonaws.com",
            "abc1.rds.cn-north-1.amazonaws.com.cn",
            "abc1.cn-northwest-1.rds.amazonaws.com.cn",
            "abc1.us-east-1.rds-fips.amazonaws.com",
        ] {
            let instance = format!("i-2.{of_account}");
            for kind in ["", "cluster-", "cluster-ro-", "cluster-custom-"] {
                let own = parsed(&format!("db.{kind}{of_account}"));
                let by_name = own.sibling("i-2").unwrap();
                assert_eq!(by_name, parsed(&instance));
                assert_eq!(by_name.kind(), EndpointKind::Instance);
                assert_eq!((by_name.port(), by_name.region()), (own.port(), own.region()));
                assert_eq!(own.sibling("I-2"), Some(by_name.clone()), "RDS's names have no case");
                assert_eq!(own.sibling(&format!("{instance}.")), Some(by_name));
            }
        }
    }

    #[test]
    fn what_is_not_of_the_same_account_and_region_is_no_sibling() {
        let own = parsed("db.cluster-abc1.eu-west-1.rds.amazonaws.com");
        for other in [
            "i-2.abc2.eu-west-1.rds.amazonaws.com",
            "i-2.xabc1.eu-west-1.rds.amazonaws.com",
            "i-2.abc1.eu-west-2.rds.amazonaws.com",
            "i-2.abc1.rds.eu-west-1.amazonaws.com",
            "i-2.abc1.eu-west-1.rds-fips.amazonaws.com",
            "i-2.abc1.eu-west-1.rds.amazonaws.com.example.com",
            "i-2.abc1.eu-west-1.rds.amazonaws.com.cn",
            // A cluster names its instances, and nothing else.
            "db.cluster-abc1.eu-west-1.rds.amazonaws.com",
            "other.cluster-abc1.eu-west-1.rds.amazonaws.com",
            "db.cluster-ro-abc1.eu-west-1.rds.amazonaws.com",
            "any.cluster-custom-abc1.eu-west-1.rds.amazonaws.com",
            "i-2.proxy-abc1.eu-west-1.rds.amazonaws.com",
            "x.endpoint.proxy-abc1.eu-west-1.rds.amazonaws.com",
            "i-2.shardgrp-abc1.eu-west-1.rds.amazonaws.com",
            "db.global-abc1.global.rds.amazonaws.com",
            "abc1.eu-west-1.rds.amazonaws.com",
            ".abc1.eu-west-1.rds.amazonaws.com",
            "a.b.abc1.eu-west-1.rds.amazonaws.com",
            "i-2.cluster-abc1",
            "10.0.0.7",
            "::1",
            "i-2:3306",
            "me@i-2",
            "i 2",
            "",
            ".",
        ] {
            assert_eq!(own.sibling(other), None, "{other:?}");
        }
        for host in [
            "db.proxy-abc1.eu-west-1.rds.amazonaws.com",
            "ro.endpoint.proxy-abc1.eu-west-1.rds.amazonaws.com",
            "db.shardgrp-abc1.eu-west-1.rds.amazonaws.com",
            "db.global-abc1.global.rds.amazonaws.com",
            "abc1.eu-west-1.rds.amazonaws.com",
            "db.example.com",
            "localhost",
            "10.0.0.7",
        ] {
            let own = Endpoint::with_region(host, 3306, "eu-west-1").unwrap();
            for other in ["i-2", "i-2.abc1.eu-west-1.rds.amazonaws.com", host] {
                assert_eq!(own.sibling(other), None, "{host}: {other}");
            }
        }
    }

    #[test]
    fn one_spelling_of_the_host() {
        let endpoint = parsed("DB.Abc1.EU-West-1.RDS.amazonaws.com.");
        assert_eq!(endpoint.host(), "db.abc1.eu-west-1.rds.amazonaws.com");
        assert_eq!(endpoint.tls_name().to_str(), endpoint.host());
        assert_eq!(endpoint.dial_address().to_string(), format!("{}:3306", endpoint.host()));
        let ipv6 = Endpoint::with_region("0:0::0:1", 5432, "eu-west-1").unwrap();
        assert_eq!((ipv6.host(), ipv6.to_string().as_str()), ("::1", "[::1]:5432"));
    }

    #[test]
    fn what_is_no_host_is_refused_with_the_way_out() {
        for (host, way_out) in [
            ("", "is empty"),
            (" db.abc1.eu-west-1.rds.amazonaws.com", "contains whitespace"),
            ("db.abc1.eu-west-1.rds.amazonaws.com\n", "contains whitespace"),
            ("mysql://db.abc1.eu-west-1.rds.amazonaws.com", "contains a scheme"),
            ("db.abc1.eu-west-1.rds.amazonaws.com:3306", "set the port separately"),
            ("db.abc1.eu-west-1.rds.amazonaws.com/app", "contains a path"),
            ("me@db.abc1.eu-west-1.rds.amazonaws.com", "contains a user"),
            ("db..eu-west-1.rds.amazonaws.com", "is not a host name"),
            ("db.abc1.eu-west-1.rds.amazonaws.com..", "is not a host name"),
            (".", "is not a host name"),
            ("dätabase.example.com", "is not a host name"),
            ("-db.example.com", "is not a host name"),
            ("rds.eu-west-1.amazonaws.com", "RDS API"),
            ("db.abc1.cn-north-1.rds.amazonaws.com", "end in amazonaws.com.cn"),
            ("db.abc1.rds.eu-west-1.amazonaws.com.cn", "end in amazonaws.com;"),
        ] {
            let error = Endpoint::parse(host, 3306).unwrap_err();
            assert!(error.is_endpoint(), "{host:?}: {error}");
            assert!(error.to_string().contains(way_out), "{host:?}: {error}");
        }
        assert!(
            Endpoint::parse("db.abc1.eu-west-1.rds.amazonaws.com", 0).unwrap_err().is_endpoint()
        );
    }
}
