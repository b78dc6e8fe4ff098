//! Fetches packages through apt, without root and without touching the system.
//!
//! Each archive gets an apt of its own in the cache: with its own settings, lists, and list of installed
//! packages, which is empty, so that apt names every library that a server needs. Downloads are verified
//! with the system's keys, or with keys that those vouch for.

use std::env::consts::ARCH;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::cache::is_younger;
use crate::host::Distribution;
use crate::release::{Family, Release};
use crate::{Error, cache_folder};

/// How long lists of packages are used: long enough for all servers that one command fetches.
const LISTS_LAST: Duration = Duration::from_secs(60 * 60);
/// The file that is written when the lists have been read. It says which mirror the environment named.
const UPDATED: &str = "updated";

/// Where packages come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// The system's own apt sources.
    System(&'a Distribution),
    /// A release of Debian or Ubuntu, which one of these keys has signed.
    Release(&'static Release, &'a Path),
}

impl Source<'_> {
    /// The folder of its lists. Machines of several architectures may share a home folder.
    fn folder(&self) -> String {
        match self {
            Self::System(Distribution { id, version, .. }) => format!("{id}-{version}-{ARCH}"),
            Self::Release(release, _) => format!("{}-{ARCH}", release.name),
        }
    }

    /// The mirror that the environment names for it, or nothing.
    fn asked(&self) -> String {
        match self {
            Self::System(_) => String::new(),
            Self::Release(release, _) => release.family.asked().unwrap_or_default(),
        }
    }
}

/// A package to download.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: String,
    bytes: u64,
}

/// A private apt, with all its state in `folder`. Until it is dropped, nobody reads the lists anew.
pub(crate) struct Apt {
    folder: PathBuf,
    configuration: PathBuf,
    lock: File,
    /// What apt said when it read the lists.
    said: Vec<u8>,
}

impl Apt {
    /// Opens the private apt of an archive, with lists that are not old. `what` is fetched.
    pub(crate) fn open(
        source: Source<'_>,
        what: &str,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, Error> {
        let folder = cache_folder()?.join("archives").join(source.folder());
        for part in ["state/lists/partial", "cache/archives/partial"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).map_err(Error::io("create", &part))?;
        }
        let lock_path = folder.join("lock");
        let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
        lock.lock_shared().map_err(Error::io("lock", &lock_path))?;
        let mut apt =
            Self { configuration: folder.join("apt.conf"), folder, lock, said: Vec::new() };
        let updated = apt.folder.join(UPDATED);
        let is_current = || {
            let of = fs::read_to_string(&updated).ok();
            is_younger(&updated, LISTS_LAST) && of.is_some_and(|of| of == source.asked())
        };
        if is_current() {
            return Ok(apt);
        }
        let lock = &apt.lock;
        lock.unlock().and_then(|()| lock.lock()).map_err(Error::io("lock", &lock_path))?;
        // Another process may have read them meanwhile.
        if !is_current() {
            apt.read_lists(source, what, progress)?;
        }
        apt.lock.lock_shared().map_err(Error::io("lock", &lock_path))?;
        Ok(apt)
    }

    fn read_lists(
        &mut self,
        source: Source<'_>,
        what: &str,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        // A half that was read is no list.
        let _ = fs::remove_file(self.folder.join(UPDATED));
        self.write("status", "")?;
        match source {
            Source::Release(release, keyring) => {
                progress(&format!("{what}: reading the package lists of {}", release.name));
                self.update_release(release, keyring, what, progress)?;
            }
            Source::System(_) => {
                progress(&format!("{what}: reading the package lists"));
                self.write("apt.conf", &configuration(&self.folder))?;
                let output = self.update(what, progress)?;
                self.said = successful(output, "apt-get", &["update"])?.stderr;
            }
        }
        self.write(UPDATED, &source.asked()).map(drop)
    }

