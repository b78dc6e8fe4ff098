//! Subnets and security groups of functions, as Lambda takes them.

use serde::Deserialize;

use crate::client::Aws;
use crate::error::Error;

#[derive(Deserialize)]
struct Subnets {
    #[serde(rename = "Subnets")]
    subnets: Vec<Subnet>,
}

/// A subnet.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Subnet {
    /// `subnet-…`
    #[serde(rename = "SubnetId")]
    pub id: String,
    /// The VPC that it is in.
    #[serde(rename = "VpcId")]
    pub vpc: String,
    /// The Availability Zone by its id, such as `use1-az3`, which is the same in every account.
    #[serde(rename = "AvailabilityZoneId", default)]
    pub zone_id: String,
    #[serde(rename = "Ipv6CidrBlockAssociationSet", default)]
    ipv6: Vec<Ipv6Block>,
}

#[derive(Clone, Debug, Deserialize)]
struct Ipv6Block {
    #[serde(rename = "Ipv6CidrBlockState")]
    state: Option<BlockState>,
}

#[derive(Clone, Debug, Deserialize)]
struct BlockState {
    #[serde(rename = "State")]
    state: Option<String>,
}

impl Subnet {
    /// A subnet with an IPv4 CIDR block alone.
    #[must_use]
    pub fn new(id: &str, vpc: &str, zone_id: &str) -> Self {
        let [id, vpc, zone_id] = [id, vpc, zone_id].map(str::to_owned);
        Self { id, vpc, zone_id, ipv6: vec![] }
    }

    /// Whether it has an IPv6 CIDR block too.
    #[must_use]
    pub fn is_dual_stack(&self) -> bool {
        let state = |block: &Ipv6Block| block.state.as_ref()?.state.clone();
        self.ipv6.iter().any(|block| state(block).as_deref() == Some("associated"))
    }
}

/// Asks AWS about subnets.
///
/// # Errors
/// One does not exist, or AWS refuses: the caller needs `ec2:DescribeSubnets`.
pub fn subnets(aws: &Aws, ids: &[String]) -> Result<Vec<Subnet>, Error> {
    let ids = ids.iter().map(String::as_str);
    let call: Vec<_> = ["ec2", "describe-subnets", "--subnet-ids"].into_iter().chain(ids).collect();
    aws.call::<Subnets>(&call).map(|found| found.subnets)
}

#[derive(Deserialize)]
struct Groups {
    #[serde(rename = "SecurityGroups")]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Group {
    group_id: String,
    vpc_id: Option<String>,
}

/// Asks AWS for the VPC of each of these security groups: pairs of the group's id and the VPC's.
///
/// # Errors
/// One does not exist, or AWS refuses: the caller needs `ec2:DescribeSecurityGroups`.
pub fn vpcs_of_groups(aws: &Aws, ids: &[String]) -> Result<Vec<(String, String)>, Error> {
    let ids = ids.iter().map(String::as_str);
    let call = ["ec2", "describe-security-groups", "--group-ids"].into_iter().chain(ids);
    let found: Groups = aws.call(&call.collect::<Vec<_>>())?;
    let groups = found.groups.into_iter();
    Ok(groups.map(|group| (group.group_id, group.vpc_id.unwrap_or_default())).collect())
}

#[derive(Deserialize)]
struct Settings {
    #[serde(rename = "AccountLimit")]
    limit: Concurrency,
}

/// How many executions Lambda runs at once for the account in the region.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Concurrency {
    /// The account's quota.
    #[serde(rename = "ConcurrentExecutions")]
    pub quota: u64,
    /// What no function has reserved.
    #[serde(rename = "UnreservedConcurrentExecutions")]
    pub unreserved: u64,
}

impl Concurrency {
    /// What must stay unreserved:
    /// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>.
    pub const KEPT: u64 = 100;

    /// Asks AWS.
    ///
    /// # Errors
    /// AWS refuses: the caller needs `lambda:GetAccountSettings`.
    pub fn of(aws: &Aws) -> Result<Self, Error> {
        aws.call::<Settings>(&["lambda", "get-account-settings"]).map(|settings| settings.limit)
    }
}
