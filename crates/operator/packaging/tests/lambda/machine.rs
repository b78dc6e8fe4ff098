//! This machine: its architecture, and where its tests' progress goes.

use packaging::Architecture;

pub(crate) fn architecture() -> Architecture {
    Architecture::of_this_machine().expect("Lambda has this machine's architecture")
}

#[allow(clippy::print_stderr)]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