    /// Reads the lists of a release from the first of its mirrors that has it.
    fn update_release(
        &mut self,
        release: &Release,
        keyring: &Path,
        what: &str,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let mut refusals = Vec::new();
        for mirror in release.family.mirrors() {
            let sources = self.write("archive.sources", &release.sources(&mirror, keyring))?;
            let configuration = configuration(&self.folder)
                + &format!(
                    "Dir::Etc::sourcelist \"{}\";\n\
                     Dir::Etc::sourceparts \"/dev/null\";\n\
                     Dir::Etc::preferences \"/dev/null\";\n\
                     Dir::Etc::preferencesparts \"/dev/null\";\n\
                     APT::Update::Error-Mode \"any\";\n",
                    sources.display()
                );
            self.write("apt.conf", &configuration)?;
            let output = self.update(what, progress)?;
            if output.status.success() {
                self.said = output.stderr;
                return Ok(());
            }
            refusals.push(refusal(&output.stderr, keyring, release.family));
        }
        let (refusals, variable) = (refusals.join("; "), release.family.variable());
        Err(Error::new(format!("{refusals}; {variable} can name another mirror")))
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Error> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(Error::io("write", &path)).map(|()| path)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.arg("-c").arg(&self.configuration).arg("-q").current_dir(&self.folder);
        // Its output is parsed here.
        command.env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<Output, Error> {
        successful(self.output(program, arguments)?, program, arguments)
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Result<Output, Error> {
        self.command(program).args(arguments).output().map_err(missing(program))
    }

    /// Reads the lists of packages.
    ///
    /// An outdated mirror has expired lists. Their signature is still valid: the packages are Debian's,
    /// if not the latest. That is enough for tests, and is reported. The answer may be that it failed.
    fn update(&self, what: &str, progress: &mut dyn FnMut(&str)) -> Result<Output, Error> {
        let output = self.output("apt-get", &["update"])?;
        if output.status.success() || !is_expired(&output) {
            return Ok(output);
        }
        progress(&format!(
            "{what}: the mirror's package list has expired, but its signature is valid: using it"
        ));
        let mut text = fs::read_to_string(&self.configuration)
            .map_err(Error::io("read", &self.configuration))?;
        text += "Acquire::Check-Valid-Until \"false\";\n";
        fs::write(&self.configuration, text).map_err(Error::io("write", &self.configuration))?;
        self.output("apt-get", &["update"])
    }

    /// The package's name in this release: the plain name, or the one with the highest version.
    pub(crate) fn name_of(&self, plain: &str) -> Result<String, Error> {
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
            // apt only warns about a mirror of the system's that does not answer.
            .ok_or_else(|| {
                let _ = fs::remove_file(self.folder.join(UPDATED));
                failed(&format!("finding {plain}"), &self.said)
            })
    }

    /// The packages and their dependencies.
    pub(crate) fn closure(&self, packages: &[&str]) -> Result<Vec<Package>, Error> {
        let install = ["install", "--print-uris", "-qq", "-y"];
        let output = self.run("apt-get", &[&install, packages].concat())?;
        Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(parse_uri).collect())
    }

    /// Downloads packages into `folder`. `what` is fetched.
    pub(crate) fn download(
        &self,
        packages: &[Package],
        folder: &Path,
        what: &str,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let total: u64 = packages.iter().map(|package| package.bytes).sum();
        let count = packages.len();
        progress(&format!("{what}: downloading {count} packages, {} MB", total / 1_000_000));
        let mut child = self
            .command("apt-get")
            .arg("download")
            .args(packages.iter().map(|package| &package.name))
            .current_dir(folder)
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
                progress(&format!("{what}: {} of {} MB", arrived / 1_000_000, total / 1_000_000));
            }
            arrived += packages.iter().find(|p| p.name == name).map_or(0, |p| p.bytes);
        }
        let output = child.wait_with_output().map_err(missing("apt-get"))?;
        if output.status.success() {
            return Ok(());
        }
        // Packages may have been replaced since the lists were read: the next time they are read anew.
        let _ = fs::remove_file(self.folder.join(UPDATED));
        Err(failed("apt-get download", &output.stderr))
    }
}

fn successful(output: Output, program: &str, arguments: &[&str]) -> Result<Output, Error> {
    if output.status.success() {
        return Ok(output);
    }
    Err(failed(&format!("{program} {}", arguments.join(" ")), &output.stderr))
}

fn failed(what: &str, said: &[u8]) -> Error {
    Error::new(format!("{what} failed: {}", last_lines(said)))
}

/// Why a mirror's lists were refused: apt's first error, which names the mirror. apt calls lists unsigned
/// whose keys it does not have, too.
fn refusal(said: &[u8], keyring: &Path, family: Family) -> String {
    let text = String::from_utf8_lossy(said);
    let Some(error) = text.lines().find_map(|line| line.strip_prefix("E: ")) else {
        return last_lines(said);
    };
    match error.strip_suffix(" is not signed.") {
        Some(lists) if UNKNOWN_KEY.iter().any(|words| text.contains(words)) => format!(
            "{lists} is signed with a key that {} lacks: unless the mirror is wrong, install the newest {}",
            keyring.display(),
            family.keyring_package()
        ),
        _ => error.to_owned(),
    }
}

