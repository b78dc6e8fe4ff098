//! Fetches packages through apt into a folder, without root and without touching the system.
//!
//! apt gets its own state, cache and list of installed packages: the list is empty, so that apt names
//! every library that the server needs. Downloads are verified with the system's keys.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use engine::Engine;

use crate::Error;
use crate::host::{Distribution, debian_mirror};
use crate::server_program::ServerProgram;

/// Fetches `package` of `engine`, or the newest whose name it begins, with what it needs, and unpacks them
/// into `folder`. True if they include their own C library, and so need its loader.
pub(crate) fn fetch(
    engine: Engine,
    package: &str,
    distribution: &Distribution,
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<bool, Error> {
    // Debian's releases have no MySQL, its development branch does. That MySQL is built for a newer C
    // library than the release has, and is fetched with it.
    let from_unstable = engine == Engine::MySql && !distribution.is_ubuntu();
    let apt = Apt::new(engine, folder.join(".apt"), from_unstable)?;

    progress(&format!("{engine}: reading the package lists"));
    let update = apt.update(progress)?;
    let name = apt.name_of(package, &update)?;
    let wanted: Vec<Package> = apt
        .closure(&name)?
        .into_iter()
        .filter(|needed| is_needed(package, &needed.name, from_unstable))
        .collect();
    apt.download(&wanted, progress)?;
    progress(&format!("{engine}: unpacking"));
    unpack(&apt.folder, folder)?;
    fs::remove_dir_all(&apt.folder).map_err(Error::io("remove", &apt.folder))?;
    Ok(from_unstable)
}

/// A package to download.
#[derive(Debug, PartialEq, Eq)]
struct Package {
    name: String,
    bytes: u64,
}

/// A private apt, with all its state in `folder`.
struct Apt {
    engine: Engine,
    folder: PathBuf,
    configuration: PathBuf,
}

impl Apt {
    fn new(engine: Engine, folder: PathBuf, from_unstable: bool) -> Result<Self, Error> {
        for part in ["state/lists/partial", "cache/archives/partial"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(Error::io("create", &part))?;
        }
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).map_err(Error::io("write", &path)).map(|()| path)
        };
        write("status", "")?;
        let mut configuration = configuration(&folder);
        if from_unstable {
            let sources = write("unstable.sources", &unstable()?)?;
            configuration += &format!(
                "Dir::Etc::sourcelist \"{}\";\nDir::Etc::sourceparts \"/dev/null\";\n",
                sources.display()
            );
        }
        let configuration = write("apt.conf", &configuration)?;
        Ok(Self { engine, folder, configuration })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-c").arg(&self.configuration).arg("-q").current_dir(&self.folder);
        // Its output is parsed here.
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<Output, Error> {
        self.successful(self.output(program, arguments)?, program, arguments)
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Result<Output, Error> {
        self.command(program).args(arguments).output().map_err(missing(program))
    }

    fn successful(
        &self,
        output: Output,
        program: &str,
        arguments: &[&str],
    ) -> Result<Output, Error> {
        if output.status.success() {
            return Ok(output);
        }
        Err(self.failed(&format!("{program} {}", arguments.join(" ")), &output.stderr))
    }

    /// Reads the lists of packages.
    ///
    /// An outdated mirror has expired lists. Their signature is still valid: the packages are Debian's,
    /// if not the latest. That is enough for tests, and is reported.
    fn update(&self, progress: &mut dyn FnMut(&str)) -> Result<Output, Error> {
        let update = ["update"];
        let output = self.output("apt-get", &update)?;
        if output.status.success() || !is_expired(&output) {
            return self.successful(output, "apt-get", &update);
        }
        progress(&format!(
            "{}: the mirror's package list has expired, but its signature is valid: using it",
            self.engine
        ));
        let mut text = fs::read_to_string(&self.configuration)
            .map_err(Error::io("read", &self.configuration))?;
        text += "Acquire::Check-Valid-Until \"false\";\n";
        fs::write(&self.configuration, text).map_err(Error::io("write", &self.configuration))?;
        self.run("apt-get", &update)
    }

    fn failed(&self, what: &str, said: &[u8]) -> Error {
        Error::new(format!(
            "cannot fetch {}: {what} failed: {}: install the package {}, or set {} to the path of a \
             server",
            self.engine,
            last_lines(said),
            self.engine.package(),
            self.engine.variable(),
        ))
    }

    /// The package's name in this release: the plain name, or the one with the highest version.
    fn name_of(&self, plain: &str, update: &Output) -> Result<String, Error> {
        let names = self.run("apt-cache", &["pkgnames", plain])?;
        let names = String::from_utf8_lossy(&names.stdout);
        if names.lines().any(|name| name == plain) {
            return Ok(plain.to_owned());
        }
        names
            .lines()
            .filter_map(|name| Some((version(name.strip_prefix(plain)?.strip_prefix('-')?)?, name)))
            .max()
            .map(|(_, name)| name.to_owned())
            // apt only warns about a mirror that does not answer.
            .ok_or_else(|| self.failed(&format!("finding {plain}"), &update.stderr))
    }

    /// The package and its dependencies.
    fn closure(&self, package: &str) -> Result<Vec<Package>, Error> {
        let output = self.run("apt-get", &["install", "--print-uris", "-qq", "-y", package])?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(parse_uri).collect())
    }

    fn download(&self, packages: &[Package], progress: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let engine = self.engine;
        let total: u64 = packages.iter().map(|package| package.bytes).sum();
        progress(&format!(
            "{engine}: downloading {} packages, {} MB",
            packages.len(),
            total / 1_000_000
        ));
        let mut child = self
            .command("apt-get")
            .arg("download")
            .args(packages.iter().map(|package| &package.name))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(missing("apt-get"))?;

        // apt prints "Get:3 … " when a download starts, so all earlier packages have arrived.
        let (mut arrived, mut shown_quarters) = (0, 0);
        for line in child.stdout.take().into_iter().flat_map(|out| BufReader::new(out).lines()) {
            let Ok(line) = line else { break };
            let Some(name) = line.starts_with("Get:").then(|| line.split(' ').nth(4)).flatten()
            else {
                continue;
            };
            let quarters = arrived * 4 / total.max(1);
            if quarters > shown_quarters {
                shown_quarters = quarters;
                progress(&format!("{engine}: {} of {} MB", arrived / 1_000_000, total / 1_000_000));
            }
            arrived += packages.iter().find(|p| p.name == name).map_or(0, |p| p.bytes);
        }
        let output = child.wait_with_output().map_err(missing("apt-get"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(self.failed("apt-get download", &output.stderr))
    }
}

/// Whether apt refused a list because it has expired (`Valid-Until` in
/// <https://wiki.debian.org/DebianRepository/Format>).
fn is_expired(update: &Output) -> bool {
    let said = String::from_utf8_lossy(&update.stderr);
    said.contains("Release file for") && said.contains("is expired")
}

/// apt's settings. The system's own, such as proxies, still apply, except for hooks and for lists that
/// are not needed here.
fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    let mut text = format!(
        "Dir::State \"{folder}/state\";\n\
         Dir::State::status \"{folder}/status\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         APT::Install-Recommends \"false\";\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::PDiffs \"false\";\n\
         Acquire::Retries \"2\";\n"
    );
    for list in [
        "APT::Update::Pre-Invoke",
        "APT::Update::Post-Invoke",
        "APT::Update::Post-Invoke-Success",
        "Acquire::IndexTargets::deb::DEP-11",
        "Acquire::IndexTargets::deb::DEP-11-icons",
        "Acquire::IndexTargets::deb::DEP-11-icons-small",
        "Acquire::IndexTargets::deb::DEP-11-icons-hidpi",
        "Acquire::IndexTargets::deb::CNF",
        "Acquire::IndexTargets::deb::Contents-deb",
        "Acquire::IndexTargets::deb::Contents-deb-legacy",
    ] {
        text += &format!("#clear {list};\n");
    }
    text
}

/// The sources file (sources.list(5), deb822 style) of Debian's development branch.
fn unstable() -> Result<String, Error> {
    let mut text =
        format!("Types: deb\nURIs: {}\nSuites: sid\nComponents: main\n", debian_mirror()?);
    let keys = ["pgp", "gpg"]
        .map(|extension| format!("/usr/share/keyrings/debian-archive-keyring.{extension}"));
    if let Some(key) = keys.iter().find(|key| Path::new(key).exists()) {
        text += &format!("Signed-By: {key}\n");
    }
    Ok(text)
}

/// Whether the program of `package` needs the package `name` to run: its own packages and libraries,
/// except those for Perl, just-in-time compilation and its maintenance scripts.
fn is_needed(package: &str, name: &str, from_unstable: bool) -> bool {
    let unused = ["libperl", "libllvm", "libz3-", "libpam-modules", "libc-bin", "libc-l10n"];
    let own = name.strip_prefix(package).is_some_and(|rest| {
        // `postgresql` itself only names the newest `postgresql-15`.
        let of_postgres = package.starts_with("postgresql");
        !of_postgres || rest.strip_prefix('-').is_some_and(|rest| version(rest).is_some())
    });
    match name {
        "libc6" => from_unstable,
        "zlib1g" => true,
        _ if name.ends_with("-perl") || unused.iter().any(|prefix| name.starts_with(prefix)) => {
            false
        }
        _ => own || name.starts_with("lib"),
    }
}

/// The numbers of a version such as `8.4`, which order it.
fn version(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

/// Reads a line of `apt-get --print-uris`: `'address' name_version_arch.deb bytes hash`.
fn parse_uri(line: &str) -> Option<Package> {
    let mut words = line.strip_prefix('\'')?.split(' ').skip(1);
    let (name, _) = words.next()?.split_once('_')?;
    Some(Package { name: name.to_owned(), bytes: words.next()?.parse().ok()? })
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

fn missing(program: &str) -> impl FnOnce(io::Error) -> Error {
    Error::io("run", Path::new(program))
}

/// The last lines of a program's output, on one line.
fn last_lines(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => "no output".to_owned(),
        lines => lines[lines.len().saturating_sub(4)..].join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::{Package, is_needed, parse_uri, version};

    #[test]
    fn a_uri_line_gives_name_and_size() {
        let line = "'http://mirror.example/debian/pool/main/x/libaio1_0.3-4_amd64.deb' \
                    libaio1_0.3-4_amd64.deb 13376 MD5Sum:8e7e";
        let package = Package { name: "libaio1".to_owned(), bytes: 13376 };
        assert_eq!(parse_uri(line), Some(package));
        assert_eq!(parse_uri("Reading package lists..."), None);
    }

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
        assert!(is_needed("mysql-server-core", "libc6", true));
        assert!(is_needed("mysql-server-core", "mysql-server-core-8.0", false));
        assert!(is_needed("postgresql-client", "postgresql-client-15", false));
        assert!(!is_needed("postgresql-client", "postgresql-client-common", false));
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert!(version("10.6") > version("8.4"));
        assert_eq!(version("common"), None);
    }
}
