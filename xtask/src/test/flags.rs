//! The command line of `cargo xtask test`.

use engine::Engine;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::thread;

use crate::Failure;

pub(crate) const HELP: &str = "\
TODO";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) quick: bool,
    pub(crate) engines: Vec<Engine>,
    /// Parts of tests' names.
    pub(crate) names: Vec<String>,
    /// How many processes run at once.
    pub(crate) jobs: usize,
    /// What goes to `cargo test`.
    pub(crate) arguments: Vec<OsString>,
}

/// Reads the arguments after `test`. Nothing when they ask for help.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Option<Test>, Failure> {
    let mut own = arguments;
    let cargos = match own.iter().position(|argument| argument == "--") {
        Some(at) => own.split_off(at).split_off(1),
        None => vec![],
    };
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut test =
        Test { quick: false, engines: vec![], names: vec![], jobs: 4 * cores, arguments: cargos };
    let mut parser = lexopt::Parser::from_args(own);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => test.quick = true,
            Long("engine") => test.engines.push(parser.value()?.parse()?),
            Long("jobs") => test.jobs = parser.value()?.parse()?,
            Value(name) => test.names.push(name.string()?),
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(test))
}
