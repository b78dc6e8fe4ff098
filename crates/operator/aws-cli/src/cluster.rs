//! An Aurora or Multi-AZ DB cluster: its writer's endpoint, and what only its instances have.

use serde::Deserialize;

use crate::client::Aws;
use crate::database::{AUTH_ERROR_LOG, Database, engine, region_of};
use crate::error::Error;
use crate::reader::Reader;
use crate::serverless::Serverless;
use crate::target::Target;
use crate::vpc::{SecurityGroup, SubnetGroup};

#[derive(Deserialize)]
pub(crate) struct Clusters {
    #[serde(rename = "DBClusters")]
    pub(crate) clusters: Vec<Cluster>,
}

/// The answer of `describe-db-clusters`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Cluster {
    #[serde(rename = "DBClusterIdentifier")]
    pub(crate) identifier: String,
    #[serde(rename = "DBClusterArn", default)]
    arn: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    engine: String,
    engine_version: Option<String>,
    endpoint: Option<String>,
    reader_endpoint: Option<String>,
    port: Option<u16>,
    #[serde(rename = "DBClusterMembers", default)]
    members: Vec<Role>,
    #[serde(rename = "ServerlessV2ScalingConfiguration")]
    serverless: Option<Serverless>,
    global_cluster_identifier: Option<String>,
    network_type: Option<String>,
    #[serde(default)]
    pub(crate) db_cluster_resource_id: String,
    #[serde(rename = "DBSubnetGroup")]
    subnet_group: Option<String>,
    #[serde(default)]
    vpc_security_groups: Vec<SecurityGroup>,
    #[serde(rename = "IAMDatabaseAuthenticationEnabled", default)]
    iam_auth: bool,
    // Only clusters of the express configuration have it.
    // https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html
    internet_access_gateway_enabled: Option<bool>,
    #[serde(rename = "VPCNetworkingEnabled")]
    vpc_networking: Option<bool>,
    master_username: Option<String>,
    publicly_accessible: Option<bool>,
    #[serde(default)]
    enabled_cloudwatch_logs_exports: Vec<String>,
}

/// What an instance is in its cluster.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Role {
    #[serde(default)]
    is_cluster_writer: bool,
}

#[derive(Deserialize)]
struct Members {
    #[serde(rename = "DBInstances")]
    instances: Vec<Member>,
}

/// An instance of the cluster.
#[derive(Deserialize)]
struct Member {
    #[serde(rename = "DBInstanceClass")]
    class: Option<String>,
    #[serde(rename = "CACertificateIdentifier")]
    ca: Option<String>,
    #[serde(rename = "PubliclyAccessible")]
    publicly_accessible: Option<bool>,
}

#[derive(Deserialize)]
struct SubnetGroups {
    #[serde(rename = "DBSubnetGroups")]
    groups: Vec<SubnetGroup>,
}

pub(crate) fn discover(aws: &Aws, name: &str) -> Result<Database, Error> {
    let found: Clusters =
        aws.call(&["rds", "describe-db-clusters", "--db-cluster-identifier", name])?;
    let cluster = found
        .clusters
        .into_iter()
        .next()
        .ok_or_else(|| Error::new(format!("AWS returned no DB cluster {name}")))?;
    let engine = engine(&cluster.engine)?;
    let (Some(endpoint), Some(port)) = (cluster.endpoint, cluster.port) else {
        return Err(Error::new(format!(
            "the DB cluster {name} is {} and has no endpoint yet; wait for it: `aws rds wait \
             db-cluster-available --db-cluster-identifier {name}`",
            cluster.status
        )));
    };
    let group = match cluster.vpc_networking {
        Some(false) => None,
        _ => subnet_group(aws, cluster.subnet_group.as_deref())?,
    };
    let members: Members = aws.call(&[
        "rds",
        "describe-db-instances",
        "--filters",
        &format!("Name=db-cluster-id,Values={name}"),
    ])?;
    let mut classes: Vec<String> =
        members.instances.iter().filter_map(|member| member.class.clone()).collect();
    classes.sort();
    classes.dedup();
    let logs = &cluster.enabled_cloudwatch_logs_exports;
    let is_global = cluster.global_cluster_identifier.is_some_and(|global| !global.is_empty());
    let host = cluster.reader_endpoint.filter(|host| !host.is_empty());
    let has_readers = cluster.members.iter().any(|member| !member.is_cluster_writer);
    Ok(Database {
        target: Target::Cluster(cluster.identifier),
        engine,
        engine_name: cluster.engine,
        version: cluster.engine_version,
        endpoint,
        port,
        resource_id: cluster.db_cluster_resource_id,
        cluster: None,
        region: region_of(&cluster.arn)?,
        arn: cluster.arn,
        vpc: group.as_ref().and_then(|group| group.vpc_id.clone()),
        subnets: group.as_ref().map(SubnetGroup::subnets).unwrap_or_default(),
        security_groups: cluster.vpc_security_groups.into_iter().map(|group| group.id).collect(),
        ca: members.instances.iter().find_map(|member| member.ca.clone()),
        iam_auth: cluster.iam_auth,
        proxy: None,
        internet_access_gateway: cluster.internet_access_gateway_enabled == Some(true),
        instance_classes: classes,
        master_user: cluster.master_username,
        status: cluster.status,
        reader: host.map(|host| Reader { host, has_readers }),
        serverless: cluster.serverless.map(|it| Serverless { is_global, ..it }),
        is_dual_stack: is_dual(cluster.network_type.as_deref()),
        publicly_accessible: publicly_accessible(cluster.publicly_accessible, &members.instances),
        exports_auth_errors: Some(logs.iter().any(|log| log == AUTH_ERROR_LOG)),
    })
}

/// Whether an instance has a public address: RDS says it of a Multi-AZ DB cluster as a whole, and of an
/// Aurora cluster only instance by instance.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBCluster.html>
fn publicly_accessible(whole: Option<bool>, members: &[Member]) -> Option<bool> {
    let of_members =
        || members.iter().filter_map(|it| it.publicly_accessible).reduce(|a, b| a || b);
    whole.or_else(of_members)
}

/// `NetworkType` is `IPV4` or `DUAL`.
pub(crate) fn is_dual(network_type: Option<&str>) -> bool {
    network_type == Some("DUAL")
}

/// A cluster has only the name of its subnet group.
fn subnet_group(aws: &Aws, name: Option<&str>) -> Result<Option<SubnetGroup>, Error> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(None) };
    let found: SubnetGroups =
        aws.call(&["rds", "describe-db-subnet-groups", "--db-subnet-group-name", name])?;
    Ok(found.groups.into_iter().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aurora_cluster_is_as_public_as_its_instances() {
        let members = |all: &[Option<bool>]| -> Vec<_> {
            let member =
                |&publicly_accessible: &_| Member { class: None, ca: None, publicly_accessible };
            all.iter().map(member).collect()
        };
        for (whole, instances, public) in [
            (None, &[Some(false), Some(false)][..], Some(false)),
            (None, &[Some(false), None, Some(true)], Some(true)),
            (None, &[None], None),
            (None, &[], None),
            (Some(false), &[Some(true)], Some(false)),
        ] {
            assert_eq!(publicly_accessible(whole, &members(instances)), public, "{instances:?}");
        }
    }
}
