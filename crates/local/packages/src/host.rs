//! The system: its distribution and its mirror.

use std::fs;
use std::path::{Path, PathBuf};

/// The distribution, from `/etc/os-release` (os-release(5)).
#[derive(Debug)]
pub(crate) struct Distribution {
    /// `ID`: `debian`, `ubuntu`, …
    pub(crate) id: String,
    /// `VERSION_ID`, or `rolling` where there is none: Debian testing and unstable.
    pub(crate) version: String,
    /// `VERSION_CODENAME`: `bookworm`, `noble`, …
    pub(crate) codename: Option<String>,
    /// `ID` and those of `ID_LIKE`.
    family: Vec<String>,
}

impl Distribution {
    /// This system's.
    pub(crate) fn of_host() -> Self {
        let text = fs::read_to_string("/etc/os-release")
            .or_else(|_| fs::read_to_string("/usr/lib/os-release"))
            .unwrap_or_default();
        Self::parse(&text)
    }

    fn parse(text: &str) -> Self {
        let value = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .map(|value| value.trim_matches(['"', '\'']).to_owned())
        };
        let id = value("ID").unwrap_or_else(|| "unknown".to_owned());
        let like = value("ID_LIKE").unwrap_or_default();
        let family = like.split_whitespace().map(str::to_owned).chain([id.clone()]).collect();
        let version = value("VERSION_ID").unwrap_or_else(|| "rolling".to_owned());
        Self { id, version, codename: value("VERSION_CODENAME"), family }
    }

    /// Ubuntu or a derivative: its packages include MySQL.
    pub(crate) fn is_ubuntu(&self) -> bool {
        self.family.iter().any(|id| id == "ubuntu")
    }

    /// Debian, Ubuntu or a derivative: packages come through apt.
    pub(crate) fn has_apt(&self) -> bool {
        self.is_ubuntu() || self.family.iter().any(|id| id == "debian")
    }
}

/// The mirror of an archive that the system's apt uses: its address ends in `/debian` or `/ubuntu`.
pub(crate) fn mirror(archive: &str) -> Option<String> {
    source_files()
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .find_map(|text| mirror_in(&text, archive))
}

fn source_files() -> Vec<PathBuf> {
    let folder = Path::new("/etc/apt");
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("sources.list.d"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "sources" || e == "list"))
        .collect();
    files.sort();
    files.push(folder.join("sources.list"));
    files
}

/// The first address in a sources file, of either format, that ends in `/` and `archive`.
fn mirror_in(text: &str, archive: &str) -> Option<String> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .flat_map(str::split_whitespace)
        .filter(|word| word.starts_with("http://") || word.starts_with("https://"))
        .map(|word| word.trim_end_matches('/'))
        .find(|word| word.rsplit('/').next() == Some(archive))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Distribution, mirror_in};

    #[test]
    fn distributions_are_told_by_their_family() {
        let debian =
            Distribution::parse("ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n");
        assert!(debian.has_apt() && !debian.is_ubuntu());
        assert_eq!((debian.id.as_str(), debian.version.as_str()), ("debian", "12"));
        assert_eq!(debian.codename.as_deref(), Some("bookworm"));

        let mint = Distribution::parse("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n");
        assert!(mint.has_apt() && mint.is_ubuntu());
        assert_eq!(mint.version, "rolling");

        let fedora = Distribution::parse("ID=fedora\nVERSION_ID=43\n");
        assert!(!fedora.has_apt());
    }

    #[test]
    fn the_mirror_is_the_systems_own() {
        let deb822 = "Types: deb\n# http://archive.example/debian\n\
                      URIs: https://mirror.example/debian/\nSuites: trixie\n";
        assert_eq!(mirror_in(deb822, "debian").as_deref(), Some("https://mirror.example/debian"));
        let one_line = "deb [signed-by=/a.gpg] http://mirror.example/debian bookworm main\n";
        assert_eq!(mirror_in(one_line, "debian").as_deref(), Some("http://mirror.example/debian"));
        let ubuntu = "deb http://mirror.example/ubuntu noble main\n";
        assert_eq!(mirror_in(ubuntu, "debian"), None);
        assert_eq!(mirror_in(ubuntu, "ubuntu").as_deref(), Some("http://mirror.example/ubuntu"));
    }
}
