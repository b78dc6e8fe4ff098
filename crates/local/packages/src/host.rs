//! The system: its distribution and its mirror.

use std::fs;
use std::process::Command;

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

    pub(crate) fn parse(text: &str) -> Self {
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

/// The addresses in the system's apt sources that may be mirrors of a whole archive: those whose lists have
/// its label, as far as the system has read them, and then those that end in `/` and `archive`. Archives of
/// others end so too: none of these may have a release.
pub(crate) fn mirrors(label: &str, archive: &str) -> Vec<String> {
    let read = index_targets(&["--format", "$(REPO_URI) $(LABEL)"]);
    let all = index_targets(&["--no-release-info", "--format", "$(REPO_URI)"]);
    mirrors_in(&read, label, &all, archive)
}

/// What apt says of the files of its sources, whatever their format: none where there is no apt.
fn index_targets(arguments: &[&str]) -> String {
    let output = Command::new("apt-get").arg("indextargets").args(arguments).output();
    output.map_or_else(|_| String::new(), |it| String::from_utf8_lossy(&it.stdout).into_owned())
}

fn mirrors_in(read: &str, label: &str, all: &str, archive: &str) -> Vec<String> {
    let labelled = read.lines().filter_map(|line| line.split_once(' '));
    let labelled = labelled.filter(|(_, of)| *of == label).map(|(address, _)| address);
    let is_named =
        |address: &&str| address.trim_end_matches('/').rsplit('/').next() == Some(archive);
    let mut mirrors: Vec<String> = Vec::new();
    for address in labelled.chain(all.lines().filter(is_named)) {
        let address = address.trim_end_matches('/').to_owned();
        // A password stays in the file that it is in.
        if !address.contains('@') && !mirrors.contains(&address) {
            mirrors.push(address);
        }
    }
    mirrors
}

#[cfg(test)]
mod tests {
    use super::{Distribution, mirrors_in};

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
    fn mirrors_are_those_of_the_label_and_then_those_of_the_name() {
        let read = "http://mirror.example/remote-debian/ Debian\nhttp://mirror.example/security/ Debian-Security\n\
                    http://mirror.example/debian/ Debian\n";
        let all = "https://download.example/linux/debian/\nhttp://mirror.example/debian/\n\
                   http://user:password@mirror.example/debian/\nhttp://mirror.example/debian/\n\
                   http://mirror.example/ubuntu/\nmirror+file:/etc/apt/mirrors/debian.list/\n";
        let found = mirrors_in(read, "Debian", all, "debian");
        let expected = [
            "http://mirror.example/remote-debian",
            "http://mirror.example/debian",
            "https://download.example/linux/debian",
        ];
        assert_eq!(found, expected);
        assert_eq!(mirrors_in("", "Ubuntu", all, "ubuntu"), ["http://mirror.example/ubuntu"]);
    }
}
