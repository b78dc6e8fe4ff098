//! Runs cargo, in the workspace, as the cargo that runs us.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    // The manifest's folder is `xtask`, inside the workspace.
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The folder cargo builds into.
pub(crate) fn target() -> PathBuf {
    // A relative one is relative to where cargo was called, not to the workspace.
    env::var_os("CARGO_TARGET_DIR").map_or_else(
        || root().join("target"),
        |folder| env::current_dir().unwrap_or_else(|_| root()).join(folder),
    )
}

/// `cargo ARGUMENTS`, in the workspace.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(arguments);
    if env::var_os("CARGO_TARGET_DIR").is_some() {
        command.env("CARGO_TARGET_DIR", target());
    }
    // The cargo that runs us tells us about our own package. Build scripts that look there, such as
    // ring's, would take it for another build than the one of a plain `cargo build`.
    for (name, _) in env::vars_os() {
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if name.to_str().is_some_and(|name| ours.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command whose output is the person's to read.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
    Err(format!("`{program} {}` failed: {status}", arguments.join(" ")).into())
}

/// Runs a program in place of this process: Ctrl-C, what it says and its exit code are its own.
pub(crate) fn exec(command: &mut Command) -> Result<(), Failure> {
    let error = command.exec();
    Err(format!("cannot run {}: {error}", command.get_program().display()).into())
}
