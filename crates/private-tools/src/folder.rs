//! Where the tools are kept: in cargo's target folder.

use std::env;
use std::path::{Path, PathBuf};

use crate::Error;

/// The file that cargo marks its target folder with (<https://bford.info/cachedir/>).
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Cargo's target folder: the one that this very program was built into. So it is found from any
/// working folder, whatever set it: `CARGO_TARGET_DIR`, cargo's configuration, or nothing.
///
/// # Errors
/// The program has been moved out of it.
pub fn target() -> Result<PathBuf, Error> {
    let program = env::current_exe()
        .map_err(|error| Error::new(format!("cannot tell where this program is: {error}")))?;
    let target = program.ancestors().find(|folder| folder.join(CACHE_TAG).is_file());
    target.map(Path::to_owned).ok_or_else(|| {
        Error::new(format!(
            "{} is not in cargo's target folder, where the tools are kept: run it with cargo",
            program.display()
        ))
    })
}

/// The folder of the tools.
pub(crate) fn tools() -> Result<PathBuf, Error> {
    Ok(target()?.join("tools"))
}
