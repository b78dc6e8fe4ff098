//! The shared libraries that servers load.
//!
//! `build.rs` compiles them. They are part of this crate, so that a program that uses it can be moved, and
//! each server gets its own copy.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::Error;

/// The plugin for MySQL and MariaDB.
pub(crate) const MYSQL: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libmysql_plugin.so"));
/// The PAM module for PostgreSQL.
pub(crate) const PAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/libpam_module.so"));

/// Writes a library to the new file `path`, where the server's account can read it.
pub(crate) fn write(library: &[u8], path: &Path) -> Result<(), Error> {
    fs::write(path, library)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o644)))
        .map_err(Error::io("write", path))
}
