//! The command line of `cargo xtask local`.

use command_line::{CommandLine, Error};
use local_rds::Engine;
use std::env;
use std::path::PathBuf;

/// The text of `--help`.
pub(crate) const HELP: &str = include_str!("help.txt");

/// What to run.
#[derive(Default)]
pub(crate) struct Flags {
    pub(crate) engines: Vec<Engine>,
    pub(crate) once: bool,
    pub(crate) json: bool,
    pub(crate) event: Option<PathBuf>,
    pub(crate) port: Option<u16>,
}

/// Reads the command line; `None` when it asks for help.
pub(crate) fn parse() -> Result<Option<Flags>, Error> {
    let mut line = CommandLine::new("local", env::args_os().skip(1)).repeatable(&["engine"]);
    let mut flags = Flags::default();
    while let Some(option) = line.option()? {
        match option.as_str() {
            "help" => return Ok(None),
            "once" => flags.once = true,
            "json" => flags.json = true,
            "engine" => {
                let engine = line.value()?;
                if !flags.engines.contains(&engine) {
                    flags.engines.push(engine);
                }
            }
            "event" => flags.event = Some(line.os_value()?.into()),
            "port" => flags.port = Some(line.value()?),
            _ => return Err(line.unknown()),
        }
    }
    if flags.engines.is_empty() {
        flags.engines = vec![Engine::MySql, Engine::Postgres];
    }
    Ok(Some(flags))
}
