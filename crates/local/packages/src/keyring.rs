//! The keys that sign a release.
//!
//! A system trusts the keys of its own archive. Those of the other family's are a package, which an archive
//! that the system trusts has signed: Debian's has `ubuntu-keyring`, Ubuntu's has `debian-archive-keyring`.
//! So no key is taken from a place that an already trusted key has not signed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::apt::Source;
use crate::cache::{is_younger, remove};
use crate::fetch::fetch_alone;
use crate::release::Family;
use crate::{Error, cache_folder};

/// Where packages put keys.
const KEYRINGS: &str = "usr/share/keyrings";
/// How long fetched keys are used before they are fetched again: archives change theirs in years.
const KEYS_LAST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The file with the keys of a family's archive: the system's, or else a fetched one.
pub(crate) fn of(family: Family, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, Error> {
    if let Some(own) = of_system(family) {
        return Ok(own);
    }
    let package = family.keyring_package();
    let voucher = family.vouched_for_by();
    let keys = of_system(voucher.family).ok_or_else(|| {
        Error::new(format!(
            "no keys of the archives of Debian or Ubuntu in /{KEYRINGS}: install the package {package}"
        ))
    })?;
    let parent = cache_folder()?.join("archives");
    fs::create_dir_all(&parent).map_err(Error::io("create", &parent))?;
    let kept = parent.join(family.keyring_file()).with_extension("gpg");
    let lock_path = kept.with_extension("lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    lock.lock().map_err(Error::io("lock", &lock_path))?;
    if is_younger(&kept, KEYS_LAST) {
        return Ok(kept);
    }
    let unfinished = kept.with_extension("unfinished");
    remove(&unfinished)?;
    fs::create_dir(&unfinished).map_err(Error::io("create", &unfinished))?;
    fetch_alone(Source::Release(voucher, &keys), package, &unfinished, progress)?;
    let keys = in_folder(&unfinished.join(KEYRINGS), family).ok_or_else(|| {
        Error::new(format!("no {} in the package {package}", family.keyring_file()))
    })?;
    keep(&keys, &unfinished, &kept)?;
    remove(&unfinished)?;
    Ok(kept)
}

/// Puts new keys in the place of older ones, which another process may be reading: it finds these or those.
fn keep(keys: &Path, unfinished: &Path, kept: &Path) -> Result<(), Error> {
    // The time of a copy is now, and not that of the package.
    let copy = unfinished.join("copy");
    fs::copy(keys, &copy).map_err(Error::io("copy", keys))?;
    fs::rename(&copy, kept).map_err(Error::io("create", kept))
}

fn of_system(family: Family) -> Option<PathBuf> {
    in_folder(&Path::new("/").join(KEYRINGS), family)
}

fn in_folder(folder: &Path, family: Family) -> Option<PathBuf> {
    // apt before 2.9 wants the older extension, which newer packages have as a link.
    ["gpg", "pgp"]
        .map(|extension| folder.join(family.keyring_file()).with_extension(extension))
        .into_iter()
        .find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_can_be_read_while_they_are_replaced() {
        let folder = std::env::temp_dir().join(format!("keys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (keys, kept) = (folder.join("keys.gpg"), folder.join("kept.gpg"));
        let bytes = vec![b'k'; 10_000];
        fs::write(&keys, &bytes).unwrap();
        keep(&keys, &folder, &kept).unwrap();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for _ in 0..500 {
                    keep(&keys, &folder, &kept).unwrap();
                }
            });
            while !writer.is_finished() {
                assert!(fs::read(&kept).unwrap() == bytes, "half of the keys");
            }
        });
        assert!(is_younger(&kept, Duration::from_secs(60)) && keys.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
