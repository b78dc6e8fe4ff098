//! A server unpacked into the user's cache folder, outside any package manager.
//!
//! A copy is made under a temporary name and renamed when it is complete. Its file `version` saves
//! asking the server at each start.

use std::env::consts::ARCH;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use engine::Engine;

use crate::apt::Source;
use crate::cache::remove;
use crate::fetch::fetch as fetch_package;
use crate::host::Distribution;
use crate::release::{Release, SID};
use crate::server_program::ServerProgram;
use crate::version::Version;
use crate::{Error, Installation, by_loader, cache_folder, keyring};

/// The file in a private copy that holds the server's version.
const VERSION_FILE: &str = "version";

/// The existing private copy of a server of this version.
pub(crate) fn existing(version: &Version) -> Result<Option<Installation>, Error> {
    let servers = cache_folder()?.join("servers");
    let (engine, distribution) = (version.engine(), Distribution::of_host());
    // The system's may be of any version.
    let own = Copy::System { engine, distribution: &distribution };
    let copies = [own].into_iter().chain(Copy::all(version, &distribution));
    let mut copies = copies.filter_map(|copy| read(engine, &copy.folder(&servers)));
    Ok(copies.find(|copy| version.is_of(&copy.version)))
}

/// Makes the private copy, or waits for another process that does.
pub(crate) fn fetch(
    version: &Version,
    progress: &mut dyn FnMut(&str),
) -> Result<Installation, Error> {
    let (engine, distribution) = (version.engine(), Distribution::of_host());
    if !distribution.has_apt() {
        return Err(Error::new(format!(
            "no server of {version} found, and private copies can be fetched only on Debian and Ubuntu: \
             install {}, or set {} to the path of a server",
            packages_elsewhere(engine),
            engine.variable(),
        )));
    }
    for copy in Copy::all(version, &distribution) {
        let fetched = copy.fetch(engine, &distribution, progress).map_err(|error| {
            error.within(format!("cannot fetch {}", copy.title()), || {
                format!(
                    "install the package {}, or set {} to the path of a server",
                    engine.package(),
                    engine.variable()
                )
            })
        })?;
        if version.is_of(&fetched.version) {
            return Ok(fetched);
        }
        // Another copy would be of the same packages.
        if version.source().is_some_and(|(series, _)| series.is_of(&fetched.version)) {
            break;
        }
    }
    Err(not_to_be_had(version))
}

/// Why there is no server of a version.
fn not_to_be_had(version: &Version) -> Error {
    let engine = version.engine();
    Error::new(format!(
        "{version}: there is no such server on this machine, and none can be fetched: {}; {} can name the \
         path of a server of another one",
        Version::instead_of(engine, version.numbers().unwrap_or_default()),
        engine.variable(),
    ))
}

