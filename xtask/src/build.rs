//! `cargo xtask build`: the functions as they are deployed, built by the program `packaging`.

use std::ffi::OsString;

use crate::Failure;
use crate::cargo::{self, cargo};

pub(crate) fn run(arguments: &[OsString]) -> Result<(), Failure> {
    cargo::run(&mut cargo(&["build", "--locked", "--package", "packaging"])?)?;
    cargo::exec(cargo::built("packaging")?.args(arguments))
}
