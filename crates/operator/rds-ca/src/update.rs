//! Newer roots from AWS itself.
//!
//! What AWS answers is checked as if it came from anywhere. A root that is pinned comes in by
//! itself. One that is not, one that differs from its pin and one that has gone wait for a person
//! who looks, and says `--accept`.

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

    /// The same regions from another address, such as a mirror.
    #[must_use]
    pub fn at(self, url: impl Into<String>) -> Self {
        Self { url: url.into(), ..self }
    }

    /// Whether a region is one of this partition's.
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

/// Fetches the roots of a partition, and writes them into the folder if they pass. Returns what has
/// changed, for a person to read.
///
/// # Errors
/// They cannot be had, or do not pass; then nothing is written. What only a person can decide is an
/// error that shows the changes, unless `accept` is set.
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
        return Err(format!("{url}: {:?} is no root of {partition}", foreign.subject).into());
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
            "{}: what it answers is not what is pinned, so nothing was written:\n{}{changes}\
             compare with what AWS publishes, and say `--accept` if it is right",
            source.url,
            to_decide.concat(),
        )
        .into());
    }
    let mut report = String::new();
    for subject in left_out {
        report += &format!("left out {subject:?}: a test root of AWS's\n");
    }
    if changes.is_empty() && to_decide.is_empty() {
        return Ok(report + "nothing is new\n");
    }
    let origin = Origin { url: source.url.clone(), sha256: sha256(&answer), retrieved: day(now) };
    certs.pins = certs.pins.replaced(|region| source.covers(region), &roots);
    new.extend(roots);
    certs.regions = new;
    certs.write(folder, &[(GLOBAL, source.partition, origin)])?;
    Ok(report + &to_decide.concat() + &changes)
}

/// How an answer differs from the pins, a line each.
fn to_decide(pins: &Pins, source: &Source, roots: &[Root]) -> Vec<String> {
    let refused = roots.iter().filter_map(|root| pins.verify(root).err());
    let pinned = pins.iter().filter(|(_, pin)| source.covers(&pin.region));
    let vanished = pinned
        .filter(|(subject, _)| !roots.iter().any(|root| root.subject == *subject))
        .map(|(subject, pin)| format!("{subject:?} is pinned as {} but vanished", pin.sha256));
    refused.chain(vanished).map(|line| format!("! {line}\n")).collect()
}

/// The roots that went and came, a line each.
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
