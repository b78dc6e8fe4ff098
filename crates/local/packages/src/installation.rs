//! A server on this machine, and how to run it.

use std::env;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::Engine;

use crate::server_program::ServerProgram;

/// A server on this machine, and how to run it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// What it is.
    pub engine: Engine,
    /// Its version, as its `--version` says it: `9.7.4-2`, `10.11.19-MariaDB-0+deb12u1`, `15.20`.
    pub version: String,
    /// The server program.
    pub program: PathBuf,
    /// The dynamic loader to start the program with, where it must not run on the system's own C
    /// library.
    pub loader: Option<PathBuf>,
    /// The folders of the libraries that a private copy brings along.
    pub libraries: Vec<PathBuf>,
}

impl Installation {
    /// Asks the server program itself what it is. None if it is no server of `engine`.
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

    /// A command that runs the server; the caller adds arguments. Of the environment it keeps `PATH`
    /// alone: neither a developer's credentials nor their settings are a server's business.
    #[must_use]
    pub fn command(&self) -> Command {
        self.run(&self.program)
    }

    /// A command that runs another program of the same installation, such as `initdb`.
    #[must_use]
    pub fn tool(&self, name: &str) -> Command {
        self.run(&self.program.with_file_name(name))
    }

    /// The folder that programs and data lie under: `/usr` for `/usr/sbin/mysqld`.
    #[must_use]
    pub fn base(&self) -> &Path {
        self.program.ancestors().nth(2).unwrap_or(Path::new("/"))
    }

    fn run(&self, program: &Path) -> Command {
        let mut command = match &self.loader {
            // The library path is handed to the loader, not put into the environment: a program of
            // the system that the server starts must not load these libraries.
            Some(loader) => {
                let mut command = Command::new(loader);
                command.env_clear().arg("--library-path").arg(self.library_path()).arg(program);
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
