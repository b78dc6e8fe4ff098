//! The command line, which `help.txt` describes.

use lexopt::prelude::*;
use local_rds::Engine;
use std::path::PathBuf;

use crate::Failure;

/// The options.
#[derive(Default)]
pub(crate) struct Flags {
    pub(crate) engines: Vec<Engine>,
    pub(crate) once: bool,
    pub(crate) json: bool,
    pub(crate) event: Option<PathBuf>,
    pub(crate) port: Option<u16>,
}

/// Parses the command line. None if it asks for help.
pub(crate) fn parse() -> Result<Option<Flags>, Failure> {
    let mut flags = Flags::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("engine") => flags.engines.push(parser.value()?.parse()?),
            Long("once") => flags.once = true,
            Long("json") => flags.json = true,
            Long("event") => flags.event = Some(parser.value()?.into()),
            Long("port") => flags.port = Some(parser.value()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    if flags.engines.is_empty() {
        return Err("no --engine: name one, or use `cargo xtask local`".into());
    }
    Ok(Some(flags))
}
