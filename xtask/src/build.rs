//! `cargo xtask build`: the functions as they are deployed, at cargo-lambda's places.

use std::fs;
use std::path::Path;

use crate::Failure;
use crate::cargo::{self, cargo};

/// Each function, and the engine whose statements it carries.
const FUNCTIONS: [(&str, &str); 2] =
    [("mysql-function", "mysql"), ("postgres-function", "postgres")];

pub(crate) fn run() -> Result<(), Failure> {
    let mut build = cargo(&["build", "--locked", "--release"]);
    build.args(FUNCTIONS.iter().flat_map(|(function, _)| ["--package", *function]));
    cargo::run(&mut build)?;
    for (function, engine) in FUNCTIONS {
        let folder = cargo::target().join("lambda").join(function);
        let bootstrap = folder.join("bootstrap");
        let statements = folder.join("statements");
        replace(&cargo::target().join("release").join(function), &bootstrap)?;
        if statements.exists() {
            fs::remove_dir_all(&statements).map_err(|error| at(&statements, &error))?;
        }
        let source = cargo::root().join("deploy/statements").join(engine);
        for entry in fs::read_dir(&source).map_err(|error| at(&source, &error))? {
            let entry = entry?;
            replace(&entry.path(), &statements.join(entry.file_name()))?;
        }
        let size = fs::metadata(&bootstrap).map_err(|error| at(&bootstrap, &error))?.len();
        crate::say(&format!("{} ({:.1} MB)", bootstrap.display(), size as f64 / 1e6));
    }
    Ok(())
}

/// Copies a file over one that may be running: to a new name first, then into its place.
fn replace(from: &Path, to: &Path) -> Result<(), Failure> {
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
    let new = to.with_extension("new");
    fs::copy(from, &new).map_err(|error| at(from, &error))?;
    fs::rename(&new, to).map_err(|error| at(to, &error))
}

fn at(path: &Path, error: &std::io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}
