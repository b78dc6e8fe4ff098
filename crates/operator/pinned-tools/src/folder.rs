//! The workspace, and cargo's target folder with the tools, both found at run time: no program contains
//! the path where it was compiled, so that a copied or moved clone uses its own files.

use std::env;
use std::path::{Path, PathBuf};

use crate::Error;

/// The file with which cargo marks its target folder (<https://bford.info/cachedir/>).
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// The file by which the workspace is recognized.
const TEMPLATE: &str = "deploy/template.yaml";

/// The folder of the workspace: around the package that cargo runs (`CARGO_MANIFEST_DIR`, which cargo sets),
/// or else around the program itself.
///
/// The package comes first because two clones may share one target folder.
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
        Error::new(format!("this program is not in a clone with {TEMPLATE}; run it with cargo"))
    })
}

/// Cargo's target folder, in which this program was built. It is found whatever the working folder,
/// `CARGO_TARGET_DIR` and cargo's configuration are.
///
/// # Errors
/// The program was moved out of it.
pub fn target() -> Result<PathBuf, Error> {
    let program = env::current_exe()
        .map_err(|error| Error::new(format!("cannot find this program's path: {error}")))?;
    let is_marked = |folder: &&Path| folder.join(CACHE_TAG).is_file();
    let folder = program.ancestors().find(is_marked).ok_or_else(|| {
        Error::new(format!(
            "{} is not in cargo's target folder, with the tools; run it with cargo",
            program.display()
        ))
    })?;
    // With a target triple (`build.target`), cargo builds into a folder inside it.
    let around = folder.parent().filter(is_marked).filter(|_| is_triple(folder));
    Ok(around.unwrap_or(folder).to_owned())
}

/// Whether a folder is named like a target triple, such as `x86_64-unknown-linux-gnu`.
fn is_triple(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.matches('-').count() >= 2
}

/// The folder of the tools. It may be a link to another clone's, so it is resolved: tools contain its path.
pub(crate) fn tools() -> Result<PathBuf, Error> {
    let tools = target()?.join("tools");
    Ok(tools.canonicalize().unwrap_or(tools))
}
