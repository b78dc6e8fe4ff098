//! The zips of this machine's architecture, built once for all tests.

use packaging::Package;
use std::fs::{self, File};
use std::sync::OnceLock;

use crate::machine::{architecture, say};

pub(crate) fn packages() -> &'static [Package] {
    static PACKAGES: OnceLock<(File, Vec<Package>)> = OnceLock::new();
    let built = PACKAGES.get_or_init(|| {
        // Until this process ends no other test builds these files: `deployment::end_to_end` takes the same lock.
        let lambda = pinned_tools::target().unwrap().join("lambda");
        fs::create_dir_all(&lambda).unwrap();
        let lock = File::create(lambda.join("tests.lock")).unwrap();
        lock.lock().unwrap();
        (lock, packaging::build(architecture(), &mut say).unwrap())
    });
    &built.1
}

pub(crate) fn package(function: &str) -> &'static Package {
    packages().iter().find(|package| package.function == function).unwrap()
}
