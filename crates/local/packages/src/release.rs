//! Releases of Debian and Ubuntu whose packages run here as private copies, whatever this system is.

use std::env;
use std::env::consts::ARCH;
use std::path::Path;

use crate::host::mirror;

/// A release of Debian or Ubuntu.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Release {
    /// The suite of its archive.
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    /// Whether it is supported no longer: its archive may have moved.
    ended: bool,
}

/// Who signs a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Debian,
    Ubuntu,
}

const fn debian(name: &'static str) -> Release {
    Release { name, family: Family::Debian, ended: false }
}

const fn ubuntu(name: &'static str) -> Release {
    Release { name, family: Family::Ubuntu, ended: false }
}

pub(crate) const BOOKWORM: Release = debian("bookworm");
pub(crate) const TRIXIE: Release = debian("trixie");
pub(crate) const SID: Release = debian("sid");
pub(crate) const JAMMY: Release = ubuntu("jammy");
pub(crate) const NOBLE: Release = ubuntu("noble");
pub(crate) const PLUCKY: Release = Release { name: "plucky", family: Family::Ubuntu, ended: true };
pub(crate) const RESOLUTE: Release = ubuntu("resolute");

/// Where releases of Ubuntu go some time after their end.
const ENDED_UBUNTU: &str = "http://old-releases.ubuntu.com/ubuntu";

impl Release {
    /// The addresses of the archives that may have it, in the order in which they are tried.
    pub(crate) fn mirrors(&self) -> Vec<String> {
        let mut mirrors = vec![self.family.mirror()];
        mirrors.extend(self.ended.then(|| ENDED_UBUNTU.to_owned()));
        mirrors
    }

    /// Its sources file (sources.list(5), deb822 style), with the corrections that came after the release.
    pub(crate) fn sources(&self, mirror: &str, keyring: &Path) -> String {
        let (name, keyring) = (self.name, keyring.display());
        let components = match self.family {
            Family::Debian => "main",
            Family::Ubuntu => "main universe",
        };
        // sid is corrected in place.
        let suites = if *self == SID { name.to_owned() } else { format!("{name} {name}-updates") };
        format!(
            "Types: deb\nURIs: {mirror}\nSuites: {suites}\nComponents: {components}\nSigned-By: {keyring}\n"
        )
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

    /// The archive: the one that the environment names, the system's, or its makers'.
    fn mirror(self) -> String {
        let asked = env::var(self.variable()).ok().filter(|mirror| !mirror.is_empty());
        let makers = match (self, ARCH) {
            (Self::Debian, _) => "http://deb.debian.org/debian",
            (Self::Ubuntu, "x86_64" | "x86") => "http://archive.ubuntu.com/ubuntu",
            (Self::Ubuntu, _) => "http://ports.ubuntu.com/ubuntu-ports",
        };
        let own = makers.rsplit('/').next().and_then(mirror);
        asked.or(own).unwrap_or_else(|| makers.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrections_are_among_the_sources() {
        let keyring = Path::new("/k.gpg");
        let jammy = JAMMY.sources("http://mirror.example/ubuntu", keyring);
        assert_eq!(
            jammy,
            "Types: deb\nURIs: http://mirror.example/ubuntu\nSuites: jammy jammy-updates\n\
             Components: main universe\nSigned-By: /k.gpg\n"
        );
        assert!(SID.sources("http://mirror.example/debian", keyring).contains("\nSuites: sid\n"));
        assert_eq!(PLUCKY.mirrors().last().map(String::as_str), Some(ENDED_UBUNTU));
    }
}
