//! The system user that servers run as: they refuse to run as root.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::Error;

/// The number of `nobody` and its group on every Linux distribution.
const NOBODY: u32 = 65_534;

/// The system user that servers run as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// The user of this process.
    Own,
    /// `nobody`, because this process runs as root.
    Nobody,
}

/// The user of this process, who owns what it creates.
#[allow(unsafe_code)]
pub(crate) fn own_user() -> u32 {
    // SAFETY: geteuid(2) has no preconditions and cannot fail.
    unsafe { libc::geteuid() }
}

impl Account {
    /// The account for the servers of this process.
    pub(crate) fn for_servers() -> Self {
        if own_user() == 0 { Self::Nobody } else { Self::Own }
    }

    /// Makes `command` run as this user.
    pub(crate) fn run(self, command: &mut Command) {
        if self == Self::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
    }

    /// This user's number.
    pub(crate) fn user(self) -> u32 {
        match self {
            Self::Own => own_user(),
            Self::Nobody => NOBODY,
        }
    }

    /// Checks that this user may listen on `port`.
    pub(crate) fn may_listen(self, port: u16) -> Result<(), Error> {
        // Root may, and has reserved it: nobody else is told.
        let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
        let first = first.ok().and_then(|number| number.trim().parse().ok()).unwrap_or(1024);
        if self == Self::Own || port >= first {
            return Ok(());
        }
        Err(Error::new(format!(
            "cannot listen on port {port} of 127.0.0.1: take another one, from {first}: started by root, \
             servers run as nobody, who may not use it"
        )))
    }

    /// Lets only this user, by its group, and the user of this process through `folder`.
    pub(crate) fn admit(self, folder: &Path) -> io::Result<()> {
        let mode = match self {
            Self::Own => 0o700,
            // It may pass, but neither list the folder nor create anything there.
            Self::Nobody => {
                chown(folder, None, Some(NOBODY))?;
                0o710
            }
        };
        fs::set_permissions(folder, Permissions::from_mode(mode))
    }

    /// Makes this user the owner of a file or a folder, without its contents, and lets nobody else in.
    pub(crate) fn give(self, path: &Path) -> Result<(), Error> {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        fs::set_permissions(path, Permissions::from_mode(mode))
            .and_then(|()| self.own(path))
            .map_err(Error::io("hand over", path))
    }

    /// Writes a file that this user owns, and nobody else can read.
    pub(crate) fn write(self, path: &Path, text: &str) -> Result<(), Error> {
        let write = |text: &str| fs::write(path, text).map_err(Error::io("write", path));
        // It stays empty until only this user can read it.
        write("")?;
        self.give(path)?;
        write(text)
    }

    /// Makes this user the owner of `path`.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Nobody => chown(path, Some(NOBODY), Some(NOBODY)),
        }
    }

    /// Checks that this user can reach `path`, which it does not own.
    pub(crate) fn must_reach(self, path: &Path) -> Result<(), Error> {
        if self == Self::Own {
            return Ok(());
        }
        let closed = path
            .ancestors()
            .skip(1)
            .find(|folder| fs::metadata(folder).is_ok_and(|folder| folder.mode() & 0o001 == 0));
        match closed {
            None => Ok(()),
            Some(folder) => Err(Error::new(format!(
                "started by root, servers run as nobody, who cannot enter {} to reach {}: run chmod o+x \
                 on the folder, set XDG_CACHE_HOME to another one, or start as another user",
                folder.display(),
                path.display()
            ))),
        }
    }
}
