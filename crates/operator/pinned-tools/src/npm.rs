//! Packages from npm, each checked against its hash in a `package-lock.json`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::fetching::{existing, lock, read_record, run, write_record};
use crate::{Error, Node};

/// The files that pin the packages.
const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// The packages of a `node_modules` folder, complete.
#[derive(Debug, Clone)]
pub struct NpmPackages {
    folder: PathBuf,
}

impl NpmPackages {
    /// The packages `name` in `folder`, as `project` pins them in its `package.json` and
    /// `package-lock.json`. No script of a package runs.
    ///
    /// # Errors
    /// As [`npm_packages`](crate::npm_packages).
    pub fn in_folder(
        folder: &Path,
        name: &str,
        project: &Path,
        node: &Node,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, Error> {
        let packages = Self { folder: folder.join(name) };
        let record = packages.record(project, node)?;
        if packages.is_complete(&record) {
            return Ok(packages);
        }
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        let lock = lock(&folder.join(format!("{name}.lock")), name, progress)?;
        if !packages.is_complete(&record) {
            packages.make(name, project, node, &lock, progress)?;
            write_record(&packages.folder, &record)?;
        }
        Ok(packages)
    }

    /// The folder `node_modules`. Node finds it from a program in the folder around it, or in one that has
    /// a symbolic link to it.
    #[must_use]
    pub fn node_modules(&self) -> PathBuf {
        self.folder.join("node_modules")
    }

    /// The path of a package's program, such as `typescript/bin/tsc`, which Node runs.
    ///
    /// # Errors
    /// The packages have no such file.
    pub fn program(&self, path: &str) -> Result<PathBuf, Error> {
        existing(self.node_modules().join(path), &self.folder)
    }

    fn is_complete(&self, record: &str) -> bool {
        read_record(&self.folder).is_some_and(|complete| complete == record)
    }

    /// What the packages are installed from, where, and for which Node.
    fn record(&self, project: &Path, node: &Node) -> Result<String, Error> {
        let mut record = format!("{}\n{}\n", self.folder.display(), node.node.display());
        for name in FILES {
            let path = project.join(name);
            record += &fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        }
        Ok(record)
    }

    fn make(
        &self,
        name: &str,
        project: &Path,
        node: &Node,
        lock: &File,
        progress: &mut dyn FnMut(&str),
    ) -> Result<(), Error> {
        let started = Instant::now();
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(Error::io("remove", &self.folder))?;
        }
        fs::create_dir_all(&self.folder).map_err(Error::io("create", &self.folder))?;
        for file in FILES {
            let copy = self.folder.join(file);
            fs::copy(project.join(file), &copy).map_err(Error::io("write", &copy))?;
        }
        progress(&format!("{name}: fetching pinned packages from npm"));
        run(&mut self.npm_ci(node), lock).map_err(|error| {
            Error::new(format!(
                "{name} cannot be fetched: {error}\nIt comes from npm's registry, or from the one that npm \
                 is configured with (npm_config_registry, .npmrc)"
            ))
        })?;
        let cache = self.cache();
        fs::remove_dir_all(&cache).map_err(Error::io("remove", &cache))?;
        let seconds = started.elapsed().as_secs_f32();
        progress(&format!("{name}: ready in {} after {seconds:.1} s", self.folder.display()));
        Ok(())
    }

    /// Installs exactly what `package-lock.json` has, or fails. Without its own cache it would leave files
    /// in the user's home.
    fn npm_ci(&self, node: &Node) -> Command {
        let mut npm = Command::new(&node.node);
        npm.arg(&node.npm).args(["ci", "--ignore-scripts", "--include=dev", "--include=optional"]);
        npm.args(["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]);
        npm.arg("--cache").arg(self.cache()).current_dir(&self.folder);
        npm
    }

    fn cache(&self) -> PathBuf {
        self.folder.join("npm-cache")
    }
}
