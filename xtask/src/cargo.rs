//! Runs cargo in the workspace, and the programs that it builds.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use crate::Failure;

/// `cargo ARGUMENTS`, in the workspace, into the target folder of this very program.
pub(crate) fn cargo(arguments: &[&str]) -> Result<Command, Failure> {
    let mut command = command(program())?;
    command.current_dir(pinned_tools::workspace()?).args(arguments);
    Ok(command)
}

/// The cargo that runs this program, or else the one on the PATH.
pub(crate) fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// A program that may run cargo: it is told this program's target folder, and nothing about this
/// package.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Result<Command, Failure> {
    let mut command = Command::new(program);
    // A relative path would be relative to the caller's folder, not to the workspace.
    command.env("CARGO_TARGET_DIR", pinned_tools::target()?);
    // Python's programs, the AWS CLI among them, would be compiled at each of their hundreds of starts.
    command.env_remove("PYTHONDONTWRITEBYTECODE");
    // Cargo's variables about this package would make build scripts that read them, such as ring's, run
    // again after each plain `cargo build`.
    for (name, _) in env::vars_os() {
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if name.to_str().is_some_and(|name| ours.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    Ok(command)
}

/// Builds programs of the workspace. Their dependencies have the features of the whole workspace, so that no
/// command builds one again that another has built.
pub(crate) fn build(programs: &[&str]) -> Result<(), Failure> {
    let mut build = cargo(&["build", "--locked", "--workspace"])?;
    build.args(programs.iter().flat_map(|program| ["--bin", program]));
    run(&mut build)
}

/// A program of the workspace that cargo has built. It is in the folder of this one, whatever
/// target cargo builds for.
pub(crate) fn built(name: &str) -> Result<Command, Failure> {
    Ok(Command::new(beside_us(name)?))
}

/// A path in the folder of this program.
pub(crate) fn beside_us(name: &str) -> Result<PathBuf, Failure> {
    Ok(env::current_exe()?.with_file_name(name))
}

/// Runs a command, which writes to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("cannot run {program}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
    Err(format!("`{program} {}` failed: {status}", arguments.join(" ")).into())
}

/// Runs a program in place of this process: it handles signals and sets the exit code.
pub(crate) fn exec(command: &mut Command) -> Result<(), Failure> {
    let error = command.exec();
    Err(format!("cannot run {}: {error}", command.get_program().display()).into())
}
