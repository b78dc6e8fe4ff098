//! A server on this machine, and how to run it.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::Engine;

use crate::by_loader;
use crate::server_program::ServerProgram;

/// A server on this machine, and how to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The engine.
    pub engine: Engine,
    /// Its version, as printed by `--version`: `9.7.4-2`, `10.11.19-MariaDB-0+deb12u1`, `15.20`.
    pub version: String,
    /// The server program.
    pub program: PathBuf,
    /// The dynamic loader to start the program with, if it needs another C library than the system's.
    pub loader: Option<PathBuf>,
    /// The folders of a private copy's libraries.
    pub libraries: Vec<PathBuf>,
}

impl Installation {
    /// Asks the program for its version. None if it is not a server of `engine`.
    pub(crate) fn of(
        engine: Engine,
        program: PathBuf,
        loader: Option<PathBuf>,
        libraries: Vec<PathBuf>,
    ) -> io::Result<Option<Self>> {
        let mut installation = Self { engine, version: String::new(), program, loader, libraries };
        let output = installation.command().arg("--version").output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        if !engine.answers(&text) {
            return Ok(None);
        }
        installation.version = text
            .split_whitespace()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or("unknown")
            .to_owned();
        Ok(Some(installation))
    }

    /// A command that runs the server; the caller adds arguments. It inherits only `PATH`: a server must
    /// see neither a developer's credentials nor their settings.
    #[must_use]
    pub fn command(&self) -> Command {
        self.run(&self.program)
    }

    /// A command that runs another program of the same installation, such as `initdb`.
    #[must_use]
    pub fn tool(&self, name: &str) -> Command {
        self.run(&by_loader::path(&self.program, name))
    }

    /// The base folder: `/usr` for `/usr/sbin/mysqld`.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.program.ancestors().nth(2).unwrap_or(Path::new("/"))
    }

    fn run(&self, program: &Path) -> Command {
        let mut command = match &self.loader {
            // The loader gets the library path as an argument, not in the environment: system
            // programs that the server starts must not load these libraries.
            Some(loader) => {
                let mut command = Command::new(loader);
                command.env_clear().arg("--library-path").arg(self.library_path()).arg(program);
                // Locales have the format of the C library that reads them.
                if let Some(locales) =
                    self.libraries.iter().find_map(|folder| locales_beside(folder))
                {
                    command.env("LOCPATH", locales);
                }
                command
            }
            None => {
                let mut command = Command::new(program);
                command.env_clear();
                if !self.libraries.is_empty() {
                    command.env("LD_LIBRARY_PATH", self.library_path());
                }
                command
            }
        };
        command.env("LC_ALL", "C").env("PATH", env::var_os("PATH").unwrap_or_default());
        command
    }

    fn library_path(&self) -> OsString {
        let mut path = OsString::new();
        for (index, folder) in self.libraries.iter().enumerate() {
            if index > 0 {
                path.push(":");
            }
            path.push(folder);
        }
        path
    }
}

/// `usr/lib/locale`, beside `usr/lib/x86_64-linux-gnu`.
fn locales_beside(libraries: &Path) -> Option<PathBuf> {
    let locales = libraries.with_file_name("locale");
    locales.exists().then_some(locales)
}
