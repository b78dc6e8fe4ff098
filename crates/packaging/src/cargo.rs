//! cargo and rustc, as the ones that build this project.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use crate::Failure;

/// The folder of the workspace.
pub(crate) fn workspace() -> &'static Path {
    // The manifest's folder is `crates/packaging`, inside the workspace.
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).unwrap_or(Path::new("."))
}

/// The program that a variable names, or else `name`.
pub(crate) fn program(variable: &str, name: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| name.into())
}

/// A command that runs in the workspace, and knows nothing of the cargo that runs us, nor of another
/// release profile than the workspace's.
///
/// That cargo tells us about our own package. Build scripts that look there, such as ring's, would
/// take it for another build.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace());
    for (name, _) in env::vars_os() {
        let unknown =
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_", "CARGO_PROFILE_"];
        if name.to_str().is_some_and(|name| unknown.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command and gives what it says.
pub(crate) fn answer(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?.trim_end().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} ended with {}: {}", output.status, said.trim_end()).into())
}
