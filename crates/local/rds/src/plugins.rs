//! The shared libraries that servers load.
//!
//! They are dependencies of this crate, and so are built with it. Cargo puts them in
//! `target/<profile>/deps`; programs are beside that folder, tests in it, examples beside it.

use std::env;
use std::path::{Path, PathBuf};

use crate::Error;

/// The plugin for MySQL and MariaDB.
pub(crate) const MYSQL: Plugin =
    Plugin { file: "libmysql_plugin.so", variable: "LOCAL_RDS_MYSQL_PLUGIN" };
/// The PAM module for PostgreSQL.
pub(crate) const PAM: Plugin =
    Plugin { file: "libpam_module.so", variable: "LOCAL_RDS_PAM_MODULE" };

/// A shared library that a server loads.
pub(crate) struct Plugin {
    file: &'static str,
    /// The environment variable with its path, for programs that were moved.
    variable: &'static str,
}

impl Plugin {
    /// The library's path.
    pub(crate) fn find(&self) -> Result<PathBuf, Error> {
        if let Some(path) = env::var_os(self.variable) {
            return Ok(path.into());
        }
        let program =
            env::current_exe().map_err(Error::because("cannot find the path of this program"))?;
        let folder = program.parent().unwrap_or(Path::new("/"));
        // `deps` comes first: a copy beside the program may be of an older build.
        ["deps", "", "../deps"]
            .iter()
            .map(|place| folder.join(place).join(self.file))
            .find(|path| path.is_file())
            .ok_or_else(|| {
                Error::new(format!(
                    "no {} beside {} or in its folder deps: build it with cargo build -p \
                     local-rds, or set {} to its path",
                    self.file,
                    program.display(),
                    self.variable
                ))
            })
    }
}
