//! A DB instance.

use serde::Deserialize;

use crate::client::Aws;
use crate::cluster;
use crate::database::{AUTH_ERROR_LOG, Database, engine, region_of};
use crate::error::Error;
use crate::target::Target;
use crate::vpc::{SecurityGroup, SubnetGroup};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Instances {
    #[serde(rename = "DBInstances")]
    pub(crate) instances: Vec<Instance>,
}

/// The answer of `describe-db-instances`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Instance {
    #[serde(rename = "DBInstanceIdentifier")]
    pub(crate) identifier: String,
    #[serde(rename = "DBInstanceArn", default)]
    arn: String,
    #[serde(rename = "DBInstanceStatus", default)]
    status: String,
    #[serde(rename = "DBInstanceClass")]
    class: Option<String>,
    #[serde(rename = "DBClusterIdentifier")]
    cluster: Option<String>,
    #[serde(default)]
    engine: String,
    engine_version: Option<String>,
    endpoint: Option<Endpoint>,
    #[serde(default)]
    pub(crate) dbi_resource_id: String,
    #[serde(rename = "DBSubnetGroup")]
    subnet_group: Option<SubnetGroup>,
    #[serde(default)]
    vpc_security_groups: Vec<SecurityGroup>,
    #[serde(rename = "CACertificateIdentifier")]
    ca: Option<String>,
    #[serde(rename = "IAMDatabaseAuthenticationEnabled", default)]
    iam_auth: bool,
    master_username: Option<String>,
    publicly_accessible: Option<bool>,
    network_type: Option<String>,
    #[serde(default)]
    enabled_cloudwatch_logs_exports: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Endpoint {
    address: String,
    port: u16,
}

pub(crate) fn discover(aws: &Aws, name: &str) -> Result<Database, Error> {
    let found: Instances =
        aws.call(&["rds", "describe-db-instances", "--db-instance-identifier", name])?;
    let instance = found
        .instances
        .into_iter()
        .next()
        .ok_or_else(|| Error::new(format!("AWS returned no DB instance {name}")))?;
    match instance.cluster.clone().filter(|cluster| !cluster.is_empty()) {
        None => database(name, instance),
        // IAM authentication of a cluster's instances is the cluster's: its switch and its resource id.
        // https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html
        Some(cluster) => {
            let whole = cluster::discover(aws, &cluster)?;
            let own = database(name, instance)?;
            // An express cluster's instances have no network of their own either.
            let own = match whole.is_outside_vpcs() {
                true => Database { vpc: None, subnets: vec![], security_groups: vec![], ..own },
                false => own,
            };
            Ok(Database {
                resource_id: whole.resource_id,
                iam_auth: whole.iam_auth,
                internet_access_gateway: whole.internet_access_gateway,
                exports_auth_errors: whole.exports_auth_errors,
                serverless: whole.serverless,
                master_user: whole.master_user.or(own.master_user),
                ..own
            })
        }
    }
}

fn database(name: &str, instance: Instance) -> Result<Database, Error> {
    let engine = engine(&instance.engine)?;
    let endpoint = instance.endpoint.ok_or_else(|| {
        Error::new(format!(
            "the DB instance {name} is {} and has no endpoint yet; wait for it: `aws rds wait \
             db-instance-available --db-instance-identifier {name}`",
            instance.status
        ))
    })?;
    let logs = &instance.enabled_cloudwatch_logs_exports;
    Ok(Database {
        target: Target::Instance(instance.identifier),
        engine,
        engine_name: instance.engine,
        version: instance.engine_version,
        endpoint: endpoint.address,
        port: endpoint.port,
        resource_id: instance.dbi_resource_id,
        cluster: instance.cluster.filter(|cluster| !cluster.is_empty()),
        region: region_of(&instance.arn)?,
        arn: instance.arn,
        vpc: instance.subnet_group.as_ref().and_then(|group| group.vpc_id.clone()),
        subnets: instance.subnet_group.as_ref().map(SubnetGroup::subnets).unwrap_or_default(),
        security_groups: instance.vpc_security_groups.into_iter().map(|group| group.id).collect(),
        ca: instance.ca,
        iam_auth: instance.iam_auth,
        proxy: None,
        internet_access_gateway: false,
        instance_classes: instance.class.into_iter().collect(),
        master_user: instance.master_username,
        status: instance.status,
        reader: None,
        serverless: None,
        is_dual_stack: cluster::is_dual(instance.network_type.as_deref()),
        publicly_accessible: instance.publicly_accessible,
        exports_auth_errors: Some(logs.iter().any(|log| log == AUTH_ERROR_LOG)),
    })
}
