//! The Lambda layer: the checked roots in a zip that is the same bytes on every machine and in every run.
//!
//! Lambda unpacks a layer to `/opt`
//! (<https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html>): the functions read `/opt/rds-ca`.

use reproducible_zip::{Entry, Method};
use std::collections::{BTreeMap, BTreeSet};

use crate::bundle;
use crate::certs::{AMAZON_TRUST, Certs, GLOBAL, PROVENANCE};
use crate::{Failure, sha256};

/// The folder in the zip.
pub const FOLDER: &str = "rds-ca";

/// The files of the layer, by name, with the roots of `regions`, or of all regions if it is empty.
///
/// `global-bundle.pem` has the roots of all these regions, between which a global database can move.
///
/// # Errors
/// The roots of a region are missing.
pub fn files(certs: &Certs, regions: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let here = certs.regions();
    for region in regions {
        if !here.contains(region.as_str()) {
            let partition = match region {
                _ if region.starts_with("cn-") => " --partition aws-cn",
                _ if region.starts_with("us-gov-") => " --partition aws-us-gov",
                _ => "",
            };
            return Err(format!(
                "certs/ has no roots of {region}; run `cargo xtask certs update{partition}`"
            )
            .into());
        }
    }
    let wanted: BTreeSet<_> = match regions {
        [] => here,
        regions => regions.iter().map(String::as_str).collect(),
    };
    let roots_of = |wanted: &dyn Fn(&str) -> bool| {
        let roots = certs.regions.iter();
        bundle::write(roots.filter(|root| root.region().is_some_and(wanted)))
    };
    let mut files = BTreeMap::from([
        (GLOBAL.to_owned(), roots_of(&|region| wanted.contains(region))),
        (AMAZON_TRUST.to_owned(), bundle::write(&certs.amazon_trust)),
    ]);
    // With fewer regions the files differ from those of certs/.
    let mut provenance = certs.provenance.clone();
    for (name, file) in &mut provenance.files {
        let text = files.get(name).map_or("", String::as_str);
        (file.sha256, file.certificates) = (sha256(text.as_bytes()), roots_in(text));
    }
    files.insert(PROVENANCE.to_owned(), serde_json::to_string_pretty(&provenance)? + "\n");
    for region in &wanted {
        files.insert(format!("{region}-bundle.pem"), roots_of(&|of| of == *region));
    }
    Ok(files)
}

/// The zip, uncompressed, so that its bytes depend on no compressor.
///
/// # Errors
/// The files are more than a zip can hold.
pub fn zip(files: &BTreeMap<String, String>) -> Result<Vec<u8>, Failure> {
    let folder = (format!("{FOLDER}/"), Entry::Folder);
    let files =
        files.iter().map(|(name, text)| (format!("{FOLDER}/{name}"), Entry::File(text.as_bytes())));
    Ok(reproducible_zip::zip(Method::Stored, files.chain([folder]))?)
}

/// A line for each file: its roots and its SHA-256.
pub fn contents(files: &BTreeMap<String, String>) -> String {
    let width = files.keys().map(String::len).max().unwrap_or_default();
    let line = |(name, text): (&String, &String)| {
        let sha256 = sha256(text.as_bytes());
        match roots_in(text) {
            0 => format!("  {name:width$}            {sha256}\n"),
            roots => format!("  {name:width$}  {roots:3} roots  {sha256}\n"),
        }
    };
    files.iter().map(line).collect()
}

fn roots_in(pem: &str) -> usize {
    pem.matches("-----BEGIN").count()
}