/// A private copy of a server, which may not be there yet.
enum Copy<'a> {
    /// Of the system's own packages, whatever their version.
    System { engine: Engine, distribution: &'a Distribution },
    /// Of a version, from a release with its C library.
    Version { version: Version, release: &'static Release },
}

impl<'a> Copy<'a> {
    /// The copies that can be of this version, in the order in which they are made.
    fn all(version: &Version, distribution: &'a Distribution) -> impl Iterator<Item = Self> {
        let engine = version.engine();
        let source = version.source();
        let own = Self::System { engine, distribution };
        // The same packages, once.
        let is_same = match (own.release(), &source) {
            (_, None) => version.numbers().is_none(),
            (Some(release), Some((_, other))) => release == *other,
            (None, Some((_, other))) => distribution.codename.as_deref() == Some(other.name),
        };
        let of_version = source.map(|(version, release)| Self::Version { version, release });
        is_same.then_some(own).into_iter().chain(of_version)
    }

    /// The release, if it may not be the system's. Debian's releases have no MySQL, its development branch
    /// does. That MySQL is built for a newer C library than the release has, and is fetched with it.
    fn release(&self) -> Option<&'static Release> {
        match self {
            Self::System { engine: Engine::MySql, distribution } if !distribution.is_ubuntu() => {
                Some(&SID)
            }
            Self::System { .. } => None,
            Self::Version { release, .. } => Some(release),
        }
    }

    /// What people are told.
    fn title(&self) -> String {
        match self {
            Self::System { engine, .. } => engine.to_string(),
            Self::Version { version, .. } => version.to_string(),
        }
    }

    /// Its folder. There is one for each release of the system, because several may share a home folder.
    fn folder(&self, servers: &Path) -> PathBuf {
        let name = match self {
            Self::System { engine, distribution: Distribution { id, version, .. } } => {
                format!("{engine}-{id}-{version}-{ARCH}")
            }
            Self::Version { version, .. } => {
                format!("{}-{}-{ARCH}", version.engine(), version.numbers().unwrap_or_default())
            }
        };
        // Versions such as 24.04 get a dash for the dot: the lock and the temporary folder differ from
        // this one by their extension.
        servers.join(name.replace('.', "-"))
    }

    fn fetch(
        &self,
        engine: Engine,
        distribution: &Distribution,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Installation, Error> {
        let what = self.title();
        let folder = self.folder(&cache_folder()?.join("servers"));
        let _lock = locked(&folder, &what, progress)?;
        if let Some(installation) = read(engine, &folder) {
            return Ok(installation);
        }
        let started = Instant::now();
        let unfinished = folder.with_extension("unfinished");
        start_empty(&unfinished)?;
        let keys =
            self.release().map(|release| keyring::of(release.family, progress)).transpose()?;
        let source = match (self.release(), &keys) {
            (Some(release), Some(keys)) => Source::Release(release, keys),
            _ => Source::System(distribution),
        };
        fetch_package(source, engine.package(), &what, &unfinished, progress)?;
        let installation = inspect(engine, &unfinished, keys.is_some())?;
        if let Installation {
            engine: Engine::Postgres,
            program,
            loader: Some(loader),
            libraries,
            ..
        } = &installation
        {
            by_loader::prepare(program, loader, libraries)?;
        }
        let version = format!("{}\n", installation.version);
        let version_path = unfinished.join(VERSION_FILE);
        fs::write(&version_path, version).map_err(Error::io("write", &version_path))?;
        // A folder that cannot be read as a copy is useless.
        remove(&folder)?;
        fs::rename(&unfinished, &folder).map_err(Error::io("create", &folder))?;
        progress(&format!(
            "{what}: {} ready in {} after {:.1} s",
            installation.version,
            folder.display(),
            started.elapsed().as_secs_f32()
        ));
        read(engine, &folder)
            .ok_or_else(|| Error::new(format!("the copy in {} cannot be read", folder.display())))
    }
}

/// Takes the lock of a folder that is going to be made, and makes its parent.
fn locked(folder: &Path, what: &str, progress: &mut dyn FnMut(&str)) -> Result<File, Error> {
    let parent = folder.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(Error::io("create", parent))?;
    let lock_path = folder.with_extension("lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    if lock.try_lock().is_err() {
        progress(&format!("{what}: another process is fetching it, waiting"));
        lock.lock().map_err(Error::io("lock", &lock_path))?;
    }
    Ok(lock)
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
    let _lock = locked(&folder, package, progress)?;
    if !folder.exists() {
        let unfinished = folder.with_extension("unfinished");
        start_empty(&unfinished)?;
        // As for the servers.
        let release = Copy::System { engine, distribution: &distribution }.release();
        let keys = release.map(|release| keyring::of(release.family, progress)).transpose()?;
        let source = match (release, &keys) {
            (Some(release), Some(keys)) => Source::Release(release, keys),
            _ => Source::System(&distribution),
        };
        fetch_package(source, package, package, &unfinished, progress)?;
        fs::rename(&unfinished, &folder).map_err(Error::io("create", &folder))?;
    }
    Ok(folder)
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

/// The dynamic loader, if the copy includes the C library: the file itself, because some releases have an
/// absolute link to it, which would lead to the system's.
pub(crate) fn loader_in(folder: &Path) -> Option<PathBuf> {
    let is_file = |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|file| file.is_file());
    libraries_in(folder).iter().flat_map(|place| entries(place)).filter(is_file).find(|path| {
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
