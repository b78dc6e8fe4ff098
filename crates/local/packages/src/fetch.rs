//! Fetches a package with all that it needs to run, and unpacks it into a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::apt::{Apt, Source, last_lines, missing, version};

/// The folder of the downloads, in that of the copy.
const DOWNLOADS: &str = ".downloads";
/// The package with the locale `C.UTF-8`, which is in the C library's own format.
const LOCALES: &str = "libc-bin";

/// Fetches `package`, or the newest whose name it begins, with what it needs, and unpacks them into
/// `folder`. From a release that may not be the system's, that includes its C library. `what` is told.
pub(crate) fn fetch(
    source: Source<'_>,
    package: &str,
    what: &str,
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let has_own_c_library = matches!(source, Source::Release(..));
    let downloads = folder.join(DOWNLOADS);
    fs::create_dir_all(&downloads).map_err(Error::io("create", &downloads))?;
    let apt = Apt::open(source, what, progress)?;
    let name = apt.name_of(package)?;
    let mut packages = vec![&*name];
    packages.extend(has_own_c_library.then_some(LOCALES));
    let mut wanted = apt.closure(&packages)?;
    wanted.retain(|needed| is_needed(package, &needed.name, has_own_c_library));
    apt.download(&wanted, &downloads, what, progress)?;
    progress(&format!("{what}: unpacking"));
    unpack(&downloads, folder)?;
    fs::remove_dir_all(&downloads).map_err(Error::io("remove", &downloads))
}

/// Fetches one package alone.
pub(crate) fn fetch_alone(
    source: Source<'_>,
    package: &str,
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let downloads = folder.join(DOWNLOADS);
    fs::create_dir_all(&downloads).map_err(Error::io("create", &downloads))?;
    let apt = Apt::open(source, package, progress)?;
    let mut wanted = apt.closure(&[package])?;
    wanted.retain(|needed| needed.name == package);
    apt.download(&wanted, &downloads, package, progress)?;
    unpack(&downloads, folder)?;
    fs::remove_dir_all(&downloads).map_err(Error::io("remove", &downloads))
}

/// Whether the program of `package` needs the package `name` to run: its own packages and libraries,
/// except those for Perl, just-in-time compilation and its maintenance scripts.
fn is_needed(package: &str, name: &str, has_own_c_library: bool) -> bool {
    let unused = ["libperl", "libllvm", "libz3-", "libpam-modules", "libc-bin", "libc-l10n"];
    let own = name.strip_prefix(package).is_some_and(|rest| {
        // `postgresql` itself only names the newest `postgresql-15`.
        let of_postgres = package.starts_with("postgresql");
        !of_postgres || rest.strip_prefix('-').is_some_and(|rest| version(rest).is_some())
    });
    match name {
        "libc6" | LOCALES => has_own_c_library,
        "zlib1g" => true,
        _ if name.ends_with("-perl") || unused.iter().any(|prefix| name.starts_with(prefix)) => {
            false
        }
        _ => own || name.starts_with("lib"),
    }
}

/// Unpacks every package in `archives` into `folder`, two at a time: decompression takes most of the
/// time.
fn unpack(archives: &Path, folder: &Path) -> Result<(), Error> {
    let mut packages: Vec<(u64, PathBuf)> = fs::read_dir(archives)
        .map_err(Error::io("read", archives))?
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "deb"))
        .map(|entry| (entry.metadata().map_or(0, |file| file.len()), entry.path()))
        .collect();
    // The largest in one thread, all others in another.
    packages.sort_unstable_by(|a, b| b.cmp(a));
    let (first, others) = packages.split_at(packages.len().min(1));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| unpack_each(first, folder));
        unpack_each(others, folder)?;
        first.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn unpack_each(packages: &[(u64, PathBuf)], folder: &Path) -> Result<(), Error> {
    for (_, package) in packages {
        let output = Command::new("dpkg-deb")
            .arg("--extract")
            .args([package, folder])
            .output()
            .map_err(missing("dpkg-deb"))?;
        if !output.status.success() {
            return Err(Error::new(format!(
                "dpkg-deb cannot unpack {}: {}",
                package.display(),
                last_lines(&output.stderr)
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_needed;

    #[test]
    fn what_runs_is_kept_and_what_installs_is_not() {
        for name in ["postgresql-15", "libpam0g", "libicu72", "zlib1g", "libssl3t64"] {
            assert!(is_needed("postgresql", name, false), "{name}");
        }
        for name in
            ["postgresql", "postgresql-common", "perl-base", "libjson-perl", "libllvm14", "libc6"]
        {
            assert!(!is_needed("postgresql", name, false), "{name}");
        }
        for name in ["libc6", "libc-bin"] {
            assert!(is_needed("mysql-server-core", name, true), "{name}");
        }
        assert!(!is_needed("mysql-server-core", "libc-bin", false));
        assert!(is_needed("mysql-server-core", "mysql-server-core-8.0", false));
        assert!(is_needed("postgresql-client", "postgresql-client-15", false));
        assert!(!is_needed("postgresql-client", "postgresql-client-common", false));
    }
}