/// What gpgv and sqv, which apt asks, say of a key that they lack, or have with an expiry that was put off.
const UNKNOWN_KEY: [&str; 4] =
    ["NO_PUBKEY", "EXPKEYSIG", "Missing key", "not live because: Expired on"];

/// Whether apt refused a list because it has expired (`Valid-Until` in
/// <https://wiki.debian.org/DebianRepository/Format>).
fn is_expired(update: &Output) -> bool {
    let said = String::from_utf8_lossy(&update.stderr);
    said.contains("Release file for") && said.contains("is expired")
}

/// apt's settings. The system's own, such as proxies, still apply, except for hooks, for lists that are not
/// needed here, and for leave to take what nobody has signed.
fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    let mut text = format!(
        "Dir::State \"{folder}/state\";\n\
         Dir::State::status \"{folder}/status\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         APT::Install-Recommends \"false\";\n\
         APT::Sandbox::User \"root\";\n\
         APT::Get::Always-Include-Phased-Updates \"true\";\n\
         APT::Get::AllowUnauthenticated \"false\";\n\
         Acquire::AllowInsecureRepositories \"false\";\n\
         Acquire::AllowWeakRepositories \"false\";\n\
         Acquire::AllowDowngradeToInsecureRepositories \"false\";\n\
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

/// The numbers of a version such as `8.4`, which order it.
pub(crate) fn version(text: &str) -> Option<Vec<u32>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

/// Reads a line of `apt-get --print-uris`: `'address' name_version_arch.deb bytes hash`.
fn parse_uri(line: &str) -> Option<Package> {
    let mut words = line.strip_prefix('\'')?.split(' ').skip(1);
    let (name, _) = words.next()?.split_once('_')?;
    Some(Package { name: name.to_owned(), bytes: words.next()?.parse().ok()? })
}

pub(crate) fn missing(program: &str) -> impl FnOnce(io::Error) -> Error {
    Error::io("run", Path::new(program))
}

/// The last lines of a program's output, on one line.
pub(crate) fn last_lines(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => "no output".to_owned(),
        lines => lines[lines.len().saturating_sub(4)..].join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::JAMMY;

    #[test]
    fn a_uri_line_gives_name_and_size() {
        let line = "'http://mirror.example/debian/pool/main/x/libaio1_0.3-4_amd64.deb' \
                    libaio1_0.3-4_amd64.deb 13376 MD5Sum:8e7e";
        let package = Package { name: "libaio1".to_owned(), bytes: 13376 };
        assert_eq!(parse_uri(line), Some(package));
        assert_eq!(parse_uri("Reading package lists..."), None);
    }

    #[test]
    fn a_key_that_is_missing_is_no_fault_of_the_mirror() {
        let keyring = Path::new("/keys.gpg");
        let why = |said: &str| refusal(said.as_bytes(), keyring, Family::Ubuntu);
        let lists = "The repository 'http://mirror.example/ubuntu jammy InRelease'";
        for key in [
            "GPG error: http://mirror.example/ubuntu jammy InRelease: The following signatures couldn't be \
             verified because the public key is not available: NO_PUBKEY 871920D1991BC93C",
            "OpenPGP signature verification failed: http://mirror.example/ubuntu jammy InRelease: \
             Sub-process /usr/bin/sqv returned an error code (1), error message is: Missing key \
             F6ECB3762474EDA9D21B7022871920D1991BC93C, which is needed to verify signature.",
        ] {
            assert_eq!(
                why(&format!("W: {key}\nE: {lists} is not signed.\n")),
                format!(
                    "{lists} is signed with a key that /keys.gpg lacks: unless the mirror is wrong, install \
                     the newest ubuntu-keyring"
                )
            );
        }
        assert_eq!(why(&format!("E: {lists} is not signed.\n")), format!("{lists} is not signed."));
        let unreachable = "E: Failed to fetch http://mirror.example/  Could not connect\n\
                           E: Some index files failed to download.\n";
        assert_eq!(why(unreachable), "Failed to fetch http://mirror.example/  Could not connect");
    }

    #[test]
    fn architectures_do_not_share_lists() {
        let debian = Distribution::parse("ID=debian\nVERSION_ID=12\n");
        for source in [Source::System(&debian), Source::Release(&JAMMY, Path::new("/k.gpg"))] {
            assert!(source.folder().ends_with(&format!("-{ARCH}")), "{}", source.folder());
        }
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert!(version("10.6") > version("8.4"));
        assert_eq!(version("common"), None);
    }
}
