//! The command line of `cargo xtask build`.

use command_line::CommandLine;
use engine::Engine;
use packaging::{Architecture, Failure};
use std::env::{self, consts::ARCH};
use std::path::PathBuf;

const HELP: &str = include_str!("help.txt");

/// What the command line asks for.
pub(crate) enum Flags {
    /// Show a text.
    Help(&'static str),
    /// Build a package of one's own.
    Own {
        /// Its folder.
        package: PathBuf,
        /// What for.
        architecture: Architecture,
        /// Whether the result is printed as JSON.
        json: bool,
    },
    /// Build the functions.
    Build {
        /// The folder of statements; `None` for the workspace's.
        statements: Option<PathBuf>,
        /// The engines whose functions are built; empty for all.
        engines: Vec<Engine>,
        /// What for.
        architecture: Architecture,
        /// Whether the result is printed as JSON.
        json: bool,
    },
}

/// Reads the command line.
pub(crate) fn parse() -> Result<Flags, Failure> {
    let mut line = CommandLine::new("build", env::args_os().skip(1)).repeatable(&["engine"]);
    let mut architecture = Architecture::of_this_machine();
    let (mut statements, mut engines, mut package) = (None, vec![], None);
    while let Some(option) = line.option()? {
        match option.as_str() {
            "help" => return Ok(Flags::Help(HELP)),
            "statements" => statements = Some(line.os_value()?.into()),
            "package" => package = Some(PathBuf::from(line.os_value()?)),
            "engine" => engines.push(line.value()?),
            "arch" => architecture = Some(line.value()?),
            "json" => {}
            _ => return Err(line.unknown_in(HELP).into()),
        }
    }
    let architecture = architecture.ok_or_else(|| {
        format!(
            "Lambda has no architecture like this machine's, {ARCH}; use --arch arm64 or x86_64"
        )
    })?;
    let json = line.has("json");
    if let Some(package) = package {
        if statements.is_some() || !engines.is_empty() {
            return Err(
                "--package is built alone, with the statements in its own folder `statements`: \
                        leave out --statements and --engine"
                    .into(),
            );
        }
        return Ok(Flags::Own { package, architecture, json });
    }
    Ok(Flags::Build { statements, engines, architecture, json })
}
