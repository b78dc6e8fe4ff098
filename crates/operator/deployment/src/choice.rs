//! The database that functions are deployed for: what AWS knows of it, overridden by what is given on
//! the command line.

use aws_cli::{Database, Target};
use engine::Engine;
use iam_auth::Endpoint;

use crate::{Account, Failure};

/// Values of the command line, in place of those that AWS knows.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The engine.
    pub engine: Option<Engine>,
    /// The endpoint's host.
    pub endpoint: Option<String>,
    /// The endpoint's port.
    pub port: Option<u16>,
    /// `db-…`, `cluster-…` or `prx-…`.
    pub resource_id: Option<String>,
    /// The functions' subnets.
    pub subnets: Vec<String>,
    /// The functions' security groups.
    pub security_groups: Vec<String>,
}

/// What the template must know of the database.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) engine: Engine,
    pub(crate) endpoint: Endpoint,
    pub(crate) resource_id: String,
    pub(crate) subnets: Vec<String>,
    pub(crate) security_groups: Vec<String>,
    /// The identifier of its metrics.
    pub(crate) identifier: Option<String>,
    /// What AWS knows of it.
    pub(crate) found: Option<Database>,
}

/// Joins the two. The region is that of the command line, the database, the endpoint, or else the
/// environment.
pub(crate) fn choose(
    given: &Given,
    found: Option<Database>,
    account: &Account,
) -> Result<Choice, Failure> {
    let of_aws = found.as_ref();
    let engine = given.engine.or(of_aws.map(|it| it.engine));
    let engine = engine.ok_or_else(|| missing("--engine", "mysql, mariadb or postgres"))?;
    let host = given.endpoint.clone().or(of_aws.map(|it| it.endpoint.clone()));
    let host = host.ok_or_else(|| missing("--endpoint", "the host name as RDS shows it"))?;
    let port = given.port.or(of_aws.map(|it| it.port));
    let port = port.unwrap_or(engine.default_port());
    let resource_id = given.resource_id.clone().or(of_aws.map(|it| it.resource_id.clone()));
    let resource_id =
        resource_id.ok_or_else(|| missing("--resource-id", "db-…, cluster-… or prx-…"))?;
    let subnets = first_of(&given.subnets, of_aws.map(|it| &it.subnets));
    if subnets.is_empty() {
        return Err(missing("--subnets", "subnet-…,subnet-… of the database's VPC"));
    }
    let groups = first_of(&given.security_groups, of_aws.map(|it| &it.security_groups));
    if groups.is_empty() {
        return Err(missing("--security-groups", "sg-…, which the database's group must admit"));
    }
    let region = account.region.as_deref().or(of_aws.map(|it| it.region.as_str()));
    let endpoint = match (region, &account.default_region) {
        (Some(region), _) => Endpoint::with_region(&host, port, region)?,
        (None, default) => match (Endpoint::parse(&host, port), default) {
            (Err(error), Some(region)) if error.is_region_unknown() => {
                Endpoint::with_region(&host, port, region)?
            }
            (endpoint, _) => endpoint?,
        },
    };
    let identifier = found.as_ref().map(|it| match (&it.target, &it.cluster) {
        (Target::Instance(_), Some(cluster)) => cluster.clone(),
        (target, _) => target.name().to_owned(),
    });
    let security_groups = groups;
    Ok(Choice { engine, endpoint, resource_id, subnets, security_groups, identifier, found })
}

fn first_of(given: &[String], found: Option<&Vec<String>>) -> Vec<String> {
    if given.is_empty() { found.cloned().unwrap_or_default() } else { given.to_vec() }
}

fn missing(option: &str, example: &str) -> Failure {
    format!(
        "{option} is missing ({example}); name the database with --db-instance, --db-cluster or \
         --db-proxy, or give every value"
    )
    .into()
}
