//! `cargo xtask build`: the functions as they are deployed, built by the program `packaging`.

use std::ffi::OsString;
use std::process::Command;

use crate::Failure;
use crate::cargo::{self, cargo};

pub(crate) fn run(arguments: &[OsString]) -> Result<(), Failure> {
    cargo::run(&mut cargo(&["build", "--locked", "--package", "packaging"]))?;
    cargo::exec(Command::new(cargo::target().join("debug/packaging")).args(arguments))
}
