//! Servers of the system, and those that the environment names.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use engine::Engine;

use crate::server_program::ServerProgram;
use crate::version::{Version, is_version};
use crate::{Error, Installation};

/// The value of [`ServerProgram::variable`].
pub(crate) enum Asked {
    /// This server.
    This(Installation),
    /// The private copy, even if the system has a server.
    Private,
    /// A server of this version.
    Version(Version),
    /// The variable is not set.
    Nothing,
}

/// Reads [`ServerProgram::variable`].
pub(crate) fn asked_for(engine: Engine) -> Result<Asked, Error> {
    let variable = engine.variable();
    let Some(value) = env::var_os(variable).filter(|value| !value.is_empty()) else {
        return Ok(Asked::Nothing);
    };
    if value == "private" {
        return Ok(Asked::Private);
    }
    let text = value.to_str().filter(|text| is_version(text));
    if let Some(version) = text.and_then(|text| format!("{engine}@{text}").parse().ok()) {
        return Ok(Asked::Version(version));
    }
    let path = PathBuf::from(value);
    match Installation::of(engine, path.clone(), None, Vec::new()) {
        Ok(Some(installation)) => Ok(Asked::This(installation)),
        Ok(None) => Err(Error::new(format!(
            "{variable} names {}, which is not a server of {engine}",
            path.display()
        ))),
        Err(error) => Err(Error::io("run the server that the environment names,", &path)(error)),
    }
}

/// The version to look for: where any will do, the one that the environment names.
pub(crate) fn meant(version: &Version) -> Result<Version, Error> {
    match (version.numbers(), asked_for(version.engine())?) {
        (None, Asked::Version(asked)) => Ok(asked),
        _ => Ok(version.clone()),
    }
}

/// The first server of a version on `PATH` and in the folders where packages put servers.
pub(crate) fn on_system(version: &Version) -> Option<Installation> {
    let engine = version.engine();
    let on_path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&on_path)
        .chain(usual_folders(engine))
        .flat_map(|folder| engine.programs().iter().map(move |program| folder.join(program)))
        // A link is followed to the server's own folder, which has its other programs and data.
        .filter_map(|path| fs::canonicalize(path).ok())
        .filter(|path| engine != Engine::Postgres || has_pam(path))
        .filter_map(|path| Installation::of(engine, path, None, Vec::new()).ok().flatten())
        .find(|found| version.is_of(&found.version))
}

/// Where packages put servers, besides `PATH`; the newest version first.
fn usual_folders(engine: Engine) -> Vec<PathBuf> {
    match engine {
        Engine::MySql | Engine::MariaDb => {
            ["/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/mysql/bin"]
                .map(PathBuf::from)
                .to_vec()
        }
        Engine::Postgres => {
            let mut folders = versions_in(Path::new("/usr/lib/postgresql"), "");
            folders.extend(versions_in(Path::new("/usr"), "pgsql-"));
            folders.push("/usr/local/pgsql".into());
            folders.iter().map(|folder| folder.join("bin")).collect()
        }
    }
}

/// The folders in `parent` named `prefix` and a number, the highest first.
fn versions_in(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut versions: Vec<u32> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok())
        .collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.iter().map(|version| parent.join(format!("{prefix}{version}"))).collect()
}

/// Whether a PostgreSQL server is linked with PAM, which IAM logins need and packages of other systems
/// may leave out.
fn has_pam(program: &Path) -> bool {
    fs::read(program).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains("libpam.so"))
}

#[cfg(test)]
mod tests {
    use super::versions_in;
    use std::fs;

    #[test]
    fn the_newest_version_comes_first() {
        let parent = std::env::temp_dir().join(format!("versions-{}", std::process::id()));
        for name in ["pgsql-9", "pgsql-17", "pgsql-old", "15"] {
            fs::create_dir_all(parent.join(name)).unwrap();
        }
        let found = versions_in(&parent, "pgsql-");
        fs::remove_dir_all(&parent).unwrap();
        assert_eq!(found, [parent.join("pgsql-17"), parent.join("pgsql-9")]);
    }
}
