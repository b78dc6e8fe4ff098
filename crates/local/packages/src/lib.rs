//! Finds MySQL, MariaDB and PostgreSQL servers, or unpacks private copies of them.
//!
//! The search order is:
//! 1. where `LOCAL_RDS_MYSQLD`, `LOCAL_RDS_MARIADBD` or `LOCAL_RDS_POSTGRES` says: the path of the
//!    server program, or the word `private` to go to 3 even where the system has a server;
//! 2. on `PATH` and in the folders where packages put servers;
//! 3. in the user's [`cache_folder`], where [`find_or_fetch`] unpacks a private copy from the
//!    system's package manager. That needs Debian or Ubuntu, no root, and installs nothing.
//!
//! It depends on no crate but [`engine`], so that `xtask` can fetch servers while cargo compiles
//! everything else.
//!
//! ```no_run
//! use engine::Engine;
//! use local_packages::find_or_fetch;
//!
//! let mysql = find_or_fetch(Engine::MySql, &mut |line| println!("{line}"))?;
//! let status = mysql.command().arg("--version").status()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod apt;
mod cache;
mod client;
mod error;
mod host;
mod installation;
mod pooler;
mod private_copy;
mod search;
mod server_program;

use engine::Engine;

pub use cache::cache_folder;
pub use client::fetch_client;
pub use error::Error;
pub use installation::Installation;
pub use pooler::fetch_pooler;

use server_program::ServerProgram;

/// The environment variable that names an engine's server program, and the program's usual name.
pub fn named_by(engine: Engine) -> (&'static str, &'static str) {
    (engine.variable(), engine.programs()[0])
}

/// Finds a server that is already on this machine.
///
/// # Errors
/// The environment variable names something that is not a server of this engine.
pub fn find(engine: Engine) -> Result<Option<Installation>, Error> {
    match search::asked_for(engine)? {
        search::Asked::This(installation) => Ok(Some(installation)),
        search::Asked::Private => private_copy::existing(engine),
        search::Asked::Nothing => match search::on_system(engine) {
            Some(installation) => Ok(Some(installation)),
            None => private_copy::existing(engine),
        },
    }
}

/// Finds a server, or fetches a private copy if there is none.
///
/// `progress` is called with a line of text at each step of a download. If several processes fetch the
/// same engine, one does and the others wait.
///
/// # Errors
/// As [`find`]; or the system is neither Debian nor Ubuntu, or the download failed. The error says
/// which package to install instead.
pub fn find_or_fetch(
    engine: Engine,
    progress: &mut dyn FnMut(&str),
) -> Result<Installation, Error> {
    match find(engine)? {
        Some(installation) => Ok(installation),
        None => private_copy::fetch(engine, progress),
    }
}
