//! The differences between the engines: how data is initialised, how a server is started, and who may
//! log in.

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

/// Everything that a server's process is started with.
pub(crate) struct Plan {
    pub(crate) installation: Installation,
    pub(crate) account: Account,
    pub(crate) folder: Folder,
    pub(crate) tls: bool,
    pub(crate) profile: Profile,
    /// Settings of the server's own, by name.
    pub(crate) settings: Vec<(String, String)>,
}

/// How the servers of an engine are run.
pub(crate) trait ServerEngine: Sync {
    /// The IAM user, who has all privileges on the database.
    fn user(&self) -> &'static str;

    /// Everything that initialised data depends on besides the server's version.
    fn recipe(&self) -> String;

    /// Makes the system tables in the empty folder `data`.
    fn initialize(&self, server: &Installation, account: Account, data: &Path)
    -> Result<(), Error>;

    /// Writes the server's plugin and settings to its folder.
    fn configure(&self, plan: &Plan) -> Result<(), Error>;

    /// The server, listening on `port` of the loopback address.
    fn command(&self, plan: &Plan, port: u16) -> Result<Command, Error>;

    /// The signal that ends the server at once: its data is removed next, so it need not be written.
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

    /// Refuses new logins of all but IAM users. This connection stays, with the database in use.
    fn lock_administrator(
        &self,
        administrator: &mut Administrator,
        folder: &Folder,
        port: u16,
    ) -> Result<(), Error>;

    /// Lets the administrator in again at the next start.
    fn unlock_administrator(&self, folder: &Folder) -> Result<(), Error>;

    /// Removes what a killed server leaves outside its folder.
    fn clean_up(&self, _folder: &Folder) {}

    /// Has the server present the certificate in its folder to new connections. False if the server
    /// must be started again for that.
    fn reload_certificate(
        &self,
        administrator: &mut Administrator,
        port: u16,
    ) -> Result<bool, Error>;
}
