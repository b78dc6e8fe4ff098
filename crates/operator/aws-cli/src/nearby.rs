//! The error for a name that no database has: similar names, or the names there are.

use crate::client::Aws;
use crate::cluster::Clusters;
use crate::error::Error;
use crate::instance::Instances;
use crate::proxy::Proxies;
use crate::target::Target;

/// The most names that are listed.
const NAMES: usize = 8;
/// The least similarity (Jaro-Winkler, 0 to 1) of a name that is suggested.
const SIMILAR: f64 = 0.8;

/// The error that `target` does not exist.
pub(crate) fn explain(aws: &Aws, target: &Target) -> Error {
    let region = aws.effective_region().map_or_else(String::new, |region| format!(" in {region}"));
    let missing = format!("there is no {target}{region}");
    let all = everything(aws);
    let near =
        all.iter().find(|other| other.name() == target.name()).or_else(|| closest(&all, target));
    let hint = match near {
        Some(other) => format!("did you mean --{} {}?", other.option(), other.name()),
        None if all.is_empty() => "there are no databases; check --region and --profile".to_owned(),
        None => {
            let names: Vec<_> = all.iter().take(NAMES).map(Target::to_string).collect();
            let more = if all.len() > NAMES { ", …" } else { "" };
            format!("there are: {}{more}", names.join(", "))
        }
    };
    Error::not_found(format!("{missing}; {hint}"))
}

fn closest<'a>(all: &'a [Target], target: &Target) -> Option<&'a Target> {
    let similarity = |other: &Target| strsim::jaro_winkler(other.name(), target.name());
    all.iter()
        .filter(|other| similarity(other) >= SIMILAR)
        .max_by(|a, b| similarity(a).total_cmp(&similarity(b)))
}

/// Every database that the caller may list.
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
