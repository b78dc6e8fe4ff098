//! What to say when there is no database of that name: the names that there are.

use crate::client::Aws;
use crate::cluster::Clusters;
use crate::database::Target;
use crate::error::{Error, Kind};
use crate::instance::Instances;
use crate::proxy::Proxies;

/// How many names are listed at most.
const MOST: usize = 8;
/// From which similarity (Jaro-Winkler, 0 to 1) a name may be the one that was meant.
const NEAR: f64 = 0.8;

/// The error that there is no `target`, with what is there instead.
pub(crate) fn explain(aws: &Aws, target: &Target) -> Error {
    let region = aws.effective_region().map_or_else(String::new, |region| format!(" in {region}"));
    let missing = format!("there is no {target}{region}");
    let all = everything(aws);
    let near =
        all.iter().find(|other| other.name() == target.name()).or_else(|| closest(&all, target));
    let hint = match near {
        Some(other) => format!("did you mean {} {}?", option(other), other.name()),
        None if all.is_empty() => {
            "there is no database at all: is it another --region, or another --profile?".to_owned()
        }
        None => {
            let names: Vec<_> = all.iter().take(MOST).map(Target::to_string).collect();
            let more = if all.len() > MOST { ", …" } else { "" };
            format!("there are: {}{more}", names.join(", "))
        }
    };
    Error::new(Kind::NotFound, format!("{missing}; {hint}"))
}

/// The option that names such a thing, in every program of this project.
fn option(target: &Target) -> &'static str {
    match target {
        Target::Instance(_) => "--db-instance",
        Target::Cluster(_) => "--db-cluster",
        Target::Proxy(_) => "--db-proxy",
    }
}

fn closest<'a>(all: &'a [Target], target: &Target) -> Option<&'a Target> {
    let similarity = |other: &Target| strsim::jaro_winkler(other.name(), target.name());
    all.iter()
        .filter(|other| similarity(other) >= NEAR)
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))
}

/// Every database that may be listed. What may not is left out: it is only a hint.
fn everything(aws: &Aws) -> Vec<Target> {
    let mut all = Vec::new();
    if let Ok(found) = aws.call::<Instances>(&["rds", "describe-db-instances"]) {
        all.extend(found.instances.into_iter().map(|it| Target::Instance(it.identifier)));
    }
    if let Ok(found) = aws.call::<Clusters>(&["rds", "describe-db-clusters"]) {
        all.extend(found.clusters.into_iter().map(|it| Target::Cluster(it.identifier)));
    }
    if let Ok(found) = aws.call::<Proxies>(&["rds", "describe-db-proxies"]) {
        all.extend(found.proxies.into_iter().map(|it| Target::Proxy(it.name)));
    }
    all
}
