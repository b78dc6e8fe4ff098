//! `cargo xtask doctor`: why a function cannot log in, found out by the program `doctor`.

use std::ffi::OsString;

use crate::Failure;
use crate::cargo::{self, cargo};

pub(crate) fn run(arguments: &[OsString]) -> Result<(), Failure> {
    // The functions beside it are what it runs, when it does not ask a deployed one.
    let packages = ["doctor", "mysql-function", "postgres-function"];
    let mut build = cargo(&["build", "--locked"])?;
    build.args(packages.iter().flat_map(|package| ["--package", package]));
    cargo::run(&mut build)?;
    cargo::exec(cargo::built("doctor")?.args(arguments))
}
