//! `cargo xtask layer`: the RDS roots as a Lambda layer, packed by the program `rds-ca`.

use std::ffi::OsString;

use crate::Failure;
use crate::cargo;
use crate::certs::rds_ca;

pub(crate) fn run(arguments: &[OsString]) -> Result<(), Failure> {
    let zip = pinned_tools::target()?.join("lambda/rds-ca-layer.zip");
    cargo::exec(rds_ca()?.arg("layer").arg(zip).args(arguments))
}
