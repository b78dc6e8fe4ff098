//! Compiles the shared library that functions load, as the build script of `local-rds` compiles those of
//! its servers: cargo has no stable way to build one package's `cdylib` for the tests of another.

#![allow(clippy::print_stdout)] // it talks to cargo

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let source = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../names-preload/src");
    let library = PathBuf::from(variable("OUT_DIR")?).join("libnames_preload.so");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", source.display());
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc
        .args(["--edition=2024", "--crate-name=names_preload", "--crate-type=cdylib"])
        .args(["--target", &variable("TARGET")?])
        // The package's own build warns.
        .args(["--cap-lints=allow", "-Copt-level=s", "-Cpanic=abort", "-Cstrip=symbols"])
        .arg("-o")
        .arg(&library)
        .arg(source.join("lib.rs"));
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
