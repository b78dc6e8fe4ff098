//! Servers that the system has, or that the environment names.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use engine::Engine;

use crate::server_program::ServerProgram;
use crate::{Error, Installation};

/// What [`ServerProgram::variable`] asks for.
pub(crate) enum Asked {
    /// This server.
    This(Installation),
    /// The private copy, whatever the system has.
    Private,
    /// Nothing: the variable is not set.
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
    let path = PathBuf::from(value);
    match Installation::of(engine, path.clone(), None, Vec::new()) {
        Ok(Some(installation)) => Ok(Asked::This(installation)),
        Ok(None) => Err(Error::new(format!(
            "{variable} names {}, which is no {engine} server",
            path.display()
        ))),
        Err(error) => Err(Error::io("run the server that the environment names,", &path)(error)),
    }
}

/// The first server on `PATH` and in the folders where packages put servers.
pub(crate) fn on_system(engine: Engine) -> Option<Installation> {
    let on_path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&on_path)
        .chain(usual_folders(engine))
        .flat_map(|folder| engine.programs().iter().map(move |program| folder.join(program)))
        // A link into a server's own folder leads to the programs and data that belong to it.
        .filter_map(|path| fs::canonicalize(path).ok())
        .filter(|path| engine != Engine::Postgres || knows_pam(path))
        .find_map(|path| Installation::of(engine, path, None, Vec::new()).ok().flatten())
}

/// Where packages put servers, beside `PATH`; the newest version first.
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

/// The folders in `parent` that are called `prefix` and a number, the highest first.
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

/// Whether a PostgreSQL server is linked with PAM, which its packages for other systems may leave
/// out. Without it, no IAM login.
fn knows_pam(program: &Path) -> bool {
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
