//! The folder of one server: data, certificates, sockets, logs. No other user of the machine can enter
//! it.
//!
//! It is removed with the value. A killed process cannot clean up, so each folder holds a file that
//! its process keeps locked: the next start removes the folders whose lock is free.

use std::env;
use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::Error;
use crate::account::{Account, own_user};

/// The prefix of complete folders.
const PREFIX: &str = "local-rds-";
/// The prefix of a folder until its lock is taken.
const UNFINISHED_PREFIX: &str = ".new-local-rds-";
const LOCK: &str = "lock";
/// The mode of a folder that only its owner can enter.
const PRIVATE: u32 = 0o700;
/// The longest path of the folder for temporary files, in bytes: the path of a Unix socket has at most
/// 107 (unix(7)).
const MAX_PARENT_LENGTH: usize = 70;

/// A folder that is removed, with its contents, when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Creates a folder for a server that runs as `account`, and removes those of dead processes.
    pub(crate) fn create(account: Account) -> Result<Self, Error> {
        let parent = parent();
        remove_leftovers(&parent);
        let failed = || Error::io("create a folder in", &parent);
        let unfinished = tempfile::Builder::new()
            .prefix(UNFINISHED_PREFIX)
            .permissions(Permissions::from_mode(PRIVATE))
            .tempdir_in(&parent)
            .map_err(failed())?;
        let lock = File::create(unfinished.path().join(LOCK)).map_err(failed())?;
        lock.lock().map_err(failed())?;
        account.admit(unfinished.path()).map_err(failed())?;

        let unfinished = unfinished.keep();
        let random = unfinished.to_string_lossy();
        let random = random.rsplit('-').next().unwrap_or_default();
        let path = parent.join(format!("{PREFIX}{random}"));
        fs::rename(&unfinished, &path).map_err(failed())?;
        let folder = Self { path, _lock: lock };
        for own in [folder.data(), folder.run()] {
            create_private(&own).map_err(failed())?;
            account.give(&own)?;
        }
        create_private(&folder.plugins())
            .and_then(|()| fs::set_permissions(folder.plugins(), Permissions::from_mode(0o755)))
            .map_err(failed())?;
        Ok(folder)
    }

    /// The folder of the server's data.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// The folder for what the server creates while it runs: its socket and temporary files.
    pub(crate) fn run(&self) -> PathBuf {
        self.path.join("run")
    }

    /// The folder of plugins that the server loads.
    pub(crate) fn plugins(&self) -> PathBuf {
        self.path.join("plugins")
    }

    /// The server's certificate and the subordinate CA's.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.path.join("certificate.pem")
    }

    /// The server's private key.
    pub(crate) fn key(&self) -> PathBuf {
        self.path.join("key.pem")
    }

    /// The root certificate that clients trust.
    pub(crate) fn ca_bundle(&self) -> PathBuf {
        self.path.join("ca.pem")
    }

    /// The environment of clients.
    pub(crate) fn environment(&self) -> PathBuf {
        self.path.join("env")
    }

    /// The server's log.
    pub(crate) fn server_log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    /// The verifier's log.
    pub(crate) fn verifier_log(&self) -> PathBuf {
        self.path.join("iam.log")
    }

    /// The socket on which the server's plugin asks the verifier.
    pub(crate) fn verifier_socket(&self) -> PathBuf {
        self.path.join("iam.sock")
    }
}

/// Creates a folder that only the user of this process can ever enter.
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(PRIVATE).create(folder)
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The system's folder for temporary files, or `/tmp` if its path is too long for sockets or has
/// characters that separate the settings of PAM and of the dynamic loader, such as spaces and colons.
fn parent() -> PathBuf {
    let folder = env::temp_dir();
    let bytes = folder.as_os_str().as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+@".contains(byte);
    if folder.is_absolute() && bytes.len() <= MAX_PARENT_LENGTH && bytes.iter().all(is_plain) {
        folder
    } else {
        PathBuf::from("/tmp")
    }
}

/// Removes the folders of dead processes. Those of other users stay: trying to remove them would hold
/// their lock meanwhile.
fn remove_leftovers(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = |file: fs::Metadata| file.is_dir() && file.uid() == own_user();
        if !entry.file_name().as_bytes().starts_with(PREFIX.as_bytes())
            || !entry.metadata().is_ok_and(is_ours)
        {
            continue;
        }
        let path = entry.path();
        let Ok(lock) = File::open(path.join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Folder;
    use crate::account::Account;
    use std::fs;

    #[test]
    fn a_folder_lives_as_long_as_its_maker() {
        let folder = Folder::create(Account::for_servers()).unwrap();
        let kept = folder.path.clone();
        let leftover = kept.parent().unwrap().join(format!("local-rds-test{}", std::process::id()));
        fs::create_dir(&leftover).unwrap();
        fs::write(leftover.join("lock"), "").unwrap();

        let other = Folder::create(Account::for_servers()).unwrap();
        assert!(!leftover.exists(), "the folder of a dead process is still there");
        assert!(kept.exists(), "the folder of a living process is gone");
        drop((folder, other));
        assert!(!kept.exists(), "a dropped folder is still there");
    }
}
