//! The database that functions are deployed for: what AWS knows of it, overridden by what is given on
//! the command line.

use aws_cli::{Database, Target};
use engine::Engine;
use iam_auth::{Endpoint, Roots};

use crate::readers::{self, Readers};
use crate::resource_ids::ResourceIds;
use crate::{Account, Failure};

/// Values of the command line, in place of those that AWS knows.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// The engine.
    pub engine: Option<Engine>,
    /// Whether the engine was given as Aurora's, such as `aurora-mysql`.
    pub is_aurora: bool,
    /// The endpoint's host.
    pub endpoint: Option<String>,
    /// The endpoint's port.
    pub port: Option<u16>,
    /// `db-…`, `cluster-…` or `prx-…`: one, or two while a Blue/Green deployment is in progress.
    pub resource_ids: Vec<String>,
    /// The functions' subnets.
    pub subnets: Vec<String>,
    /// The functions' security groups.
    pub security_groups: Vec<String>,
    /// The functions run outside a VPC.
    pub no_vpc: bool,
    /// The roots of the endpoint's certificate, in place of those of its kind.
    pub trust: Option<Roots>,
    /// Statements of mode read go to the cluster's reader endpoint.
    pub reader: bool,
}

/// The roots of an endpoint's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Those of the endpoint's kind.
    OfItsKind,
    /// These.
    Roots(Roots),
}

/// What the template must know of the database.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    pub(crate) engine: Engine,
    pub(crate) endpoint: Endpoint,
    pub(crate) resource_ids: ResourceIds,
    /// The functions' subnets. Outside a VPC there are none.
    pub(crate) subnets: Vec<String>,
    /// The functions' security groups. Outside a VPC there are none.
    pub(crate) security_groups: Vec<String>,
    /// The roots of the endpoint's certificate. `None` when a stack keeps what it has.
    pub(crate) trust: Option<Trust>,
    /// Where statements of mode read go. `None` when a stack keeps what it has.
    pub(crate) readers: Option<Readers>,
    /// The functions' subnets without an IPv6 CIDR block. `None` if AWS was not asked.
    pub(crate) subnets_without_ipv6: Option<Vec<String>>,
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
    if let Some(found) = of_aws.filter(|it| it.engine.function() != engine.function()) {
        return Err(format!(
            "--engine {} contradicts the {}, whose engine is {}; leave it out",
            engine.name(),
            found.target,
            found.engine_name
        )
        .into());
    }
    let host = given.endpoint.clone().or(of_aws.map(|it| it.endpoint.clone()));
    let host = host.ok_or_else(|| missing("--endpoint", "the host name as RDS shows it"))?;
    let port = given.port.or(of_aws.map(|it| it.port));
    let port = port.unwrap_or(engine.default_port());
    let id = of_aws.map(|it| it.resource_id.clone());
    let ids = if given.resource_ids.is_empty() {
        id.into_iter().collect()
    } else {
        given.resource_ids.clone()
    };
    if ids.is_empty() {
        return Err(missing("--resource-id", "db-…, cluster-… or prx-…"));
    }
    let (subnets, security_groups) = network(given, of_aws)?;
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
    if given.no_vpc && endpoint.kind().is_proxy() {
        return Err(format!(
            "{} is an RDS Proxy, which has no public address, so a function outside its VPC cannot reach it; \
             leave out --no-vpc",
            endpoint.host()
        )
        .into());
    }
    let readers = readers::chosen(given.reader, of_aws)?;
    let of_aws = of_aws.map(|it| match it.internet_access_gateway {
        true => Trust::Roots(Roots::Amazon),
        false => Trust::OfItsKind,
    });
    let trust = given.trust.map(Trust::Roots).or(of_aws);
    let identifier = found.as_ref().map(|it| match (&it.target, &it.cluster) {
        (Target::Instance(_), Some(cluster)) => cluster.clone(),
        (target, _) => target.name().to_owned(),
    });
    let resource_ids = ResourceIds::of(ids);
    Ok(Choice {
        engine,
        endpoint,
        resource_ids,
        subnets,
        security_groups,
        trust,
        readers,
        subnets_without_ipv6: None,
        identifier,
        found,
    })
}

/// The subnets and the security groups of the functions: none for functions outside a VPC.
fn network(given: &Given, found: Option<&Database>) -> Result<(Vec<String>, Vec<String>), Failure> {
    let is_given = !given.subnets.is_empty() || !given.security_groups.is_empty();
    if let Some(found) = found.filter(|found| found.is_outside_vpcs()) {
        if is_given {
            return Err(format!(
                "the {} has no network in any VPC: its internet access gateway is on the internet, \
                 which functions in a VPC would reach only through a NAT gateway; leave out --subnets and \
                 --security-groups, and the function runs outside a VPC",
                found.target
            )
            .into());
        }
        return Ok((vec![], vec![]));
    }
    if given.no_vpc {
        if is_given {
            return Err("--no-vpc contradicts --subnets and --security-groups".into());
        }
        if let Some(found) =
            found.filter(|it| it.publicly_accessible == Some(false) && !it.internet_access_gateway)
        {
            return Err(format!(
                "the {} has no public address, so a function outside its VPC cannot reach it; leave \
                 out --no-vpc",
                found.target
            )
            .into());
        }
        return Ok((vec![], vec![]));
    }
    let subnets = first_of(&given.subnets, found.map(|it| &it.subnets));
    if subnets.is_empty() {
        return Err(missing(
            "--subnets",
            "subnet-…,subnet-… of the database's VPC; --no-vpc for none, as an Aurora cluster with an \
             internet access gateway has it",
        ));
    }
    let groups = first_of(&given.security_groups, found.map(|it| &it.security_groups));
    if groups.is_empty() {
        return Err(missing("--security-groups", "sg-…, which the database's group must admit"));
    }
    Ok((subnets, groups))
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
