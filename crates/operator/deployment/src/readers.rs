//! The readers of a function: the endpoint to which its statements of mode read go.

use std::collections::BTreeMap;

use aws_cli::{Database, Reader, Target};
use iam_auth::{Endpoint, EndpointKind};
use packaging::Function;
use serde_json::Value;

use crate::{Failure, Report, plan};

/// Where statements of mode read go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// To the endpoint, like all others.
    None,
    /// To this host.
    At(String),
}

impl Readers {
    /// The value of the template's parameter.
    pub(crate) fn parameter(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::At(host) => host.clone(),
        }
    }
}

/// The readers that `--reader` asks for. `None` when it is not given: a stack keeps what it has.
///
/// # Errors
/// The database has no reader endpoint: what there is in its place.
pub(crate) fn chosen(wanted: bool, found: Option<&Database>) -> Result<Option<Readers>, Failure> {
    if !wanted {
        return Ok(None);
    }
    let by_hand = "--parameter with MySqlReaderHost or PostgresReaderHost";
    let Some(found) = found else {
        return Err(format!(
            "--reader takes the reader endpoint from AWS: name the cluster with --db-cluster, or give the \
             host with {by_hand}"
        )
        .into());
    };
    let target = &found.target;
    match (target, &found.cluster, &found.reader) {
        (Target::Proxy(_), ..) => Err(format!(
            "--reader is for a cluster, and the {target} is none; give the host of a read-only endpoint of \
             the proxy with {by_hand}"
        )
        .into()),
        (Target::Instance(_), Some(cluster), _) => Err(format!(
            "--reader is for a cluster, and the {target} is an instance of one; name it with --db-cluster \
             {cluster}: its endpoints follow a failover"
        )
        .into()),
        (Target::Instance(_), None, _) => Err(format!(
            "--reader is for a cluster, and the {target} has no reader endpoint; give the host of a read \
             replica with {by_hand}, and the resource ids of both with --resource-id"
        )
        .into()),
        _ if found.internet_access_gateway => Err(format!(
            "the {target} is of the express configuration, whose internet access gateway leads to the \
             writer; leave out --reader"
        )
        .into()),
        (Target::Cluster(_), _, None) => Err(format!("the {target} has no reader endpoint").into()),
        (Target::Cluster(_), _, Some(reader)) => Ok(Some(Readers::At(reader.host.clone()))),
    }
}

/// Refuses a reader that is given in two ways: by `--reader`, and by a parameter.
///
/// # Errors
/// A parameter would replace what `--reader` found.
pub(crate) fn given_once(
    reader: bool,
    parameters: &[(String, String)],
    prefix: &str,
) -> Result<(), Failure> {
    let parameter = format!("{prefix}ReaderHost");
    if reader && parameters.iter().any(|(name, _)| *name == parameter) {
        return Err(format!("--reader and --parameter {parameter} are two; leave one out").into());
    }
    Ok(())
}

/// Says that a cluster has a reader endpoint where none is used, and that one that is used leads to the
/// writer.
pub(crate) fn offer(found: &Database, used: Option<&str>, report: &Report) {
    let Some(Reader { host, has_readers }) = &found.reader else { return };
    if found.internet_access_gateway {
        return;
    }
    let target = &found.target;
    match (used, has_readers) {
        (Some(used), false) if used == host => report.note(&format!(
            "note: the {target} has no reader instance, so its reader endpoint leads to the writer until it \
             has one; statements of mode read cannot write there"
        )),
        (None, true) => report.note(&format!(
            "note: the {target} has the reader endpoint {host}: with --reader, statements of mode read go \
             there, and all others to the writer"
        )),
        _ => {}
    }
}

/// Checks the readers of all functions, by the final values of the parameters.
///
/// # Errors
/// A reader does not belong to the endpoint or the resource ids of its function: what to do.
pub(crate) fn check<'a>(
    functions: impl IntoIterator<Item = &'a Function>,
    values: &BTreeMap<String, Value>,
    region: &str,
) -> Result<(), Failure> {
    for function in functions {
        let prefix = function.prefix();
        let given = |name: &str| plan::parameter(values, &prefix, name);
        let (Some(host), Some(reader)) = (given("Endpoint"), given("ReaderHost")) else { continue };
        let port = function.engine.default_port();
        let Ok(endpoint) = Endpoint::with_region(host, port, region) else { continue };
        let parameter = format!("{prefix}ReaderHost");
        let reader = Endpoint::with_region(reader, port, region).map_err(|error| {
            if error.is_region_mismatch() {
                return format!(
                    "{parameter}, {reader}, is not in {region}, for which the function signs its tokens; \
                     use a reader of the region"
                );
            }
            format!("{parameter}: {error}")
        })?;
        let ids = given("ResourceId").unwrap_or_default();
        if let Some(why) = contradiction(&endpoint, &reader, ids) {
            return Err(format!("{parameter}, {}, {why}", reader.host()).into());
        }
    }
    Ok(())
}

