//! The engines' own clients, for tests of the command lines that people are shown.

use std::path::{Path, PathBuf};

use engine::Engine;

use crate::private_copy::{self, entries, libraries_in, loader_in};
use crate::{Error, Installation};

/// Fetches a private copy of the client that the engine's makers write: `mysql`, `mariadb` or `psql`.
///
/// MariaDB's looks for its plugins where a package would be installed, and else in the folder that the
/// environment variable `MARIADB_PLUGIN_DIR` names: `libmariadb3/plugin` in one of the `libraries`.
///
/// # Errors
/// The system is neither Debian nor Ubuntu, or the download failed.
pub fn fetch_client(engine: Engine, progress: &mut dyn FnMut(&str)) -> Result<Installation, Error> {
    let (package, program) = match engine {
        Engine::MySql => ("mysql-client-core", "mysql"),
        Engine::MariaDb => ("mariadb-client-core", "mariadb"),
        Engine::Postgres => ("postgresql-client", "psql"),
    };
    let folder = private_copy::beside(engine, "clients", package, progress)?;
    let found = program_in(&folder, program).ok_or_else(|| {
        Error::new(format!("no {program} in {}: remove the folder and try again", folder.display()))
    })?;
    let (loader, libraries) = (loader_in(&folder), libraries_in(&folder));
    Installation::of(engine, found.clone(), loader, libraries)
        .map_err(Error::io("run", &found))?
        .ok_or_else(|| Error::new(format!("{} is no client of {engine}", found.display())))
}

fn program_in(folder: &Path, program: &str) -> Option<PathBuf> {
    let versions = entries(&folder.join("usr/lib/postgresql"));
    let places = versions.into_iter().map(|version| version.join("bin"));
    let mut places = places.chain([folder.join("usr/bin")]);
    places.find_map(|place| Some(place.join(program)).filter(|path| path.is_file()))
}
