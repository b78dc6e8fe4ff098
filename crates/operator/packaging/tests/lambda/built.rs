//! The zips of this machine's architecture, built once for all tests.

use packaging::{Architecture, Package};
use std::sync::OnceLock;

pub(crate) fn architecture() -> Architecture {
    Architecture::of_this_machine().expect("Lambda has this machine's architecture")
}

#[allow(clippy::print_stderr)]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}

pub(crate) fn packages() -> &'static [Package] {
    static PACKAGES: OnceLock<Vec<Package>> = OnceLock::new();
    PACKAGES.get_or_init(|| packaging::build(architecture(), &mut say).unwrap())
}

pub(crate) fn package(function: &str) -> &'static Package {
    packages().iter().find(|package| package.function == function).unwrap()
}
