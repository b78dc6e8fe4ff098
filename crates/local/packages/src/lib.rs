//! Finds MySQL, MariaDB and PostgreSQL servers, or unpacks private copies of them.
//!
//! A [`Version`] asks for a server of any version, or of one. The search order is:
//! 1. where `LOCAL_RDS_MYSQLD`, `LOCAL_RDS_MARIADBD` or `LOCAL_RDS_POSTGRES` says: the path of the
//!    server program; or a version, such as `17`, which any server must then be of; or the word `private`
//!    to go to 3 even where the system has a server;
//! 2. on `PATH` and in the folders where packages put servers;
//! 3. in the user's [`cache_folder`], where [`find_or_fetch`] unpacks a private copy: for any version from
//!    the system's package manager, for one from the release of Debian or Ubuntu that has it, with that
//!    release's C library. That needs Debian or Ubuntu, no root, and installs nothing.
//!
//! A server of another version than the one asked for is passed over.
//!
//! It depends on no crate but [`engine`], so that `xtask` can fetch servers while cargo compiles
//! everything else.
//!
//! ```no_run
//! use engine::Engine;
//! use local_packages::find_or_fetch;
//!
//! let mysql = find_or_fetch(&Engine::MySql.into(), &mut |line| println!("{line}"))?;
//! let status = mysql.command().arg("--version").status()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apt;
mod by_loader;
mod cache;
mod client;
mod error;
mod fetch;
mod host;
mod installation;
mod keyring;
mod pooler;
mod private_copy;
mod release;
mod search;
mod server_program;
mod valgrind;
mod version;

use engine::Engine;

pub use cache::cache_folder;
pub use client::fetch_client;
pub use error::Error;
pub use installation::Installation;
pub use pooler::fetch_pooler;
pub use valgrind::{Valgrind, fetch_valgrind};
pub use version::{Version, WrongVersion};

use server_program::ServerProgram;

/// The environment variable that names an engine's server program, and the program's usual name.
pub fn named_by(engine: Engine) -> (&'static str, &'static str) {
    (engine.variable(), engine.programs()[0])
}

/// Finds a server that is already on this machine.
///
/// # Errors
/// The environment variable names something that is not a server of this engine.
pub fn find(version: &Version) -> Result<Option<Installation>, Error> {
    let is_private = match search::asked_for(version.engine())? {
        search::Asked::This(installation) if version.is_of(&installation.version) => {
            return Ok(Some(installation));
        }
        asked => matches!(asked, search::Asked::Private),
    };
    let version = search::meant(version)?;
    match if is_private { None } else { search::on_system(&version) } {
        Some(installation) => Ok(Some(installation)),
        None => private_copy::existing(&version),
    }
}

/// Finds a server, or fetches a private copy if there is none.
///
/// `progress` is called with a line of text at each step of a download. If several processes fetch the
/// same version, one does and the others wait.
///
/// # Errors
/// As [`find`]; or no package is of the version, the system is neither Debian nor Ubuntu, or the download
/// failed. The error says which versions there are, or which package to install instead.
pub fn find_or_fetch(
    version: &Version,
    progress: &mut dyn FnMut(&str),
) -> Result<Installation, Error> {
    match find(version)? {
        Some(installation) => Ok(installation),
        None => private_copy::fetch(&search::meant(version)?, progress),
    }
}