/// Why no token of the function would be accepted at this reader, or it is of no use.
///
/// All endpoints and instances of a cluster have the cluster's resource id, those of a proxy the proxy's, and
/// each read replica has its own:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/UsingWithRDS.IAMDBAuth.IAMPolicy.html>
fn contradiction(endpoint: &Endpoint, reader: &Endpoint, ids: &str) -> Option<String> {
    use EndpointKind::{ClusterCustom, ClusterReader, ClusterWriter, Instance};
    if endpoint.host() == reader.host() {
        return Some("is the endpoint itself; leave it empty to read from there".to_owned());
    }
    let two = ids.contains(',');
    match (endpoint.kind(), reader.kind()) {
        (own, other) if own.is_proxy() != other.is_proxy() => Some(
            "and the endpoint are not both of an RDS Proxy, and so have resource ids of two kinds, which \
             one function cannot have; use a read-only endpoint of the proxy, or no proxy for either"
                .to_owned(),
        ),
        (ClusterWriter, ClusterReader) if !two && cluster(endpoint) != cluster(reader) => {
            Some(format!(
                "is of another cluster than {}, and the policy names one: give the resource ids of both",
                endpoint.host()
            ))
        }
        (Instance, Instance) if ids.starts_with("db-") && !two => Some(
            "is a read replica, which has a resource id of its own: give those of both, db-…,db-…"
                .to_owned(),
        ),
        (Instance, ClusterReader | ClusterCustom) if ids.starts_with("db-") => Some(
            "is of a cluster, whose resource id is not among those of the function, and would be of \
             another kind"
                .to_owned(),
        ),
        _ => None,
    }
}

/// What the names of a cluster's endpoints have in common: its identifier, and the account's part.
fn cluster(endpoint: &Endpoint) -> Option<(&str, &str)> {
    let mut labels = endpoint.host().split('.');
    let (name, part) = (labels.next()?, labels.next()?);
    let part = part.strip_prefix("cluster-ro-").or_else(|| part.strip_prefix("cluster-"))?;
    Some((name, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTER: &str = "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const ONE: &str = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const TWO: &str = "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ,db-BCDEFGHIJKLMNOPQRSTUVWXYZA";

    #[test]
    fn a_reader_has_a_resource_id_of_its_function() {
        for (host, reader, ids, why) in [
            ("s.cluster-abc1", "s.cluster-ro-abc1", CLUSTER, None),
            ("s.cluster-abc1", "s-2.abc1", CLUSTER, None),
            ("s.cluster-abc1", "few.cluster-custom-abc1", CLUSTER, None),
            ("s.cluster-abc1", "t.cluster-ro-abc1", CLUSTER, Some("of another cluster")),
            ("s-1.abc1", "s-2.abc1", CLUSTER, None),
            ("m.abc1", "m-replica.abc1", ONE, Some("is a read replica")),
            ("m.abc1", "m-replica.abc1", TWO, None),
            ("m.abc1", "s.cluster-ro-abc1", ONE, Some("is of a cluster")),
            ("m.abc1", "m.abc1", TWO, Some("the endpoint itself")),
            ("p.proxy-abc1", "r.endpoint.proxy-abc1", "prx-0123456789abcdef0", None),
            ("p.proxy-abc1", "s.cluster-ro-abc1", "prx-0123456789abcdef0", Some("not both of")),
            ("s.cluster-abc1", "r.endpoint.proxy-abc1", CLUSTER, Some("not both of")),
        ] {
            let of = |name: &str| {
                let host = format!("{name}.eu-west-1.rds.amazonaws.com");
                Endpoint::parse(&host, 3306).unwrap()
            };
            let said = contradiction(&of(host), &of(reader), ids);
            assert_eq!(said.is_some(), why.is_some(), "{host} {reader}: {said:?}");
            assert!(said.is_none_or(|said| said.contains(why.unwrap_or_default())), "{reader}");
        }
    }
}
