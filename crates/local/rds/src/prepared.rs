//! Data folders that were initialised once, and are copied for each server.
//!
//! Initialising takes MySQL five seconds, a copy a twentieth of one.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use local_packages::{Installation, cache_folder};

use crate::Error;
use crate::account::Account;
use crate::folder::{Folder, create_private};

/// Copies the prepared data of `server` to the empty folder `to`, owned by `account`. `initialise` makes them in the
/// folder it is given if they are not there yet; `recipe` is all that they depend on beside the
/// server's version, so that a change of it has them made anew.
pub(crate) fn copy(
    server: &Installation,
    recipe: &str,
    account: Account,
    to: &Path,
    initialise: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    let cache = cache_folder().map_err(Error::because("no folder for prepared data"))?;
    let parent = cache.join("data");
    fs::create_dir_all(&cache)
        .and_then(|()| match create_private(&parent) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        })
        .map_err(Error::io("create", &parent))?;
    let lock_path = parent.join(format!("{}.lock", server.engine));
    let lock = File::create(&lock_path).map_err(Error::io("create", &lock_path))?;
    let prepared = parent.join(name(server, recipe));

    lock.lock_shared().map_err(Error::io("lock", &lock_path))?;
    if !prepared.exists() {
        lock.unlock().and_then(|()| lock.lock()).map_err(Error::io("lock", &lock_path))?;
        // Another process may have made it in between.
        if !prepared.exists() {
            prepare(account, &prepared, initialise)?;
        }
    }
    copy_tree(&prepared, to, account)
}

fn prepare(
    account: Account,
    prepared: &Path,
    initialise: impl FnOnce(&Path) -> Result<(), Error>,
) -> Result<(), Error> {
    // The server's account cannot write to the cache, but to a folder of its own.
    let workshop = Folder::create(account)?;
    let data = workshop.data();
    initialise(&data)?;
    let unfinished = prepared.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::io("remove", &unfinished))?;
    }
    create_private(&unfinished).map_err(Error::io("create", &unfinished))?;
    copy_tree(&data, &unfinished, Account::Own)?;
    fs::rename(&unfinished, prepared).map_err(Error::io("create", prepared))
}

/// `mysql-9-7-4-2-d3b07384d113edec`: other versions, and other recipes, have other names.
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
