//! The folder and the zip of a function, where cargo-lambda puts them.

use engine::Engine;
use reproducible_zip::{Entry, Method, sha256};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::architecture::Architecture;
use crate::compile::{Compiled, compile, compile_own};
use crate::functions::{Function, functions};
use crate::own_package::OwnPackage;
use crate::template::{TEMPLATE, template};
use crate::{FUNCTIONS, Failure, statements};

/// A function, packed for Lambda.
#[derive(Debug, Serialize)]
pub struct Package {
    /// The function's name.
    pub function: String,
    /// Lambda's name of its architecture.
    pub architecture: &'static str,
    /// The program.
    pub bootstrap: PathBuf,
    /// Its size in bytes.
    pub bootstrap_bytes: usize,
    /// The zip for Lambda, with the program and its statements.
    pub zip: PathBuf,
    /// Its size in bytes.
    pub zip_bytes: usize,
    /// Its SHA-256, in hex.
    pub zip_sha256: String,
    /// The oldest glibc that the program starts with.
    pub glibc: String,
}

/// Compiles, checks and packs the functions of [`statements`](crate::statements()).
///
/// # Errors
/// As [`build_functions`].
pub fn build(
    architecture: Architecture,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Package>, Failure> {
    build_with(&statements::statements()?, architecture, progress)
}

/// [`build()`] with statements from another folder.
///
/// # Errors
/// As [`build_functions`], and [`functions`] finds none.
pub fn build_with(
    statements: &Path,
    architecture: Architecture,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Package>, Failure> {
    build_functions(&functions(statements)?, architecture, progress)
}

/// Compiles, checks and packs these functions, and writes the [`template()`] that names their zips. What is
/// up to date is not compiled again.
///
/// `progress` is called with a line of text at each step; cargo writes its own progress to standard error.
/// Only one process builds at a time, and each file is replaced in one step, so that a deployment reads
/// either the old file or the new one.
///
/// # Errors
/// A statement file is invalid, which is found before anything is compiled; a tool is missing and cannot be
/// fetched; the functions do not compile; or a program would not start on Lambda. The text says what to do.
pub fn build_functions(
    functions: &[Function],
    architecture: Architecture,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Package>, Failure> {
    statements::check(functions)?;
    let template = template(functions)?;
    let (lambda, _held) = locked_folder()?;
    // Always all: cargo compiles the crates that they share with the features of all packages together, so that
    // one alone would have other bytes.
    let compiled = compile(&FUNCTIONS.map(Engine::function), architecture, progress)?;
    let packages = functions.iter().map(|it| {
        let statements = statements::read(&it.folder)?;
        pack(&it.name, it.engine.function(), &statements, &compiled, architecture, &lambda)
    });
    let packages = packages.collect::<Result<_, _>>()?;
    replace(&lambda.join(TEMPLATE), template.as_bytes(), 0o644)?;
    Ok(packages)
}

/// Compiles, checks and packs a package of one's own, with the statements in its folder, if it has some.
///
/// # Errors
/// As [`build_functions`].
pub fn build_own(
    package: &OwnPackage,
    architecture: Architecture,
    progress: &mut dyn FnMut(&str),
) -> Result<Package, Failure> {
    let statements = match package.statements()? {
        Some(function) => {
            statements::check(std::slice::from_ref(&function))?;
            statements::read(&function.folder)?
        }
        None => BTreeMap::new(),
    };
    let (lambda, _held) = locked_folder()?;
    let compiled = compile_own(package, architecture, progress)?;
    pack(&package.program, &package.program, &statements, &compiled, architecture, &lambda)
}

/// The folder of what is built, and its lock, which is held until it is dropped or the process ends.
fn locked_folder() -> Result<(PathBuf, File), Failure> {
    let lambda = pinned_tools::target()?.join("lambda");
    fs::create_dir_all(&lambda).map_err(at(&lambda))?;
    let lock = lambda.join("build.lock");
    let held =
        File::create(&lock).and_then(|file| file.lock().map(|()| file)).map_err(at(&lock))?;
    Ok((lambda, held))
}

fn pack(
    function: &str,
    program: &str,
    statements: &BTreeMap<String, Vec<u8>>,
    compiled: &Compiled,
    architecture: Architecture,
    lambda: &Path,
) -> Result<Package, Failure> {
    let (program, glibc) = compiled.program(program)?;
    let zip = zip(&program, statements)?;
    let folder = lambda.join(function);
    let package = Package {
        function: function.to_owned(),
        architecture: architecture.name(),
        bootstrap: folder.join("bootstrap"),
        bootstrap_bytes: program.len(),
        zip: folder.join("bootstrap.zip"),
        zip_bytes: zip.len(),
        zip_sha256: sha256(&zip),
        glibc: glibc.to_string(),
    };
    replace_folder(&folder.join("statements"), statements)?;
    replace(&package.bootstrap, &program, 0o755)?;
    replace(&package.zip, &zip, 0o644)?;
    Ok(package)
}

/// The zip, compressed: Lambda fetches it before a cold start, and it is less than half the size.
fn zip(program: &[u8], statements: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, Failure> {
    let none = statements.is_empty();
    let statements =
        statements.iter().map(|(name, sql)| (format!("statements/{name}"), Entry::File(sql)));
    let program = ("bootstrap".to_owned(), Entry::Program(program));
    let folder = (!none).then_some(("statements/".to_owned(), Entry::Folder));
    Ok(reproducible_zip::zip(Method::Deflated, statements.chain([program]).chain(folder))?)
}

/// Writes `files` into `folder`, and removes all others.
fn replace_folder(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(at(folder))?;
    for entry in fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        if !entry.file_name().to_str().is_some_and(|name| files.contains_key(name)) {
            fs::remove_file(entry.path()).map_err(at(&entry.path()))?;
        }
    }
    for (name, content) in files {
        replace(&folder.join(name), content, 0o644)?;
    }
    Ok(())
}

/// Writes a file unless it is up to date: under a temporary name, and then over the old one, which may be
/// running or being read.
fn replace(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let has_mode = |file: fs::Metadata| file.permissions().mode() & 0o777 == mode;
    if fs::metadata(path).is_ok_and(has_mode) && fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    let new = path.with_extension("new");
    fs::write(&new, content).map_err(at(&new))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(mode)).map_err(at(&new))?;
    fs::rename(&new, path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Failure {
    move |error| format!("{}: {error}", path.display()).into()
}
