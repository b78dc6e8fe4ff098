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
    let folder = parent.join(package);
    let lock_path = folder.with_extension("lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    lock.lock().map_err(Error::io("lock", &lock_path))?;
    let kept = in_folder(&folder.join(KEYRINGS), family);
    if let Some(kept) = kept.filter(|_| is_younger(&folder, KEYS_LAST)) {
        return Ok(kept);
    }
    let unfinished = folder.with_extension("unfinished");
    remove(&unfinished)?;
    fs::create_dir(&unfinished).map_err(Error::io("create", &unfinished))?;
    fetch_alone(Source::Release(voucher, &keys), package, &unfinished, progress)?;
    remove(&folder)?;
    fs::rename(&unfinished, &folder).map_err(Error::io("create", &folder))?;
    in_folder(&folder.join(KEYRINGS), family)
        .ok_or_else(|| Error::new(format!("no {} in the package {package}", family.keyring_file())))
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
