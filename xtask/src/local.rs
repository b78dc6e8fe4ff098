//! `cargo xtask local`: the whole system on this machine.

use crate::Failure;
use crate::cargo::{self, cargo};
use crate::fetch;
use crate::flags::Local;

pub(crate) fn run(flags: &Local) -> Result<(), Failure> {
    let event = match &flags.event {
        // Relative to where the person is, and told before anything is built.
        Some(file) => Some(
            file.canonicalize()
                .map_err(|error| format!("cannot read the event {}: {error}", file.display()))?,
        ),
        None => None,
    };
    fetch::servers_during(&flags.engines, || {
        let packages = ["local-stack", "mysql-function", "postgres-function"];
        let mut build = cargo(&["build", "--locked"])?;
        build.args(packages.iter().flat_map(|package| ["--package", package]));
        cargo::run(&mut build)
    })?;

    let mut stack = cargo::built("local-stack")?;
    for engine in &flags.engines {
        stack.args(["--engine", engine.name()]);
    }
    if let Some(file) = event {
        stack.arg("--event").arg(file);
    }
    if let Some(port) = flags.port {
        stack.arg("--port").arg(port.to_string());
    }
    stack.args(flags.once.then_some("--once"));
    stack.args(flags.json.then_some("--json"));
    cargo::exec(&mut stack)
}
