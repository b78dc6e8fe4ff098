//! The crates that a function links, and the compiler.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::process::Command;

use packaging::FUNCTIONS;

use crate::Failure;

/// The names of the crates that each function links on Lambda. What runs while it is compiled is none of them.
pub(super) fn crates() -> Result<BTreeMap<String, BTreeSet<String>>, Failure> {
    FUNCTIONS
        .iter()
        .map(|engine| Ok((engine.function().to_owned(), of(engine.function())?)))
        .collect()
}

fn of(function: &str) -> Result<BTreeSet<String>, Failure> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}", "--target", "x86_64-unknown-linux-gnu", "--package", function])
        .current_dir(pinned_tools::workspace()?)
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let list = String::from_utf8(output.stdout)?;
    let names = list.lines().filter_map(|line| line.split(' ').next());
    Ok(names.filter(|name| !name.is_empty()).map(Into::into).collect())
}

/// The compiler of the functions.
pub(super) fn compiler() -> Result<String, Failure> {
    let output = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .arg("--version")
        .current_dir(pinned_tools::workspace()?)
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
