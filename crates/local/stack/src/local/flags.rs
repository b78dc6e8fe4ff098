//! The command line of `cargo xtask local`.

use command_line::{CommandLine, Error};
use std::ffi::OsString;
use std::path::PathBuf;

use crate::arguments::{Arguments, REPEATABLE};

/// The text of `--help`.
pub(crate) const HELP: &str = include_str!("../help/local.txt");

/// The options.
#[derive(Default)]
pub(crate) struct Flags {
    pub(crate) arguments: Arguments,
    pub(crate) once: bool,
    pub(crate) json: bool,
    pub(crate) event: Option<PathBuf>,
    pub(crate) port: Option<u16>,
}

/// Reads the command line; `None` when it asks for help.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Flags>, Error> {
    let mut line = CommandLine::new("local", arguments).repeatable(REPEATABLE);
    let mut flags = Flags::default();
    while let Some(option) = line.option()? {
        match option.as_str() {
            "help" => return Ok(None),
            "once" => flags.once = true,
            "json" => flags.json = true,
            "event" => flags.event = Some(line.os_value()?.into()),
            "port" => {
                let port: String = line.value()?;
                let expected = format!("--port {port}: expected a number from 1 to 65535");
                flags.port = Some(port.parse().map_err(|_| line.error(expected))?);
            }
            option if flags.arguments.take(option, &mut line)? => {}
            _ => return Err(line.unknown_in(HELP)),
        }
    }
    Ok(Some(flags))
}
