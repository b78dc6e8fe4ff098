//! The command of `--exec`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

/// The exit code of a shell for a command that does not exist, or cannot be run.
pub(crate) const NOT_FOUND: u8 = 127;

/// Whether there is a program of this name: a path, or in a folder of `path`, the variable PATH.
pub(crate) fn exists(name: &OsStr, path: Option<&OsStr>) -> bool {
    match path {
        // The system has a PATH of its own.
        None => true,
        Some(_) if name.as_encoded_bytes().contains(&b'/') => Path::new(name).is_file(),
        Some(path) => env::split_paths(path).any(|folder| folder.join(name).is_file()),
    }
}

/// Starts the command, which is not empty, with the environment.
pub(crate) fn start(
    command: &[OsString],
    environment: &BTreeMap<String, String>,
) -> io::Result<Child> {
    // A profile would come before the access key in some SDKs.
    Command::new(&command[0])
        .args(&command[1..])
        .env_remove("AWS_PROFILE")
        .envs(environment)
        .spawn()
}

/// How this program exits for a command that did: 128 and its number for a signal, as shells count.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}
