//! The command line of `cargo xtask check`.

use command_line::{CommandLine, Error};
use std::ffi::OsString;

use crate::arguments::{Arguments, REPEATABLE};

/// The text of `--help`.
pub(crate) const HELP: &str = include_str!("../help/check.txt");

/// The options.
#[derive(Default)]
pub(crate) struct Flags {
    pub(crate) arguments: Arguments,
    pub(crate) json: bool,
}

/// Reads the command line; `None` when it asks for help.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Flags>, Error> {
    let mut line = CommandLine::new("check", arguments).repeatable(REPEATABLE);
    let mut flags = Flags::default();
    while let Some(option) = line.option()? {
        match option.as_str() {
            "help" => return Ok(None),
            "json" => flags.json = true,
            option if flags.arguments.take(option, &mut line)? => {}
            _ => return Err(line.unknown_in(HELP)),
        }
    }
    Ok(Some(flags))
}
