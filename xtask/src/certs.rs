//! `cargo xtask certs`: the RDS roots, checked, listed and renewed by the program `rds-ca`.

use std::ffi::OsString;
use std::process::Command;

use crate::Failure;
use crate::cargo::{self, cargo};

pub(crate) fn run(arguments: &[OsString]) -> Result<(), Failure> {
    cargo::exec(rds_ca()?.args(arguments))
}

/// The program, built, and told where the certificates are.
pub(crate) fn rds_ca() -> Result<Command, Failure> {
    cargo::run(&mut cargo(&["build", "--locked", "--package", "rds-ca"])?)?;
    let mut command = cargo::built("rds-ca")?;
    command.arg(pinned_tools::workspace()?.join("certs"));
    Ok(command)
}
