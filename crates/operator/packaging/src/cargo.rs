//! cargo and rustc, without the user's build settings.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use crate::Failure;

/// The environment variables that builds keep: where tools and crates come from, and cargo's output. Any
/// other could change a program: cargo, rustc and cc read hundreds (`RUSTFLAGS`, `CARGO_PROFILE_…`,
/// `CFLAGS_…`), and build scripts may read all
/// (<https://doc.rust-lang.org/cargo/reference/environment-variables.html>).
const KEPT: [&str; 20] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "TERM",
    "NO_COLOR",
    "CARGO",
    "CARGO_HOME",
    "CARGO_BUILD_JOBS",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "ALL_PROXY",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// And the variables with these prefixes.
const KEPT_GROUPS: [&str; 6] =
    ["RUSTUP_", "CARGO_HTTP_", "CARGO_NET_", "CARGO_TERM_", "CARGO_REGISTRY_", "CARGO_REGISTRIES_"];

/// Variables that override settings in cargo's configuration files.
const OVERRIDDEN: [(&str, &str); 4] = [
    ("RUSTC", "rustc"),
    ("RUSTC_WRAPPER", ""),
    ("RUSTC_WORKSPACE_WRAPPER", ""),
    ("CARGO_INCREMENTAL", "0"),
];

/// The folder of the workspace.
pub(crate) fn workspace() -> Result<PathBuf, Failure> {
    Ok(pinned_tools::workspace()?)
}

/// The cargo that runs this program, or else that of the PATH.
pub(crate) fn cargo() -> Result<Command, Failure> {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A command in the workspace, without environment variables that could change a program.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Result<Command, Failure> {
    let mut command = Command::new(program);
    command
        .current_dir(workspace()?)
        .env_clear()
        .envs(env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_kept)))
        .envs(OVERRIDDEN);
    Ok(command)
}

fn is_kept(variable: &str) -> bool {
    KEPT.contains(&variable) || KEPT_GROUPS.iter().any(|group| variable.starts_with(group))
}

/// Runs a command and returns its output.
pub(crate) fn answer(command: &mut Command) -> Result<String, Failure> {
    let program = command.get_program().display().to_string();
    let output = command.output().map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?.trim_end().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} ended with {}: {}", output.status, said.trim_end()).into())
}
