//! A package of one's own: a program that is made with `mysql-function` or `postgres-function`.

use engine::Engine;
use serde::Deserialize;
use std::path::{Path, PathBuf};

use crate::cargo::{answer, cargo};
use crate::functions::Function;
use crate::{FUNCTIONS, Failure};

/// A package with one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPackage {
    /// The package's name.
    pub package: String,
    /// The program's name, which is also that of its folder in `target/lambda`.
    pub program: String,
    /// The package's folder.
    pub folder: PathBuf,
    /// The engine that it serves, by the crates that it depends on.
    pub engine: Option<Engine>,
}

/// The answer of `cargo metadata --no-deps`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    targets: Vec<Target>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
}

impl OwnPackage {
    /// The package in `folder`.
    ///
    /// # Errors
    /// There is none, or it has no program or several. The text says what to do.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let shown = folder.display();
        let manifest = folder.join("Cargo.toml").canonicalize().map_err(|error| {
            format!("{shown} is not a package: {error}; give --package the folder of a Cargo.toml")
        })?;
        let metadata = cargo()?
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(&manifest)
            .output()
            .map_err(|error| format!("cannot run cargo: {error}"))?;
        if !metadata.status.success() {
            let said = String::from_utf8_lossy(&metadata.stderr);
            return Err(format!("{}: {}", manifest.display(), said.trim_end()).into());
        }
        let metadata: Metadata = serde_json::from_slice(&metadata.stdout)?;
        let package = metadata.packages.into_iter().find(|it| it.manifest_path == manifest);
        let package = package.ok_or_else(|| {
            format!("{} is a workspace; give --package the folder of a package", manifest.display())
        })?;
        let is_program = |target: &&Target| target.kind.iter().any(|kind| kind == "bin");
        let programs: Vec<_> = package.targets.iter().filter(is_program).collect();
        let [program] = programs[..] else {
            let names: Vec<_> = programs.iter().map(|target| &*target.name).collect();
            let what = if names.is_empty() { "no program".into() } else { names.join(", ") };
            return Err(format!(
                "{shown} has {what}; a function is a package with exactly one program"
            )
            .into());
        };
        let depends = |engine: &Engine| {
            package.dependencies.iter().any(|dependency| dependency.name == engine.function())
        };
        Ok(OwnPackage {
            program: program.name.clone(),
            engine: FUNCTIONS.into_iter().find(depends),
            package: package.name,
            folder: manifest.parent().unwrap_or(Path::new("/")).to_owned(),
        })
    }

    /// The function of its statements, if it has a folder of them: `statements`, beside the manifest.
    ///
    /// # Errors
    /// It has, but no engine whose SQL they can be read as.
    pub(crate) fn statements(&self) -> Result<Option<Function>, Failure> {
        let folder = self.folder.join("statements");
        if !folder.is_dir() {
            return Ok(None);
        }
        let engine = self.engine.ok_or_else(|| {
            format!(
                "{} has statements, but depends on neither mysql-function nor postgres-function, so that it \
                 is not known whose SQL they are",
                self.folder.display()
            )
        })?;
        Ok(Some(Function { engine, name: self.program.clone(), folder }))
    }

    /// Where cargo resolves its dependencies: the folders of the packages that it compiles and that do not come
    /// from a registry.
    ///
    /// # Errors
    /// Its lock file is missing or out of date.
    pub(crate) fn metadata(&self) -> Result<String, Failure> {
        let mut metadata = cargo()?;
        metadata.current_dir(&self.folder);
        answer(metadata.args(["metadata", "--locked", "--format-version", "1"]))
    }
}
