//! Releases of Debian and Ubuntu whose packages run here as private copies, whatever this system is.

use std::env;
use std::env::consts::ARCH;
use std::path::Path;

use crate::host;

/// A release of Debian or Ubuntu.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// The suite of its archive.
    pub(crate) name: &'static str,
    pub(crate) family: Family,
}

/// Who signs a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Debian,
    Ubuntu,
}

const fn debian(name: &'static str) -> Release {
    Release { name, family: Family::Debian }
}

const fn ubuntu(name: &'static str) -> Release {
    Release { name, family: Family::Ubuntu }
}

pub(crate) const BOOKWORM: Release = debian("bookworm");
pub(crate) const TRIXIE: Release = debian("trixie");
pub(crate) const SID: Release = debian("sid");
pub(crate) const JAMMY: Release = ubuntu("jammy");
pub(crate) const NOBLE: Release = ubuntu("noble");
pub(crate) const PLUCKY: Release = ubuntu("plucky");
pub(crate) const RESOLUTE: Release = ubuntu("resolute");

impl Release {
    /// Its sources file (sources.list(5), deb822 style), with the corrections that came after the release.
    pub(crate) fn sources(&self, mirror: &str, keyring: &Path) -> String {
        let (name, keyring) = (self.name, keyring.display());
        // dpkg may have foreign ones besides, which a mirror of this one may lack.
        let architecture = architecture();
        let components = match self.family {
            Family::Debian => "main",
            Family::Ubuntu => "main universe",
        };
        // sid is corrected in place.
        let suites = if *self == SID { name.to_owned() } else { format!("{name} {name}-updates") };
        format!(
            "Types: deb\nURIs: {mirror}\nSuites: {suites}\nComponents: {components}\n\
             Architectures: {architecture}\nSigned-By: {keyring}\n"
        )
    }
}

/// What Debian and Ubuntu call this machine's architecture.
fn architecture() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

impl Family {
    /// The package with the keys of its archive.
    pub(crate) fn keyring_package(self) -> &'static str {
        match self {
            Self::Debian => "debian-archive-keyring",
            Self::Ubuntu => "ubuntu-keyring",
        }
    }

    /// The file of keys in that package, without the extension, which changed.
    pub(crate) fn keyring_file(self) -> &'static str {
        match self {
            Self::Debian => "debian-archive-keyring",
            Self::Ubuntu => "ubuntu-archive-keyring",
        }
    }

    /// The release of the other family that has that package.
    pub(crate) fn vouched_for_by(self) -> &'static Release {
        match self {
            Self::Debian => &RESOLUTE,
            Self::Ubuntu => &TRIXIE,
        }
    }

    /// The variable that names another mirror.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Debian => "LOCAL_RDS_DEBIAN_MIRROR",
            Self::Ubuntu => "LOCAL_RDS_UBUNTU_MIRROR",
        }
    }

    /// The addresses of the archives that may have a release, in the order in which they are tried: the one
    /// that the environment names, and no other; or else the system's and the makers'.
    pub(crate) fn mirrors(self) -> Vec<String> {
        if let Some(asked) = self.asked() {
            return vec![asked];
        }
        let makers = self.makers();
        let archive = makers[0].rsplit('/').next().unwrap_or_default();
        let mut mirrors = host::mirrors(self.label(), archive);
        for own in makers {
            if !mirrors.iter().any(|mirror| mirror == own) {
                mirrors.push(own.to_owned());
            }
        }
        mirrors
    }

    /// The mirror that the environment names.
    pub(crate) fn asked(self) -> Option<String> {
        env::var(self.variable()).ok().filter(|mirror| !mirror.is_empty())
    }

    /// The makers' archive, and the one that releases move to some time after their end.
    fn makers(self) -> [&'static str; 2] {
        match (self, ARCH) {
            (Self::Debian, _) => {
                ["http://deb.debian.org/debian", "http://archive.debian.org/debian"]
            }
            (Self::Ubuntu, "x86_64" | "x86") => {
                ["http://archive.ubuntu.com/ubuntu", "http://old-releases.ubuntu.com/ubuntu"]
            }
            (Self::Ubuntu, _) => {
                ["http://ports.ubuntu.com/ubuntu-ports", "http://old-releases.ubuntu.com/ubuntu"]
            }
        }
    }

    /// What its lists are labelled (<https://wiki.debian.org/DebianRepository/Format>).
    fn label(self) -> &'static str {
        match self {
            Self::Debian => "Debian",
            Self::Ubuntu => "Ubuntu",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    #[test]
    fn corrections_are_among_the_sources() {
        let keyring = Path::new("/k.gpg");
        let jammy = JAMMY.sources("http://mirror.example/ubuntu", keyring);
        assert_eq!(
            jammy,
            format!(
                "Types: deb\nURIs: http://mirror.example/ubuntu\nSuites: jammy jammy-updates\n\
                 Components: main universe\nArchitectures: {}\nSigned-By: /k.gpg\n",
                architecture()
            )
        );
        assert!(SID.sources("http://mirror.example/debian", keyring).contains("\nSuites: sid\n"));
    }

    /// apt itself reads the sources, on a system with foreign architectures.
    #[test]
    fn foreign_architectures_are_not_read() {
        let folder = std::env::temp_dir().join(format!("architectures-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (sources, settings) = (folder.join("archive.sources"), folder.join("apt.conf"));
        let text = JAMMY.sources("http://mirror.example/ubuntu", Path::new("/k.gpg"));
        fs::write(&sources, text).unwrap();
        let text = format!(
            "APT::Architectures {{ \"amd64\"; \"arm64\"; \"i386\"; }};\n\
             Dir::Etc::sourcelist \"{}\";\nDir::Etc::sourceparts \"/dev/null\";\n",
            sources.display()
        );
        fs::write(&settings, text).unwrap();
        let output = Command::new("apt-get")
            .arg("-c")
            .arg(&settings)
            .args(["indextargets", "--no-release-info", "--format", "$(ARCHITECTURE)"])
            .arg("Created-By: Packages")
            .output()
            .unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let mut read: Vec<_> = said.lines().filter(|line| *line != "all").collect();
        read.dedup();
        assert_eq!(read, [architecture()], "{output:?}");
    }
}
