//! Compiles the shared libraries that servers load, so that they travel inside this crate.
//!
//! A program that `cargo install` moves has no `target` folder beside it. Cargo has no stable way to embed
//! one package's `cdylib` in another, and a cargo run by a build script would need a target folder and
//! perhaps the network for itself. Both libraries need the standard library and `plugin-protocol` alone, so
//! three calls of the compiler do, in two seconds.

#![allow(clippy::print_stdout)] // it talks to cargo

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let crates = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(variable("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    let protocol = out.join("libplugin_protocol.rlib");
    compile(&crates.join("plugin-protocol"), "rlib", &protocol, None)?;
    for (package, library) in
        [("mysql-plugin", "libmysql_plugin.so"), ("pam-module", "libpam_module.so")]
    {
        compile(&crates.join(package), "cdylib", &out.join(library), Some(&protocol))?;
    }
    Ok(())
}

/// Compiles the package in `folder` to `library`, with `plugin-protocol` if it is given.
fn compile(
    folder: &Path,
    kind: &str,
    library: &Path,
    protocol: Option<&Path>,
) -> Result<(), Box<dyn Error>> {
    let source = folder.join("src");
    println!("cargo::rerun-if-changed={}", source.display());
    let name = folder.file_name().unwrap_or_default().to_string_lossy().replace('-', "_");
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc
        .args(["--edition=2024", "--crate-name", &name, "--crate-type", kind])
        .args(["--target", &variable("TARGET")?])
        // The packages' own builds warn. An error must not cross into the server as an abort.
        .args(["--cap-lints=allow", "-Copt-level=s", "-Cpanic=unwind", "-Cstrip=symbols"])
        .arg("-o")
        .arg(library)
        .arg(source.join("lib.rs"));
    if let Some(protocol) = protocol {
        rustc.arg("--extern").arg(format!("plugin_protocol={}", protocol.display()));
    }
    // Set where cargo is configured with a linker for the target.
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let status = rustc.status().map_err(|error| format!("cannot run {rustc:?}: {error}"))?;
    if status.success() {
        return Ok(());
    }
    Err(format!("cannot compile {}: {status}", source.display()).into())
}

fn variable(name: &str) -> Result<String, Box<dyn Error>> {
    env::var(name).map_err(|error| format!("{name}: {error}").into())
}
