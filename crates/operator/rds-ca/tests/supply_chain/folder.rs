//! A copy of `certs/` to tamper with.

use rds_ca::{Certs, Failure, sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The workspace's folder.
pub(crate) fn certs() -> PathBuf {
    Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../certs")
}

/// 2026-11-21, the day of the snapshot, so that these tests do not expire.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_219_200)
}

/// The regions' bundle of `certs/`.
pub(crate) fn bundle() -> String {
    fs::read_to_string(certs().join("global-bundle.pem")).unwrap()
}

/// The pins of the regions in `bundle`, as if AWS had no others.
pub(crate) fn pins(bundle: &str) -> String {
    let pins = fs::read_to_string(certs().join("pins.csv")).unwrap();
    let kept = pins.lines().filter(|line| {
        let region = line.split(',').next().unwrap();
        ["", "region"].contains(&region) || bundle.contains(&format!(" {region} Root CA"))
    });
    kept.map(|line| format!("{line}\n")).collect()
}

/// A bundle without the blocks whose comment contains `name`.
pub(crate) fn without(bundle: &str, name: &str) -> String {
    let blocks = bundle.split_inclusive("-----END CERTIFICATE-----\n");
    let kept: String = blocks.filter(|block| !block.contains(name)).collect();
    assert_ne!(kept, bundle, "there is no {name:?}");
    kept
}

/// The bundle with the block of the root called `name` replaced.
pub(crate) fn replaced(bundle: &str, name: &str, block: &str) -> String {
    without(bundle, name) + block
}

/// A temporary folder of certificates.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// A folder with these files, the Amazon Trust roots, and a matching provenance.
    pub(crate) fn with(bundle: &str, pins: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let amazon_trust = fs::read_to_string(certs().join("amazon-trust-roots.pem")).unwrap();
        let pinned: BTreeSet<_> =
            pins.lines().skip(1).map(|l| l.split(',').next().unwrap()).collect();
        let here = |region: &str| bundle.contains(&format!(" {region} Root CA"));
        let lacking: Vec<_> = pinned.iter().filter(|r| !r.is_empty() && !here(r)).collect();
        let entry = |text: &str| {
            format!(r#"{{"sha256":"{}","certificates":1,"sources":{{}}}}"#, sha256(text.as_bytes()))
        };
        let provenance = format!(
            r#"{{"files":{{"global-bundle.pem":{},"amazon-trust-roots.pem":{}}},"lacking":{lacking:?}}}"#,
            entry(bundle),
            entry(&amazon_trust)
        );
        folder.put("global-bundle.pem", bundle);
        folder.put("amazon-trust-roots.pem", &amazon_trust);
        folder.put("pins.csv", pins);
        folder.put("PROVENANCE.json", &provenance);
        folder
    }

    /// As `certs/`, with only the pins of its regions.
    pub(crate) fn good() -> Folder {
        let bundle = bundle();
        let folder = Folder::with(&bundle, &pins(&bundle));
        folder.check().expect("certs/ holds");
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn put(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    pub(crate) fn check(&self) -> Result<Certs, Failure> {
        Certs::read(self.path(), now())
    }

    /// Every file and its content.
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let entries = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
    }
}
