//! One Python virtual environment, created completely or not at all.
//!
//! The scripts in an environment contain its path, so it cannot be created elsewhere and moved. It is
//! created in place, and its last file is a record of what it was created from. An environment without
//! this record, or with a different one (other pins, a removed Python, a moved folder), is created again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::fetching::{existing, lock, read_record, run, write_record};
use crate::{Error, python};

/// What each Python of an environment runs at its start. Its programs end after seconds, of which looking
/// for cycles in what they import would be a third: they look seldom, and not once more at the end.
const SHORT_LIVED: &str =
    "import atexit, gc; gc.set_threshold(100_000, 20, 20); atexit.register(gc.freeze)\n";

/// A complete environment.
#[derive(Debug, Clone)]
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// The environment `name` in `folder`, with the packages of `requirements`: a text in pip's format that
    /// pins every package to a version and its hashes.
    ///
    /// # Errors
    /// As [`sam`](crate::sam).
    pub fn in_folder(
        folder: &Path,
        name: &str,
        requirements: &str,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, Error> {
        let environment = Self { folder: folder.join(name) };
        if environment.is_complete(requirements) {
            return Ok(environment);
        }
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let lock = lock(&folder.join(format!("{name}.lock")), name, progress)?;
        if !environment.is_complete(requirements) {
            environment.make(name, requirements, &lock, progress)?;
        }
        Ok(environment)
    }

    /// The path of a program.
    ///
    /// # Errors
    /// The environment has no such program.
    pub fn program(&self, name: &str) -> Result<PathBuf, Error> {
        existing(self.folder.join("bin").join(name), &self.folder)
    }

    /// The path of a file of one of its packages.
    ///
    /// # Errors
    /// The packages have no such file.
    pub fn package_file(&self, path: &str) -> Result<PathBuf, Error> {
        existing(self.packages()?.join(path), &self.folder)
    }

    /// The folder of the packages.
    fn packages(&self) -> Result<PathBuf, Error> {
        let libraries = self.folder.join("lib");
        let versions = fs::read_dir(&libraries).map_err(Error::io("read", &libraries))?;
        let python = versions.flatten().map(|entry| entry.path()).find(|path| path.is_dir());
        Ok(python.unwrap_or(libraries).join("site-packages"))
    }

    fn is_complete(&self, requirements: &str) -> bool {
        let record = read_record(&self.folder);
        record.is_some() && record == self.record(requirements)
    }

    /// What an environment was created from, and where. `None` if its Python is gone.
    fn record(&self, requirements: &str) -> Option<String> {
        let python = fs::canonicalize(self.folder.join("bin/python")).ok()?;
        Some(format!("{}\n{}\n{requirements}", self.folder.display(), python.display()))
    }

    fn make(
        &self,
        name: &str,
        requirements: &str,
        lock: &File,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let started = Instant::now();
        let python = python::find()?;
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(Error::io("remove", &self.folder))?;
        }
        let packages = requirements.lines().filter(|line| line.contains("==")).count();
        progress(&format!("{name}: fetching {packages} pinned Python packages"));
        run(Command::new(python).args(["-m", "venv"]).arg(&self.folder), lock)?;
        let pins = self.folder.join("requirements.txt");
        fs::write(&pins, requirements).map_err(Error::io("write", &pins))?;
        run(&mut self.pip_install(&pins), lock).map_err(|error| {
            Error::new(format!(
                "{name} cannot be fetched: {error}\nIt comes from PyPI, or from the index that pip is \
                 configured with (PIP_INDEX_URL, pip.conf)"
            ))
        })?;
        // Python runs the lines of such files that import something.
        let start = self.packages()?.join("short-lived.pth");
        fs::write(&start, SHORT_LIVED).map_err(Error::io("write", &start))?;
        let record = self
            .record(requirements)
            .ok_or_else(|| Error::new(format!("{} has no bin/python", self.folder.display())))?;
        write_record(&self.folder, &record)?;
        let seconds = started.elapsed().as_secs_f32();
        progress(&format!("{name}: ready in {} after {seconds:.1} s", self.folder.display()));
        Ok(())
    }

    /// Only wheels, because source packages run code when they are built. Modules are compiled when they are
    /// first imported, which most never are.
    fn pip_install(&self, pins: &Path) -> Command {
        let mut pip = Command::new(self.folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
            .args(["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-compile"])
            .arg("--requirement")
            .arg(pins);
        pip
    }
}
