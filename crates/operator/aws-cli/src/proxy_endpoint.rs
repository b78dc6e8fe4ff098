//! The endpoints of a proxy: its default one and those that were added, each with its own network.

use serde::Deserialize;

use crate::client::Aws;
use crate::error::Error;

#[derive(Deserialize)]
struct Endpoints {
    #[serde(rename = "DBProxyEndpoints")]
    endpoints: Vec<Described>,
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBProxyEndpoint.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    endpoint: Option<String>,
    vpc_id: Option<String>,
    #[serde(default)]
    vpc_subnet_ids: Vec<String>,
    #[serde(default)]
    vpc_security_group_ids: Vec<String>,
    target_role: Option<String>,
}

/// An endpoint of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyEndpoint {
    /// Its host name.
    pub host: String,
    /// Its VPC, which need not be the proxy's.
    pub vpc: Option<String>,
    /// Its subnets.
    pub subnets: Vec<String>,
    /// Its security groups.
    pub security_groups: Vec<String>,
    /// Whether it leads to readers alone.
    pub is_read_only: bool,
}

/// Asks AWS for the endpoints of the proxy `name`.
///
/// # Errors
/// AWS refuses: the caller needs `rds:DescribeDBProxyEndpoints`.
pub fn proxy_endpoints(aws: &Aws, name: &str) -> Result<Vec<ProxyEndpoint>, Error> {
    let call = ["rds", "describe-db-proxy-endpoints", "--db-proxy-name", name];
    let found: Endpoints = aws.call(&call)?;
    // One that is being created has no host yet.
    let endpoints = found.endpoints.into_iter().filter_map(|described| {
        Some(ProxyEndpoint {
            host: described.endpoint.filter(|host| !host.is_empty())?,
            vpc: described.vpc_id,
            subnets: described.vpc_subnet_ids,
            security_groups: described.vpc_security_group_ids,
            is_read_only: described.target_role.as_deref() == Some("READ_ONLY"),
        })
    });
    Ok(endpoints.collect())
}
