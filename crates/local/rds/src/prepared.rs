//! Data folders that are initialised once and copied for each server: MySQL's initialisation takes five
//! seconds, a copy 50 ms.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use local_packages::{Installation, cache_folder};

use crate::Error;
use crate::account::Account;
use crate::folder::{Folder, create_private};

/// Copies the prepared data of `server` to the empty folder `to`, owned by `account`. `initialize` makes
/// the data in a folder if it is missing; `recipe` is everything it depends on besides the server's
/// version, so that a change creates it again.
pub(crate) fn copy(
    server: &Installation,
    recipe: &str,
    account: Account,
    to: &Path,
    initialize: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let cache = cache_folder().map_err(Error::because("no cache folder for prepared data"))?;
    let parent = cache.join("data");
    fs::create_dir_all(&cache)
        .and_then(|()| match create_private(&parent) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        })
        .map_err(Error::io("create", &parent))?;
    let prepared = parent.join(name(server, recipe));
    let lock_path = prepared.with_extension("lock");
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;

    lock.lock_shared().map_err(Error::io("lock", &lock_path))?;
    if !prepared.exists() {
        lock.unlock().and_then(|()| lock.lock()).map_err(Error::io("lock", &lock_path))?;
        // Another process may have made it meanwhile.
        if !prepared.exists() {
            prepare(account, &prepared, initialize)?;
        }
    }
    copy_tree(&prepared, to, account)
}

fn prepare(
    account: Account,
    prepared: &Path,
    initialize: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    // The server's account can write to its own folder, but not to the cache.
    let workshop = Folder::create(account)?;
    let data = workshop.data();
    initialize(&data)?;
    let unfinished = prepared.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
    }
    create_private(&unfinished).map_err(Error::io("create", &unfinished))?;
    copy_tree(&data, &unfinished, Account::Own)?;
    fs::rename(&unfinished, prepared).map_err(Error::io("create", prepared))
}

/// `mysql-9-7-4-2-d3b07384d113edec`: each version and recipe has its own name.
fn name(server: &Installation, recipe: &str) -> String {
    let mut hasher = DefaultHasher::new();
    recipe.hash(&mut hasher);
    format!("{}-{}-{:016x}", server.engine, server.version, hasher.finish()).replace('.', "-")
}

fn copy_tree(from: &Path, to: &Path, owner: Account) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(Error::io("read", from))? {
        let entry = entry.map_err(Error::io("read", from))?;
        let (source, target): (PathBuf, PathBuf) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(Error::io("copy", &source))?;
        if kind.is_dir() {
            create_private(&target).map_err(Error::io("create", &target))?;
            copy_tree(&source, &target, owner)?;
        } else if kind.is_file() {
            fs::copy(&source, &target).map_err(Error::io("copy", &source))?;
            owner.own(&target).map_err(Error::io("copy", &target))?;
        }
    }
    let mode = fs::metadata(from).map_err(Error::io("copy", from))?.permissions();
    fs::set_permissions(to, mode).map_err(Error::io("copy", to))?;
    owner.own(to).map_err(Error::io("copy", to))
}
