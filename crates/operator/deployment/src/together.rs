//! Whether values belong together that the command line and AWS give: endpoint, resource ids, port and roots.
//!
//! Each has the right form, which the template checks; here is what a login would fail of otherwise.

use std::collections::{BTreeMap, BTreeSet};

use aws_cli::Target;
use engine::Engine;
use iam_auth::{Endpoint, EndpointKind, Roots};
use packaging::Function;
use serde_json::Value;

use crate::choice::{Choice, Given};
use crate::{Failure, plan};

/// Checks those of the database that the options describe.
///
/// # Errors
/// A value contradicts another: both are named, and what to do.
pub(crate) fn check(choice: &Choice, given: &Given) -> Result<(), Failure> {
    let of_cluster = match &choice.found {
        Some(found) => {
            found.cluster.is_some()
                || found.engine_name.starts_with("aurora")
                || matches!(found.target, Target::Cluster(_))
        }
        None => given.is_aurora,
    };
    let ids = &choice.resource_ids.ids;
    let names = ("--resource-id", "--port");
    of_one_database(&choice.endpoint, ids, Some(of_cluster), choice.engine, names)?;
    if let Some(roots) = given.trust {
        trusts_proxy(&choice.endpoint, roots, "--trust")?;
    }
    match &choice.found {
        Some(found) if given.trust == Some(Roots::Rds) && found.internet_access_gateway => {
            Err(format!(
                "the {} is reached through an internet access gateway, whose certificate is of \
                 Amazon Trust Services: the function could not connect with the roots of RDS; leave \
                 out --trust",
                found.target
            )
            .into())
        }
        Some(found) if !ids.contains(&found.resource_id) => Err(format!(
            "the {} has the resource id {}, which is not among those of --resource-id: {}; leave it out, or \
             add that one",
            found.target,
            found.resource_id,
            ids.join(", ")
        )
        .into()),
        _ => Ok(()),
    }
}

/// Checks those of the stack's other functions, by the final values of the parameters.
///
/// # Errors
/// As for [`check`], or an endpoint is not of the stack's `region`.
pub(crate) fn others<'a>(
    functions: impl IntoIterator<Item = &'a Function>,
    values: &BTreeMap<String, Value>,
    region: &str,
) -> Result<(), Failure> {
    for function in functions {
        let prefix = function.prefix();
        let given = |name: &str| plan::parameter(values, &prefix, name);
        let Some(host) = given("Endpoint") else { continue };
        let port = given("Port").and_then(|port| port.parse().ok());
        let port = port.unwrap_or(function.engine.default_port());
        let endpoint = Endpoint::with_region(host, port, region);
        let endpoint = endpoint.map_err(|error| match error.is_region_mismatch() {
            true => format!(
                "{prefix}Endpoint, {host}, is not in {region}, for which all functions of the stack sign their \
                 tokens; deploy it in a stack of its region"
            ),
            false => format!("{prefix}Endpoint: {error}"),
        })?;
        let ids: Vec<_> =
            given("ResourceId").unwrap_or_default().split(',').map(str::to_owned).collect();
        let names = (&*format!("{prefix}ResourceId"), &*format!("{prefix}Port"));
        of_one_database(&endpoint, &ids, None, function.engine, names)?;
        if given("Trust") == Some("rds") {
            trusts_proxy(&endpoint, Roots::Rds, &format!("{prefix}Trust"))?;
        }
    }
    Ok(())
}

/// Checks the roots that are set for the certificate of an endpoint.
///
/// # Errors
/// A proxy's is not of these. `name` is that of the option or the parameter.
fn trusts_proxy(endpoint: &Endpoint, roots: Roots, name: &str) -> Result<(), Failure> {
    if !endpoint.kind().is_proxy() || roots == Roots::Amazon {
        return Ok(());
    }
    Err(format!(
        "{} is an RDS Proxy, whose certificate is of Amazon Trust Services: the function could not \
         connect with the roots of RDS; leave out {name}",
        endpoint.host()
    )
    .into())
}

