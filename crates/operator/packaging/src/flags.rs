//! The command line.

use lexopt::prelude::*;
use packaging::{Architecture, Failure};
use std::env::consts::ARCH;

const HELP: &str = "\
Build the functions for Lambda: programs that start on Amazon Linux 2023, in zips.

Usage: cargo xtask build [OPTIONS]

Writes, where cargo-lambda has them and deploy/template.yaml looks for them:

  target/lambda/FUNCTION/bootstrap      the program
  target/lambda/FUNCTION/statements/    the statements of its engine, from deploy/statements
  target/lambda/FUNCTION/bootstrap.zip  both, for Lambda

for the FUNCTIONs mysql-function and postgres-function. The same sources, compiled by the same
version of Rust, give the same bytes in any folder of any machine: compiler flags, wrappers and
linkers of yours do not count, in the environment or in cargo's configuration, and what of that
configuration would count all the same ([env], [patch], [profile.release], …) is refused.

Before anything is compiled, the statements are read as the functions will read them: a file that
they would refuse is told, with its line and the way out, and nothing is built.

Each program is checked before it is packed: that it is for the architecture, that it needs
no later glibc than Amazon Linux 2023 has, and no library beside it, and that no path of this
machine is in it.

zig and cargo-zigbuild are fetched, at pinned versions, into target/tools, for which Python 3.11
or later is needed. Rust's standard library for another architecture is added by rustup.

Options:
  --arch ARCHITECTURE  arm64 or x86_64 (default: this machine's)
  --json               Print paths, sizes and sums as JSON, one array
  -h, --help           Show this text";

/// What the command line asks for.
pub(crate) enum Flags {
    /// Show a text.
    Help(&'static str),
    /// Build.
    Build {
        /// What for.
        architecture: Architecture,
        /// Whether a program reads the result.
        json: bool,
    },
}

/// Reads the command line.
pub(crate) fn parse() -> Result<Flags, Failure> {
    let mut parser = lexopt::Parser::from_env();
    let (mut architecture, mut json) = (Architecture::of_this_machine(), false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("arch") => architecture = Some(parser.value()?.string()?.parse()?),
            Long("json") => json = true,
            Short('h') | Long("help") => return Ok(Flags::Help(HELP)),
            other => return Err(other.unexpected().into()),
        }
    }
    let architecture = architecture.ok_or_else(|| {
        format!(
            "Lambda does not have this machine's architecture, {ARCH}: say --arch arm64 or x86_64"
        )
    })?;
    Ok(Flags::Build { architecture, json })
}
