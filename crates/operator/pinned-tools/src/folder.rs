//! The workspace, and cargo's target folder, where the tools are kept: found when a program runs.
//! Nothing has the folder in it where it was compiled, so that a clone that was copied or moved works
//! on its own files.

use std::env;
use std::path::{Path, PathBuf};

use crate::Error;

/// The file that cargo marks its target folder with (<https://bford.info/cachedir/>).
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// The file that the workspace is known by.
const TEMPLATE: &str = "deploy/template.yaml";

/// The folder of the workspace: around the package that cargo runs, which it tells each program that
/// it runs (`CARGO_MANIFEST_DIR`), or else around the program itself.
///
/// Cargo comes first because two clones may share one target folder.
///
/// # Errors
/// Neither is in a workspace of this project.
pub fn workspace() -> Result<PathBuf, Error> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let places = package.into_iter().chain(env::current_exe());
    let workspace = places.into_iter().find_map(|place| {
        let mut folders = place.ancestors();
        folders.find(|folder| folder.join(TEMPLATE).is_file())?.canonicalize().ok()
    });
    workspace.ok_or_else(|| {
        Error::new(format!(
            "this program is not in a clone, with its {TEMPLATE}: run it with cargo"
        ))
    })
}

/// Cargo's target folder: the one that this very program was built into. So it is found from any
/// working folder, whatever set it: `CARGO_TARGET_DIR`, cargo's configuration, or nothing.
///
/// # Errors
/// The program has been moved out of it.
pub fn target() -> Result<PathBuf, Error> {
    let program = env::current_exe()
        .map_err(|error| Error::new(format!("cannot tell where this program is: {error}")))?;
    let is_marked = |folder: &&Path| folder.join(CACHE_TAG).is_file();
    let folder = program.ancestors().find(is_marked).ok_or_else(|| {
        Error::new(format!(
            "{} is not in cargo's target folder, where the tools are kept: run it with cargo",
            program.display()
        ))
    })?;
    // What is built for a target that is named (`build.target`) has a folder of its own in it.
    let around = folder.parent().filter(is_marked).filter(|_| is_triple(folder));
    Ok(around.unwrap_or(folder).to_owned())
}

/// Whether a folder has the name of a target, such as `x86_64-unknown-linux-gnu`.
fn is_triple(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.matches('-').count() >= 2
}

/// The folder of the tools. It may be a link to another clone's: the tools name their own folder.
pub(crate) fn tools() -> Result<PathBuf, Error> {
    let tools = target()?.join("tools");
    Ok(tools.canonicalize().unwrap_or(tools))
}
