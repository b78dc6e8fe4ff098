//! Whether values belong together that the command line and AWS give: endpoint, resource ids and port.
//!
//! Each has the right form, which the template checks; here is what a login would fail of otherwise.

use iam_auth::EndpointKind;

use crate::Failure;
use crate::choice::{Choice, Given};

/// Checks them.
///
/// # Errors
/// A value contradicts another: both are named, and what to do.
pub(crate) fn check(choice: &Choice, given: &Given) -> Result<(), Failure> {
    let host = choice.endpoint.host();
    for id in &choice.resource_ids.ids {
        let of_cluster = match &choice.found {
            Some(found) => found.cluster.is_some() || found.engine_name.starts_with("aurora"),
            None => given.is_aurora,
        };
        if let Some(why) = contradiction(choice.endpoint.kind(), id, of_cluster) {
            return Err(format!("the resource id {id} does not belong to {host}: {why}").into());
        }
    }
    let (port, default) = (choice.endpoint.port(), choice.engine.default_port());
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html
    if choice.endpoint.kind().is_proxy() && port != default {
        return Err(format!(
            "{host} is an RDS Proxy, which for {} listens on port {default} alone, whatever the \
             database's is; leave out --port {port}",
            choice.engine.title()
        )
        .into());
    }
    Ok(())
}

/// Why an id of this kind is not of an endpoint of that one. `of_cluster` says that an instance is of a
/// cluster.
///
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>
fn contradiction(kind: EndpointKind, id: &str, of_cluster: bool) -> Option<&'static str> {
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
        (Instance, "cluster") if !of_cluster => Some(
            "the endpoint is an instance's, so the id is db-…, the DbiResourceId of `aws rds \
             describe-db-instances`. If it is an instance of an Aurora cluster, give --engine \
             aurora-mysql or aurora-postgresql; if of a Multi-AZ DB cluster, name it with --db-instance",
        ),
        (Instance, "db") if of_cluster => Some(
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
            (Instance, false, &["db"][..]),
            (Instance, true, &["cluster"]),
            (ClusterWriter, true, &["cluster"]),
            (ClusterWriter, false, &["cluster"]),
            (ClusterReader, true, &["cluster"]),
            (ClusterCustom, true, &["cluster"]),
            (GlobalWriter, true, &["cluster"]),
            (Proxy, false, &["prx"]),
            (Proxy, true, &["prx"]),
            (ProxyEndpoint, false, &["prx"]),
            (Unknown, false, &["db", "cluster", "prx"]),
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
}
