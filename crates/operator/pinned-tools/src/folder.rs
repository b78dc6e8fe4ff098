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
    let mut inner = program.as_path();
    let folder = program.ancestors().skip(1).find(|folder| {
        let inside = std::mem::replace(&mut inner, folder);
        is_marked(folder) || is_profile(inside)
    });
    let folder = folder.ok_or_else(|| {
        Error::new(format!(
            "{} is not in cargo's target folder, with the tools; run it in a clone, with cargo, and not a copy of \
             the program",
            program.display()
        ))
    })?;
    // With a target triple (`build.target`), cargo builds into a folder inside it.
    let around = folder.parent().filter(|around| is_triple(folder) && is_marked(around));
    Ok(around.unwrap_or(folder).to_owned())
}

/// Whether a folder has a file that cargo keeps in its target folder. It marks only a folder that it made
/// itself, and knows the compiler of every folder that it compiled into.
fn is_marked(folder: &Path) -> bool {
    [CACHE_TAG, ".rustc_info.json"].iter().any(|name| folder.join(name).is_file())
}

/// Whether a folder is that of a profile, such as `target/debug`: cargo locks it, and has its fingerprints in it.
fn is_profile(folder: &Path) -> bool {
    folder.join(".cargo-lock").is_file() || folder.join(".fingerprint").is_dir()
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
