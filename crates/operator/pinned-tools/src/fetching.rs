//! A folder of fetched files, created by one process at a time, completely or not at all: its last file is
//! a record of what it was created from.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Error;

/// Written last.
const RECORD: &str = "complete";
/// The most lines of a command's output in an error: as many of its start, where npm says what is wrong, as
/// of its end, where pip does.
const LINES: usize = 16;

/// The record of a complete folder.
pub(crate) fn read_record(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(RECORD)).ok()
}

/// Writes the record in one step.
pub(crate) fn write_record(folder: &Path, record: &str) -> Result<(), Error> {
    let new = folder.join("complete.new");
    fs::write(&new, record).map_err(Error::io("write", &new))?;
    fs::rename(&new, folder.join(RECORD)).map_err(Error::io("rename", &new))
}

/// The file `path` of a complete `folder`.
pub(crate) fn existing(path: PathBuf, folder: &Path) -> Result<PathBuf, Error> {
    if path.is_file() {
        return Ok(path);
    }
    let (path, folder) = (path.display(), folder.display());
    Err(Error::new(format!("{path} is missing; remove {folder} and try again")))
}

/// Waits until no other process creates what is called `name`.
pub(crate) fn lock(path: &Path, name: &str, progress: &mut dyn FnMut(&str)) -> Result<File, Error> {
    let lock = File::create(path).map_err(Error::io("create", path))?;
    match lock.try_lock() {
        Ok(()) => return Ok(lock),
        Err(TryLockError::WouldBlock) => {
            progress(&format!("{name}: waiting for another process that fetches it"));
        }
        Err(TryLockError::Error(error)) => return Err(Error::io("lock", path)(error)),
    }
    lock.lock().map_err(Error::io("lock", path))?;
    Ok(lock)
}

/// Runs a command that writes into the folder. Its standard input is the lock, an empty file, so that
/// the lock is held until the command ends, even if this process is killed.
pub(crate) fn run(command: &mut Command, lock: &File) -> Result<(), Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let lock = lock.try_clone().map_err(|error| Error::new(error.to_string()))?;
    // The caller's Python settings must not affect what is fetched.
    for variable in ["PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER"] {
        command.env_remove(variable);
    }
    let output = command.stdin(Stdio::from(lock)).output();
    let output = output.map_err(|error| Error::new(format!("cannot run {program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let mut lines: Vec<_> = said.lines().collect();
    if lines.len() > LINES {
        lines.splice(LINES / 2..lines.len() - LINES / 2, ["…"]);
    }
    Err(Error::new(format!("{program} ended with {}:\n{}", output.status, lines.join("\n"))))
}
