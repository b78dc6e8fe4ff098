//! Compiles the functions: release programs for Lambda, whose bytes do not depend on the builder.

use serde::Deserialize;
use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::architecture::Architecture;
use crate::cargo::{answer, cargo, command, workspace};
use crate::own_package::OwnPackage;
use crate::runtime::{self, AMAZON_LINUX_2023, Glibc};
use crate::traces::{self, Remapped};
use crate::{Failure, configuration, rust_target};

/// Programs compiled for Lambda.
pub struct Compiled {
    folder: PathBuf,
    architecture: Architecture,
    folders: Vec<Remapped>,
}

/// The answer of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    /// `None` for a package of the workspace.
    source: Option<String>,
    manifest_path: PathBuf,
}

/// Compiles the programs of `packages` of this workspace, which have the packages' names, against the glibc
/// of Amazon Linux 2023.
///
/// The linker is zig, which has every version of glibc, for both architectures.
/// `progress` is as for [`build`](crate::build).
///
/// # Errors
/// cargo's configuration has settings that would change a program, a tool is missing and cannot be
/// fetched, or the packages do not compile.
pub fn compile(
    packages: &[&str],
    architecture: Architecture,
    progress: &mut dyn FnMut(&str),
) -> Result<Compiled, Failure> {
    let metadata = || answer(cargo()?.args(["metadata", "--locked", "--format-version", "1"]));
    compile_in(&workspace()?, metadata, packages, architecture, progress)
}

/// [`compile`] for a package of one's own.
///
/// # Errors
/// As there.
pub fn compile_own(
    package: &OwnPackage,
    architecture: Architecture,
    progress: &mut dyn FnMut(&str),
) -> Result<Compiled, Failure> {
    let metadata = || package.metadata();
    compile_in(&package.folder, metadata, &[&package.package], architecture, progress)
}

/// Compiles packages of the workspace around `folder`, which cargo describes by `metadata`. Cargo is asked
/// only once its configuration is checked.
fn compile_in(
    folder: &Path,
    metadata: impl FnOnce() -> Result<String, Failure>,
    packages: &[&str],
    architecture: Architecture,
    progress: &mut dyn FnMut(&str),
) -> Result<Compiled, Failure> {
    let target = &pinned_tools::target()?;
    configuration::check(folder)?;
    rust_target::ensure(architecture, progress)?;
    let zig = pinned_tools::zig(progress)?;
    let folders = folders(target, &metadata()?)?;
    let rust_target = architecture.rust_target();
    progress(&format!("compiling {} for {architecture}", packages.join(" and ")));

    let mut build = command(zig.cargo_zigbuild)?;
    build
        .current_dir(folder)
        .args(["zigbuild", "--locked", "--release"])
        .args(["--target", &format!("{rust_target}.{AMAZON_LINUX_2023}")])
        .args(packages.iter().flat_map(|package| ["--package", package]))
        .envs(["CARGO_TARGET_DIR", "CARGO_BUILD_BUILD_DIR"].map(|name| (name, target)))
        .env("CARGO_ZIGBUILD_ZIG_PATH", zig.zig)
        // In place of all flags in cargo's configuration. They contain this workspace's path, so that cargo
        // does not use what another clone built into the same target folder.
        .env("CARGO_ENCODED_RUSTFLAGS", traces::remap(&folders).join("\x1f"));
    keep_caches_private(&mut build, &target.join("tools/zig-cache"));
    let status = build.status().map_err(|error| format!("cannot run cargo-zigbuild: {error}"))?;
    if !status.success() {
        return Err(format!("{} did not compile: {status}", packages.join(" and ")).into());
    }
    let folder = target.join(rust_target).join("release");
    Ok(Compiled { folder, architecture, folders })
}

impl Compiled {
    /// The file of a program, which is not checked.
    pub fn path(&self, package: &str) -> PathBuf {
        self.folder.join(package)
    }

    /// A program, checked, and the oldest glibc that it starts with.
    ///
    /// # Errors
    /// It would not start on Lambda, or contains a path of this machine.
    pub fn program(&self, package: &str) -> Result<(Vec<u8>, Glibc), Failure> {
        let path = self.path(package);
        let program =
            std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let glibc = runtime::check(&program, self.architecture, AMAZON_LINUX_2023)
            .map_err(|error| format!("{package}: {error}"))?;
        let home = env::home_dir();
        let folders =
            self.folders.iter().map(|(folder, _)| folder.as_path()).chain(home.as_deref());
        match traces::find(&program, folders) {
            None => Ok((program, glibc)),
            Some(folder) => Err(format!(
                "{package} contains the path {} of this machine, for example from `env!` or `include!`; it \
                 must not be deployed",
                folder.display()
            )
            .into()),
        }
    }
}

/// The folders whose paths the compiler would write into a program, and their replacements.
fn folders(target: &Path, metadata: &str) -> Result<Vec<Remapped>, Failure> {
    let version = answer(command("rustc")?.arg("-vV"))?;
    let commit = version.lines().find_map(|line| line.strip_prefix("commit-hash: "));
    let sysroot = PathBuf::from(answer(command("rustc")?.args(["--print", "sysroot"]))?);
    // The standard library's sources, if they are installed, by the name that rustc gives them otherwise.
    let standard = format!("/rustc/{}", commit.unwrap_or("unknown"));
    let mut folders = vec![
        (sysroot.join("lib/rustlib/src/rust"), standard),
        (workspace()?, "/rds-iam-lambda".to_owned()),
        (target.into(), "/target".to_owned()),
    ];

    let packages = serde_json::from_str::<Metadata>(metadata)?.packages;
    // A package of one's own, and others that it takes from folders.
    let (here, own) = (workspace()?, packages.iter().filter(|package| package.source.is_none()));
    let own = own.filter_map(|it| it.manifest_path.parent().map(|folder| (it, folder)));
    let own = own.filter(|(_, folder)| !folder.starts_with(&here));
    folders.extend(own.map(|(it, folder)| (folder.into(), format!("/{}", it.name))));
    let foreign = packages.iter().filter(|package| package.source.is_some());
    let foreign: Vec<_> =
        foreign.filter_map(|it| it.manifest_path.parent().map(|folder| (it, folder))).collect();
    let registries: BTreeSet<_> = foreign.iter().filter_map(|(_, it)| it.parent()).collect();
    folders.extend(registries.into_iter().map(|folder| (folder.into(), "/cargo".to_owned())));
    // Vendored packages may be in the workspace, in folders without version numbers.
    for (package, folder) in foreign {
        let own = format!("{}-{}", package.name, package.version);
        if !folder.ends_with(&own) {
            folders.push((folder.into(), format!("/cargo/{own}")));
        }
    }
    Ok(folders)
}

/// Keeps the caches of zig and cargo-zigbuild in `folder`, not in the user's cache folder.
fn keep_caches_private(command: &mut Command, folder: &Path) {
    for name in ["CARGO_ZIGBUILD_CACHE_DIR", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"] {
        command.env(name, folder);
    }
}
