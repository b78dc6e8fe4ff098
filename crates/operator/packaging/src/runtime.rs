//! Whether a program starts on Lambda's runtime `provided.al2023`.
//!
//! If it does not, Lambda reports `Runtime.ExitError`, and only the log of the first failed event has the
//! reason.

use std::fmt;
use std::str::FromStr;

use crate::Failure;
use crate::architecture::Architecture;
use crate::needs::{Needs, Version};

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glibc(u16, u16);

/// The glibc of Amazon Linux 2023:
/// <https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html>.
pub const AMAZON_LINUX_2023: Glibc = Glibc(2, 34);

/// The libraries of glibc. The runtime may lack others.
const LIBRARIES: [&str; 8] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
];

/// The most symbols that an error names for one version.
const SYMBOLS: usize = 3;

/// Checks that `program`, an ELF file, starts on `architecture` with `glibc` and no other library. Returns
/// the oldest glibc that it starts with.
///
/// # Errors
/// It would not start. The text has a line for each reason: a symbol version, a library, the loader, the
/// architecture.
pub fn check(program: &[u8], architecture: Architecture, glibc: Glibc) -> Result<Glibc, Failure> {
    let needs = Needs::read(program)?;
    let mut oldest = Glibc(2, 0);
    let mut wrong = Vec::new();
    if needs.machine != architecture.elf_machine() {
        wrong.push(format!("it is not for {architecture} (ELF machine {})", needs.machine.0));
    } else if needs.interpreter.as_deref() != Some(architecture.interpreter()) {
        let loader = needs.interpreter.as_deref().unwrap_or("none");
        wrong.push(format!("its loader is {loader}, not {}", architecture.interpreter()));
    }
    let elsewhere = needs.libraries.iter().filter(|name| !LIBRARIES.contains(&name.as_str()));
    wrong.extend(elsewhere.map(|name| format!("it needs the library {name}")));
    for version in needs.versions {
        match version.name.parse() {
            Ok(needed) if needed <= glibc => oldest = oldest.max(needed),
            _ => wrong.push(need(&version)),
        }
    }
    if wrong.is_empty() {
        return Ok(oldest);
    }
    Err(format!(
        "it would not start with glibc {glibc} on {architecture}:\n  {}",
        wrong.join("\n  ")
    )
    .into())
}

/// A required version, and what requires it.
fn need(Version { name, library, symbols }: &Version) -> String {
    let named = symbols[..symbols.len().min(SYMBOLS)].join(", ");
    match symbols.len() {
        0 => format!("{name} of {library} is needed"),
        count if count <= SYMBOLS => format!("{name} of {library} is needed by {named}"),
        count => format!("{name} of {library} is needed by {named} and {} more", count - SYMBOLS),
    }
}

impl fmt::Display for Glibc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Reads a symbol version: `GLIBC_2.34`, or `GLIBC_2.2.5`, whose last part is ignored.
impl FromStr for Glibc {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let numbers = name.strip_prefix("GLIBC_").unwrap_or_default();
        let mut numbers = numbers.split('.').map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor))) => Ok(Self(major, minor)),
            _ => Err(format!("{name} is not a version of glibc")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let glibc = |name: &str| name.parse::<Glibc>();
        assert!(glibc("GLIBC_2.4").unwrap() < glibc("GLIBC_2.34").unwrap());
        assert_eq!(glibc("GLIBC_2.2.5"), Ok(Glibc(2, 2)));
        for other in ["GLIBC_ABI_DT_RELR", "GLIBC_PRIVATE", "GCC_3.0", "2.34", ""] {
            assert!(glibc(other).is_err(), "{other}");
        }
    }

    #[test]
    fn other_files_are_refused() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF\x02\x01\x01"] {
            assert!(check(bytes, Architecture::X86_64, AMAZON_LINUX_2023).is_err());
        }
    }
}
