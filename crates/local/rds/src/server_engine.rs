//! What differs between the engines: how a server's data is initialised, how the server is started,
//! and how users are let in.

use std::io;
use std::path::Path;
use std::process::Command;

use libc::c_int;
use local_packages::Installation;

use crate::Error;
use crate::account::Account;
use crate::administrator::Administrator;
use crate::folder::Folder;
use crate::profile::Profile;

/// The database of every server.
pub(crate) const DATABASE: &str = "app";

/// What a server's process is started with, each time.
pub(crate) struct Plan {
    pub(crate) installation: Installation,
    pub(crate) account: Account,
    pub(crate) folder: Folder,
    pub(crate) tls: bool,
    pub(crate) profile: Profile,
    /// Settings of the server's own, by name.
    pub(crate) settings: Vec<(String, String)>,
}

/// An engine, as its servers are run.
pub(crate) trait ServerEngine: Sync {
    /// The IAM user, who may do everything in the database.
    fn user(&self) -> &'static str;

    /// What initialised data depends on, beside the server's version.
    fn recipe(&self) -> String;

    /// Makes the system tables in the empty folder `data`.
    fn initialize(&self, server: &Installation, account: Account, data: &Path)
    -> Result<(), Error>;

    /// Writes what the server loads and reads to its folder.
    fn configure(&self, plan: &Plan) -> Result<(), Error>;

    /// The server, listening on `port` of the loopback address.
    fn command(&self, plan: &Plan, port: u16) -> Result<Command, Error>;

    /// The signal that ends the server at once. Its data is removed with it, so there is nothing to
    /// write before.
    fn end_signal(&self) -> c_int;

    /// Logs the administrator in.
    ///
    /// # Errors
    /// The server is not ready, or the administrator is locked out.
    fn connect(&self, folder: &Folder, port: u16) -> io::Result<Administrator>;

    /// Makes the IAM user, and runs `setup` in the database.
    fn set_up(
        &self,
        administrator: &mut Administrator,
        setup: &str,
        profile: Profile,
    ) -> Result<(), Error>;

    /// Locks out everyone who is not an IAM user, except for this connection, which uses the
    /// database.
    fn lock_administrator(
        &self,
        administrator: &mut Administrator,
        folder: &Folder,
        port: u16,
    ) -> Result<(), Error>;

    /// Lets the administrator in again at the next start.
    fn unlock_administrator(&self, folder: &Folder) -> Result<(), Error>;

    /// Returns to the system what a killed server leaves outside its folder.
    fn clean_up(&self, _folder: &Folder) {}

    /// Has the server present the certificate in its folder to new connections. False if the server
    /// must be started again for that.
    fn reload_certificate(
        &self,
        administrator: &mut Administrator,
        port: u16,
    ) -> Result<bool, Error>;
}
