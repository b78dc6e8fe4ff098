//! The folder for private copies of servers and data prepared from them.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::Error;

const NAME: &str = "rds-iam-lambda";

/// The cache folder: `$XDG_CACHE_HOME/rds-iam-lambda`, or `~/.cache/rds-iam-lambda`. It may be removed
/// when no server runs.
///
/// Root's is `/var/cache/rds-iam-lambda`: servers refuse to run as root, and the unprivileged user
/// that runs them cannot enter root's home.
///
/// # Errors
/// Neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache_folder() -> Result<PathBuf, Error> {
    let absolute =
        |variable| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(folder) = absolute("XDG_CACHE_HOME") {
        return Ok(folder.join(NAME));
    }
    if is_root() {
        return Ok(Path::new("/var/cache").join(NAME));
    }
    absolute("HOME")
        .map(|home| home.join(".cache").join(NAME))
        .ok_or_else(|| Error::new("no cache folder: set XDG_CACHE_HOME or HOME"))
}

/// The kernel shows the effective user of a process as the owner of its folder in `/proc`.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Whether a file or a folder was changed less than `age` ago.
pub(crate) fn is_younger(path: &Path, age: Duration) -> bool {
    let changed = fs::metadata(path).and_then(|file| file.modified());
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|elapsed| elapsed < age))
}

/// Removes a folder, if it is there.
pub(crate) fn remove(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::io("remove", folder))?;
    }
    Ok(())
}
