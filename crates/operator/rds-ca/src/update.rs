//! Newer roots from AWS.
//!
//! They are checked as if they came from anywhere. A pinned root is written. One that is not pinned,
//! differs from its pin or is gone needs `--accept`, from somebody who has compared it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use crate::certs::{Certs, GLOBAL, day};
use crate::download::Client;
use crate::pins::Pins;
use crate::provenance::Origin;
use crate::root::Root;
use crate::{Failure, bundle, sha256};

/// A partition's regions, and the address of its bundle.
///
/// Addresses: "Certificate bundles by AWS Region", RDS user guide
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>, and for China
/// <https://docs.amazonaws.cn/en_us/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    partition: &'static str,
    url: String,
}

const SOURCES: [(&str, &str); 3] = [
    ("aws", "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"),
    (
        "aws-us-gov",
        "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/global/global-bundle.pem",
    ),
    ("aws-cn", "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/global/global-bundle.pem"),
];

impl Source {
    /// The source of a partition: `aws`, `aws-us-gov` or `aws-cn`.
    #[must_use]
    pub fn of(partition: &str) -> Option<Self> {
        let (partition, url) = SOURCES.into_iter().find(|(name, _)| *name == partition)?;
        Some(Self { partition, url: url.to_owned() })
    }

    /// The same regions at another address, such as a mirror.
    #[must_use]
    pub fn at(self, url: impl Into<String>) -> Self {
        Self { url: url.into(), ..self }
    }

    /// Whether a region is in this partition.
    fn covers(&self, region: &str) -> bool {
        let partition = match region {
            "" => return false, // the pins of Amazon Trust Services
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ if region.starts_with("cn-") => "aws-cn",
            _ => "aws",
        };
        partition == self.partition
    }
}

/// Fetches the roots of a partition, and writes them into the folder if they pass every check. Returns
/// what changed, as text.
///
/// # Errors
/// They cannot be fetched, or fail a check; or they differ from the pins and `accept` is not set, which
/// the error shows. Nothing is written then.
pub fn update(
    folder: &Path,
    source: &Source,
    client: &Client,
    accept: bool,
    now: SystemTime,
) -> Result<String, Failure> {
    let mut certs = Certs::read(folder, now)?;
    let answer = client.get(&source.url)?;
    let (roots, left_out) = bundle::read_without_test_roots(&answer, &source.url, now)?;
    bundle::three_each(&roots, &source.url)?;
    if let Some(foreign) =
        roots.iter().find(|root| !root.region().is_some_and(|r| source.covers(r)))
    {
        let (url, partition) = (&source.url, source.partition);
        return Err(format!("{url}: {:?} is not a root of {partition}", foreign.subject).into());
    }

    let to_decide = to_decide(&certs.pins, source, &roots);
    let (old, mut new): (Vec<_>, Vec<_>) = certs
        .regions
        .iter()
        .cloned()
        .partition(|root| root.region().is_some_and(|region| source.covers(region)));
    let changes = difference(&old, &roots);
    if !to_decide.is_empty() && !accept {
        return Err(format!(
            "{}: the roots differ from the pins, so nothing was written:\n{}{changes}\
             compare them with what AWS publishes, and confirm with --accept",
            source.url,
            to_decide.concat(),
        )
        .into());
    }
    let mut report = String::new();
    for subject in left_out {
        report += &format!("left out {subject:?}: a test root of AWS\n");
    }
    if changes.is_empty() && to_decide.is_empty() {
        return Ok(report + "nothing to update\n");
    }
    let origin = Origin { url: source.url.clone(), sha256: sha256(&answer), retrieved: day(now) };
    certs.pins = certs.pins.replaced(|region| source.covers(region), &roots);
    new.extend(roots);
    certs.regions = new;
    certs.write(folder, &[(GLOBAL, source.partition, origin)])?;
    Ok(report + &to_decide.concat() + &changes)
}

/// The differences from the pins, a line each.
fn to_decide(pins: &Pins, source: &Source, roots: &[Root]) -> Vec<String> {
    let refused = roots.iter().filter_map(|root| pins.verify(root).err());
    let pinned = pins.iter().filter(|(_, pin)| source.covers(&pin.region));
    let vanished = pinned
        .filter(|(subject, _)| !roots.iter().any(|root| root.subject == *subject))
        .map(|(subject, pin)| format!("{subject:?} is pinned as {} but gone", pin.sha256));
    refused.chain(vanished).map(|line| format!("! {line}\n")).collect()
}

/// The roots that were removed and added, a line each.
pub(crate) fn difference(old: &[Root], new: &[Root]) -> String {
    let by_fingerprint = |roots: &[Root]| -> BTreeMap<String, String> {
        roots.iter().map(|root| (root.sha256.clone(), root.subject.clone())).collect()
    };
    let (old, new) = (by_fingerprint(old), by_fingerprint(new));
    let gone = old.iter().filter(|(sha256, _)| !new.contains_key(*sha256)).map(|root| ('-', root));
    let came = new.iter().filter(|(sha256, _)| !old.contains_key(*sha256)).map(|root| ('+', root));
    let mut lines: Vec<_> = gone.chain(came).collect();
    lines.sort_by_key(|(sign, (_, subject))| (subject.as_str(), *sign != '-'));
    lines.iter().map(|(sign, (sha256, subject))| format!("{sign} {subject} {sha256}\n")).collect()
}
