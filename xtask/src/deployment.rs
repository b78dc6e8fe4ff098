//! `cargo xtask deploy`, `destroy` and `user`: done by the program `deployment`.

use std::ffi::OsString;

use crate::Failure;
use crate::cargo::{self, cargo};

pub(crate) fn run(arguments: &[OsString]) -> Result<(), Failure> {
    cargo::run(&mut cargo(&["build", "--quiet", "--locked", "--package", "deployment"])?)?;
    cargo::exec(cargo::built("deployment")?.args(arguments))
}
