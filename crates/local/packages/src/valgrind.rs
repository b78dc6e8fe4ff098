//! Valgrind, for tests that count instructions and allocations.

use std::path::PathBuf;
use std::process::Command;

use engine::Engine;

use crate::{Error, private_copy};

/// A private copy of Valgrind.
#[derive(Clone, Debug)]
pub struct Valgrind {
    folder: PathBuf,
}

/// Fetches a private copy of Valgrind.
///
/// # Errors
/// The system is neither Debian nor Ubuntu, or the download failed.
pub fn fetch_valgrind(progress: &mut dyn FnMut(&str)) -> Result<Valgrind, Error> {
    // Like what belongs to PostgreSQL, it is the system's own.
    let folder = private_copy::beside(Engine::Postgres, "tools", "valgrind", progress)?;
    let valgrind = Valgrind { folder };
    match valgrind.program() {
        program if program.is_file() => Ok(valgrind),
        program => Err(Error::new(format!(
            "there is no {}: remove {}",
            program.display(),
            valgrind.folder.display()
        ))),
    }
}

impl Valgrind {
    /// A command that runs it; the caller adds options, a program and its arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.program());
        command.envs(self.environment());
        command
    }

    /// The program. It needs its [`environment`](Self::environment).
    #[must_use]
    pub fn program(&self) -> PathBuf {
        // `valgrind` is a script of Debian's around it.
        self.folder.join("usr/bin/valgrind.bin")
    }

    /// The environment variables that tell it where its tools are
    /// (<https://valgrind.org/docs/manual/manual-core.html>).
    #[must_use]
    pub fn environment(&self) -> [(&'static str, PathBuf); 1] {
        [("VALGRIND_LIB", self.folder.join("usr/libexec/valgrind"))]
    }
}
