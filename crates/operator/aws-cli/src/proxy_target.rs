//! What a proxy has registered as its targets, and whether it reaches them.

use serde::Deserialize;

use crate::client::Aws;
use crate::error::Error;

#[derive(Deserialize)]
struct Targets {
    #[serde(rename = "Targets")]
    targets: Vec<ProxyTarget>,
}

/// A target of a proxy: a cluster, or an instance, of a cluster or not. RDS leaves out any of the fields.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBProxyTarget.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProxyTarget {
    /// `RDS_INSTANCE` or `TRACKED_CLUSTER`.
    #[serde(rename = "Type")]
    pub kind: Option<String>,
    /// The identifier of the cluster.
    pub tracked_cluster_id: Option<String>,
    /// In spite of its name the identifier, of the instance or of the cluster.
    pub rds_resource_id: Option<String>,
    /// Whether the proxy reaches it. A cluster has none: its instances have.
    pub target_health: Option<TargetHealth>,
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_TargetHealth.html>
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetHealth {
    /// `REGISTERING`, `AVAILABLE`, `UNAVAILABLE` or `UNUSED`.
    pub state: Option<String>,
    /// Why it is unavailable, such as `AUTH_FAILURE`.
    pub reason: Option<String>,
    /// The reason in words.
    pub description: Option<String>,
}

/// Asks AWS for the targets of the proxy `name`. None is registered at first.
///
/// # Errors
/// AWS refuses: the caller needs `rds:DescribeDBProxyTargets`.
pub fn proxy_targets(aws: &Aws, name: &str) -> Result<Vec<ProxyTarget>, Error> {
    let call = ["rds", "describe-db-proxy-targets", "--db-proxy-name", name];
    aws.call::<Targets>(&call).map(|found| found.targets)
}

/// The targets in an answer of RDS.
#[cfg(test)]
pub(crate) fn read(answer: &str) -> Vec<ProxyTarget> {
    serde_json::from_str::<Targets>(answer).unwrap_or_else(|error| panic!("{error}")).targets
}
