//! The database that functions are deployed for: what AWS told of it, and what was given by hand,
//! which has the last word.

use aws_cli::{Database, Engine, Target};
use iam_auth::Endpoint;

use crate::{Account, Failure};

/// What is given by hand in place of what AWS would tell.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// RDS's name of the engine.
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

/// Everything about the database that the template must be told.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) engine: Engine,
    pub(crate) endpoint: Endpoint,
    pub(crate) resource_id: String,
    pub(crate) subnets: Vec<String>,
    pub(crate) security_groups: Vec<String>,
    /// The identifier that its metrics go by.
    pub(crate) identifier: Option<String>,
    /// What AWS told.
    pub(crate) found: Option<Database>,
}

/// Joins the two. The region is the one that is named, the database's, the endpoint's, or else that of
/// the environment.
pub(crate) fn choose(
    given: &Given,
    found: Option<Database>,
    account: &Account,
) -> Result<Choice, Failure> {
    let of_aws = found.as_ref();
    let engine = given.engine.or(of_aws.map(|it| it.engine));
    let engine = engine.ok_or_else(|| missing("--engine", "mysql, mariadb, postgres, …"))?;
    let host = given.endpoint.clone().or(of_aws.map(|it| it.endpoint.clone()));
    let host = host.ok_or_else(|| missing("--endpoint", "the host as RDS shows it"))?;
    let port = given.port.or(of_aws.map(|it| it.port));
    let port = port.unwrap_or(if engine.is_postgres() { 5432 } else { 3306 });
    let resource_id = given.resource_id.clone().or(of_aws.map(|it| it.resource_id.clone()));
    let resource_id =
        resource_id.ok_or_else(|| missing("--resource-id", "db-…, cluster-… or prx-…"))?;
    let subnets = first_of(&given.subnets, of_aws.map(|it| &it.subnets));
    if subnets.is_empty() {
        return Err(missing("--subnets", "subnet-…,subnet-… of the database's VPC"));
    }
    let groups = first_of(&given.security_groups, of_aws.map(|it| &it.security_groups));
    if groups.is_empty() {
        return Err(missing("--security-groups", "sg-… that the database's group lets in"));
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
        "{option} is not given ({example}), and AWS did not tell it; name the database with \
         --db-instance, --db-cluster or --db-proxy, or give every value by hand"
    )
    .into()
}
