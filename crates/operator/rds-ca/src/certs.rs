//! The folder `certs/`: read and checked as a whole, and written as a whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::SystemTime;
use time::OffsetDateTime;

use crate::bundle;
use crate::pins::Pins;
use crate::provenance::{File, Origin, Provenance};
use crate::root::Root;
use crate::{Failure, sha256};

pub(crate) const GLOBAL: &str = "global-bundle.pem";
pub(crate) const AMAZON_TRUST: &str = "amazon-trust-roots.pem";
pub(crate) const PROVENANCE: &str = "PROVENANCE.json";
const PINS: &str = "pins.csv";

/// The certificates of this project, checked.
#[derive(Debug, Clone)]
pub struct Certs {
    /// The roots of the regions, sorted by region and name.
    pub(crate) regions: Vec<Root>,
    /// The five roots of Amazon Trust Services.
    pub(crate) amazon_trust: Vec<Root>,
    pub(crate) pins: Pins,
    pub(crate) provenance: Provenance,
}

impl Certs {
    /// Reads a folder, and checks everything in it at `now`, offline.
    ///
    /// # Errors
    /// A file is missing, or differs from its provenance, or contains anything but certificates; a
    /// certificate is refused by [`Root::read`], is there twice, or differs from its pin; a region lacks
    /// one of its three CAs; the Amazon Trust roots are not the pinned ones.
    pub fn read(folder: &Path, now: SystemTime) -> Result<Self, Failure> {
        let file = |name: &str| {
            let path = folder.join(name);
            fs::read_to_string(&path)
                .map_err(|error| Failure::from(format!("cannot read {}: {error}", path.display())))
        };
        let provenance = serde_json::from_str(&file(PROVENANCE)?)
            .map_err(|error| format!("{PROVENANCE} is not valid: {error}"))?;
        let (global, amazon_trust) = (file(GLOBAL)?, file(AMAZON_TRUST)?);
        let certs = Self {
            regions: bundle::read(global.as_bytes(), GLOBAL, now)?,
            amazon_trust: bundle::read(amazon_trust.as_bytes(), AMAZON_TRUST, now)?,
            pins: Pins::read(&file(PINS)?)?,
            provenance,
        };
        certs.check()?;
        certs.check_files(&[(GLOBAL, &global), (AMAZON_TRUST, &amazon_trust)])?;
        Ok(certs)
    }

    /// The pins of a folder, which are all that a snapshot needs.
    pub(crate) fn pins(folder: &Path) -> Result<Pins, Failure> {
        let path = folder.join(PINS);
        let csv = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Pins::read(&csv)
    }

    /// Checks the certificates together.
    fn check(&self) -> Result<(), Failure> {
        bundle::three_each(&self.regions, GLOBAL)?;
        for (roots, name) in [(&self.regions, GLOBAL), (&self.amazon_trust, AMAZON_TRUST)] {
            for root in roots {
                self.pins.verify(root).map_err(|why| format!("{name}: {why}"))?;
            }
        }
        for (subject, _) in self.pins.iter().filter(|(_, pin)| pin.region.is_empty()) {
            if !self.amazon_trust.iter().any(|root| root.subject == subject) {
                return Err(format!("{AMAZON_TRUST}: {subject:?} is missing").into());
            }
        }
        if let Some(root) = self.amazon_trust.iter().find(|root| root.region().is_some()) {
            return Err(
                format!("{AMAZON_TRUST}: {:?} is the root of a region", root.subject).into()
            );
        }
        Ok(())
    }

    /// Checks the files against their provenance.
    fn check_files(&self, files: &[(&str, &str)]) -> Result<(), Failure> {
        for (name, text) in files {
            let recorded = self.provenance.files.get(*name).map(|file| file.sha256.as_str());
            if recorded != Some(sha256(text.as_bytes()).as_str()) {
                return Err(format!(
                    "{name} differs from its sum in {PROVENANCE}; restore both from git"
                )
                .into());
            }
        }
        if self.provenance.lacking != self.lacking() {
            return Err(format!("the missing regions differ from those in {PROVENANCE}").into());
        }
        Ok(())
    }

    /// The regions that have roots, sorted.
    pub fn regions(&self) -> BTreeSet<&str> {
        self.regions.iter().filter_map(Root::region).collect()
    }

    /// The regions whose roots are pinned but missing, sorted.
    pub fn lacking(&self) -> Vec<String> {
        let here = self.regions();
        let pinned: BTreeSet<_> = self.pins.iter().map(|(_, pin)| pin.region.as_str()).collect();
        let lacking = pinned.into_iter().filter(|region| !region.is_empty());
        lacking.filter(|region| !here.contains(region)).map(str::to_owned).collect()
    }

    /// The number of roots of regions, and of Amazon Trust Services.
    pub fn count(&self) -> (usize, usize) {
        (self.regions.len(), self.amazon_trust.len())
    }

    /// Checks this new state of a folder, records its sources, and writes it. All new files are complete
    /// before the first replaces its old one.
    pub(crate) fn write(
        mut self,
        folder: &Path,
        origins: &[(&str, &str, Origin)],
    ) -> Result<Self, Failure> {
        self.regions.sort_by(|a, b| a.used_for.cmp(&b.used_for));
        self.amazon_trust.sort_by(|a, b| a.subject.cmp(&b.subject));
        self.check()?;
        let bundles = [(GLOBAL, &self.regions), (AMAZON_TRUST, &self.amazon_trust)];
        let mut files = BTreeMap::new();
        for (name, roots) in bundles {
            let text = bundle::write(roots);
            let file: &mut File = self.provenance.files.entry(name.to_owned()).or_default();
            file.sha256 = sha256(text.as_bytes());
            file.certificates = roots.len();
            for (_, partition, origin) in origins.iter().filter(|(of, _, _)| *of == name) {
                file.sources.insert((*partition).to_owned(), origin.clone());
            }
            files.insert(name, text);
        }
        self.provenance.lacking = self.lacking();
        files.insert(PINS, self.pins.write());
        let provenance = serde_json::to_string_pretty(&self.provenance)? + "\n";
        let order = [PINS, GLOBAL, AMAZON_TRUST].map(|name| (name, files[name].as_str()));
        // The provenance is last, so that `check` refuses a half-written folder.
        replace(folder, &[&order[..], &[(PROVENANCE, &provenance)]].concat())?;
        Ok(self)
    }
}

/// Writes all files under temporary names, and then renames them one by one.
pub(crate) fn replace(folder: &Path, files: &[(&str, &str)]) -> Result<(), Failure> {
    let wrong = |name: &str, error: &dyn std::fmt::Display| {
        format!("cannot write {}: {error}", folder.join(name).display())
    };
    let mut written = Vec::new();
    for (name, text) in files {
        let mut file = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(0o644))
            .tempfile_in(folder)
            .map_err(|error| wrong(name, &error))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.as_file().sync_all())
            .map_err(|error| wrong(name, &error))?;
        written.push((name, file));
    }
    for (name, file) in written {
        file.persist(folder.join(name)).map_err(|error| wrong(name, &error))?;
    }
    Ok(())
}

/// The day of `now`, in UTC, such as `2026-11-21`.
pub(crate) fn day(now: SystemTime) -> String {
    OffsetDateTime::from(now).date().to_string()
}