/// Checks the ids and the port of an endpoint. `of_cluster` says that an instance is of a cluster, if that is
/// known; the names are those of the options or the parameters of the ids and the port.
fn of_one_database(
    endpoint: &Endpoint,
    ids: &[String],
    of_cluster: Option<bool>,
    engine: Engine,
    (of_ids, of_port): (&str, &str),
) -> Result<(), Failure> {
    let host = endpoint.host();
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(format!("{of_ids} has {id} twice; one is enough").into());
        }
        if let Some(why) = contradiction(endpoint.kind(), id, of_cluster) {
            return Err(format!("the resource id {id} does not belong to {host}: {why}").into());
        }
    }
    let (port, default) = (endpoint.port(), engine.default_port());
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html
    if endpoint.kind().is_proxy() && port != default {
        return Err(format!(
            "{host} is an RDS Proxy, which for {} listens on port {default} alone, whatever the \
             database's is; leave out {of_port} {port}",
            engine.title()
        )
        .into());
    }
    Ok(())
}

/// Why an id of this kind is not of an endpoint of that one. `of_cluster` says that an instance is of a
/// cluster, if that is known.
///
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>
fn contradiction(kind: EndpointKind, id: &str, of_cluster: Option<bool>) -> Option<&'static str> {
    use EndpointKind::{
        ClusterCustom, ClusterReader, ClusterWriter, GlobalWriter, Instance, Proxy, ProxyEndpoint,
    };
    let (start, _) = id.split_once('-')?;
    match (kind, start) {
        (Proxy | ProxyEndpoint, "db" | "cluster") => Some(
            "a client of an RDS Proxy needs the proxy's own id, prx-…, the end of DBProxyArn of `aws rds \
             describe-db-proxies`",
        ),
        (ClusterWriter | ClusterReader | ClusterCustom | GlobalWriter, "db" | "prx") => Some(
            "the endpoint of a cluster needs the cluster's id, cluster-…, the DbClusterResourceId of `aws \
             rds describe-db-clusters`",
        ),
        (Instance, "prx") => Some(
            "the endpoint is an instance's, so the id is db-…, the DbiResourceId of `aws rds \
             describe-db-instances`; or give the proxy's endpoint",
        ),
        (Instance, "cluster") if of_cluster == Some(false) => Some(
            "the endpoint is an instance's, so the id is db-…, the DbiResourceId of `aws rds \
             describe-db-instances`. If it is an instance of an Aurora cluster, give --engine \
             aurora-mysql or aurora-postgresql; if of a Multi-AZ DB cluster, name it with --db-instance",
        ),
        (Instance, "db") if of_cluster == Some(true) => Some(
            "an instance of a cluster has the cluster's id, cluster-…, the DbClusterResourceId of `aws \
             rds describe-db-clusters`",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_of_the_kind_of_its_endpoint() {
        use EndpointKind::*;
        for (kind, of_cluster, good) in [
            (Instance, Some(false), &["db"][..]),
            (Instance, Some(true), &["cluster"]),
            (Instance, None, &["db", "cluster"]),
            (ClusterWriter, Some(true), &["cluster"]),
            (ClusterWriter, Some(false), &["cluster"]),
            (ClusterReader, Some(true), &["cluster"]),
            (ClusterCustom, Some(true), &["cluster"]),
            (GlobalWriter, None, &["cluster"]),
            (Proxy, Some(false), &["prx"]),
            (Proxy, Some(true), &["prx"]),
            (ProxyEndpoint, None, &["prx"]),
            (Unknown, None, &["db", "cluster", "prx"]),
        ] {
            for start in ["db", "cluster", "prx"] {
                let refused = contradiction(kind, &format!("{start}-X"), of_cluster);
                assert_eq!(
                    refused.is_none(),
                    good.contains(&start),
                    "{kind:?} {start}: {refused:?}"
                );
            }
        }
    }

    /// An instance of a Multi-AZ DB cluster has the cluster's id.
    #[test]
    fn an_instance_may_be_of_the_cluster_that_is_named() {
        let id = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut found = crate::resource_ids::tests::database("three", id);
        let mut choice = Choice {
            engine: Engine::MySql,
            endpoint: Endpoint::parse("three-1.abc1.eu-west-1.rds.amazonaws.com", 3306).unwrap(),
            resource_ids: crate::resource_ids::ResourceIds::of(vec![id.to_owned()]),
            subnets: vec![],
            security_groups: vec![],
            trust: None,
            readers: None,
            subnets_without_ipv6: None,
            identifier: None,
            found: Some(found.clone()),
        };
        check(&choice, &Given::default()).unwrap_err();
        found.target = Target::Cluster("three".into());
        choice.found = Some(found);
        check(&choice, &Given::default()).unwrap();
    }
}
