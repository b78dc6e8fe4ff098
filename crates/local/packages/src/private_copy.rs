//! A server unpacked into the user's cache folder, outside any package manager.
//!
//! A copy is made under a temporary name and renamed when it is complete. Its file `version` saves
//! asking the server at each start.

use std::env::consts::ARCH;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use engine::Engine;

use crate::host::Distribution;
use crate::server_program::ServerProgram;
use crate::{Error, Installation, apt, cache_folder};

/// The file in a private copy that holds the server's version.
const VERSION_FILE: &str = "version";

/// The existing private copy.
pub(crate) fn existing(engine: Engine) -> Result<Option<Installation>, Error> {
    Ok(read(engine, &folder(engine, &Distribution::of_host())?))
}

/// Makes the private copy, or waits for another process that does.
pub(crate) fn fetch(engine: Engine, progress: &mut dyn FnMut(&str)) -> Result<Installation, Error> {
    let distribution = Distribution::of_host();
    if !distribution.has_apt() {
        return Err(Error::new(format!(
            "no {engine} server found, and private copies can be fetched only on Debian and Ubuntu: \
             install {}, or set {} to the path of a server",
            packages_elsewhere(engine),
            engine.variable(),
        )));
    }
    let folder = folder(engine, &distribution)?;
    let parent = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;

    let lock_path = folder.with_extension("lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    if lock.try_lock().is_err() {
        progress(&format!("{engine}: another process is fetching it, waiting"));
        lock.lock().map_err(Error::io("lock", &lock_path))?;
    }
    if let Some(installation) = read(engine, &folder) {
        return Ok(installation);
    }

    let started = Instant::now();
    let unfinished = folder.with_extension("unfinished");
    start_empty(&unfinished)?;
    let own_c_library = apt::fetch(engine, engine.package(), &distribution, &unfinished, progress)?;
    let installation = inspect(engine, &unfinished, own_c_library)?;
    let version = format!("{}\n", installation.version);
    let version_path = unfinished.join(VERSION_FILE);
    fs::write(&version_path, version).map_err(Error::io("write", &version_path))?;
    // A folder that cannot be read as a copy is useless.
    remove(&folder)?;
    fs::rename(&unfinished, &folder).map_err(Error::io("create", &folder))?;
    progress(&format!(
        "{engine}: {} ready in {} after {:.1} s",
        installation.version,
        folder.display(),
        started.elapsed().as_secs_f32()
    ));
    read(engine, &folder)
        .ok_or_else(|| Error::new(format!("the copy in {} cannot be read", folder.display())))
}

/// Unpacks a package that is no server, such as a client, into a folder of the cache under `kind`. Returns
/// the folder. If several processes fetch it, one does and the others wait.
pub(crate) fn beside(
    engine: Engine,
    kind: &str,
    package: &str,
    progress: &mut dyn FnMut(&str),
) -> Result<PathBuf, Error> {
    let distribution = Distribution::of_host();
    if !distribution.has_apt() {
        return Err(Error::new(format!("{package} can be fetched only on Debian and Ubuntu")));
    }
    let Distribution { id, version, .. } = &distribution;
    let name = format!("{package}-{id}-{version}-{ARCH}").replace('.', "-");
    let folder = cache_folder()?.join(kind).join(name);
    let parent = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;

    let lock_path = folder.with_extension("lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    lock.lock().map_err(Error::io("lock", &lock_path))?;
    if !folder.exists() {
        let unfinished = folder.with_extension("unfinished");
        start_empty(&unfinished)?;
        apt::fetch(engine, package, &distribution, &unfinished, progress)?;
        fs::rename(&unfinished, &folder).map_err(Error::io("create", &folder))?;
    }
    Ok(folder)
}

/// One folder for each release of the system, because several may share a home folder.
fn folder(engine: Engine, distribution: &Distribution) -> Result<PathBuf, Error> {
    let Distribution { id, version, .. } = distribution;
    // Versions such as 24.04 get a dash for the dot: the lock and the temporary folder differ from this
    // one by their extension.
    let name = format!("{engine}-{id}-{version}-{ARCH}").replace('.', "-");
    Ok(cache_folder()?.join("servers").join(name))
}

/// Reads a complete private copy.
fn read(engine: Engine, folder: &Path) -> Option<Installation> {
    let version = fs::read_to_string(folder.join(VERSION_FILE)).ok()?.trim().to_owned();
    let program = program_in(engine, folder)?;
    Some(Installation {
        engine,
        version,
        program,
        loader: loader_in(folder),
        libraries: libraries_in(folder),
    })
}

/// Runs the server of a new copy: it must start, and be of the engine.
fn inspect(engine: Engine, folder: &Path, own_c_library: bool) -> Result<Installation, Error> {
    let program = program_in(engine, folder).ok_or_else(|| {
        Error::new(format!("no {} in the packages of {engine}", engine.programs()[0]))
    })?;
    let loader = loader_in(folder);
    if own_c_library && loader.is_none() {
        return Err(Error::new(format!("no dynamic loader in the packages of {engine}")));
    }
    Installation::of(engine, program.clone(), loader, libraries_in(folder))
        .map_err(Error::io("run", &program))?
        .ok_or_else(|| {
            Error::new(format!(
                "{} does not start: install the package {}, or set {} to the path of a server",
                program.display(),
                engine.package(),
                engine.variable()
            ))
        })
}

fn program_in(engine: Engine, folder: &Path) -> Option<PathBuf> {
    let program = engine.programs()[0];
    let places = match engine {
        Engine::MySql | Engine::MariaDb => vec![folder.join("usr/sbin")],
        Engine::Postgres => entries(&folder.join("usr/lib/postgresql"))
            .into_iter()
            .map(|version| version.join("bin"))
            .collect(),
    };
    places.iter().map(|place| place.join(program)).find(|path| path.is_file())
}

/// The dynamic loader, if the copy includes the C library.
pub(crate) fn loader_in(folder: &Path) -> Option<PathBuf> {
    ["usr/lib64", "lib64", "usr/lib", "lib"]
        .iter()
        .flat_map(|place| entries(&folder.join(place)))
        .find(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux"))
        })
}

/// The folders named after the platform, such as `usr/lib/x86_64-linux-gnu`.
pub(crate) fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    ["usr/lib", "lib"]
        .iter()
        .flat_map(|place| entries(&folder.join(place)))
        .filter(|path| path.to_string_lossy().ends_with("-linux-gnu"))
        .collect()
}

pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn start_empty(folder: &Path) -> Result<(), Error> {
    remove(folder)?;
    fs::create_dir(folder).map_err(Error::io("create", folder))
}

fn remove(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::io("remove", folder))?;
    }
    Ok(())
}

/// The package names of other systems.
fn packages_elsewhere(engine: Engine) -> &'static str {
    match engine {
        Engine::MySql => {
            "the package mysql-server (Fedora, RHEL) or mysql (Arch, Alpine, Homebrew)"
        }
        Engine::MariaDb => "the package mariadb-server (Fedora, RHEL) or mariadb (Arch, Alpine)",
        Engine::Postgres => "the package postgresql-server (Fedora, RHEL) or postgresql (Arch)",
    }
}
