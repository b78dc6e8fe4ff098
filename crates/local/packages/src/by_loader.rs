//! Programs of a private copy that start other programs of it.
//!
//! A copy with its own C library runs through its own loader. `initdb` starts
//! `postgres` by itself, and knows nothing of that loader. It gets a folder in which `postgres` is a script
//! that does.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::Error;

/// The folder, in that of the programs.
const FOLDER: &str = "by-loader";
/// The program that starts `postgres`.
const INITDB: &str = "initdb";

/// Where the program `name` of an installation is to be started from, whose server is `server`.
pub(crate) fn path(server: &Path, name: &str) -> PathBuf {
    let here = server.with_file_name(FOLDER).join(name);
    if here.exists() { here } else { server.with_file_name(name) }
}

/// Makes the folder for the `postgres` of a copy that runs through `loader`.
pub(crate) fn prepare(program: &Path, loader: &Path, libraries: &[PathBuf]) -> Result<(), Error> {
    let folder = program.with_file_name(FOLDER);
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    // It looks beside itself, and follows links to find out where that is.
    let initdb = folder.join(INITDB);
    fs::copy(program.with_file_name(INITDB), &initdb).map_err(Error::io("create", &initdb))?;
    let libraries: Vec<_> = libraries.iter().map(|library| from(&folder, library)).collect();
    // The copy is still to be renamed.
    let script = format!(
        "#!/bin/sh\nhere=${{0%/*}}\nexec {} --library-path {} \"$here/../postgres\" \"$@\"\n",
        from(&folder, loader),
        libraries.join(":"),
    );
    let postgres = folder.join("postgres");
    fs::write(&postgres, script)
        .and_then(|()| fs::set_permissions(&postgres, Permissions::from_mode(0o755)))
        .map_err(Error::io("create", &postgres))
}

/// The way from `folder`, which the script calls `$here`, to a path of the same copy.
fn from(folder: &Path, path: &Path) -> String {
    let shared = folder.ancestors().find(|ancestor| path.starts_with(ancestor));
    let shared = shared.unwrap_or(Path::new("/"));
    let up = folder.strip_prefix(shared).map_or(0, |rest| rest.components().count());
    let down = path.strip_prefix(shared).unwrap_or(path);
    format!("\"$here/{}{}\"", "../".repeat(up), down.display())
}

#[cfg(test)]
mod tests {
    use super::from;
    use std::path::Path;

    #[test]
    fn the_way_is_relative() {
        let folder = Path::new("/c/copy/usr/lib/postgresql/17/bin/by-loader");
        let loader = Path::new("/c/copy/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2");
        let way = "\"$here/../../../../../../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2\"";
        assert_eq!(from(folder, loader), way);
    }
}
