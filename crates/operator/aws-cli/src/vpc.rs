//! The subnet group and the security groups of an instance or a cluster.

use serde::Deserialize;

/// A DB subnet group.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SubnetGroup {
    pub(crate) vpc_id: Option<String>,
    #[serde(default)]
    subnets: Vec<Subnet>,
}

impl SubnetGroup {
    pub(crate) fn subnets(&self) -> Vec<String> {
        self.subnets.iter().map(|subnet| subnet.identifier.clone()).collect()
    }
}

#[derive(Deserialize)]
struct Subnet {
    #[serde(rename = "SubnetIdentifier")]
    identifier: String,
}

/// A security group of a database.
#[derive(Deserialize)]
pub(crate) struct SecurityGroup {
    #[serde(rename = "VpcSecurityGroupId")]
    pub(crate) id: String,
}
