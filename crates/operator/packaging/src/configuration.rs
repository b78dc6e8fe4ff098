//! Settings of cargo's configuration files that would change a program and cannot be overridden.
//!
//! Flags, wrappers and linkers are overridden during compilation, so that users who have set them for other
//! projects can build this one. Other keys are allowed by name: unknown ones are refused.

use std::env;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::Failure;

/// The allowed keys: where crates come from, how they are fetched, output, other commands, other profiles,
/// and the keys of `build` that are overridden.
const HARMLESS: [&str; 29] = [
    "alias",
    "build.build-dir",
    "build.dep-info-basedir",
    "build.incremental",
    "build.jobs",
    "build.rustc",
    "build.rustc-wrapper",
    "build.rustc-workspace-wrapper",
    "build.rustdoc",
    "build.rustdocflags",
    "build.rustflags",
    "build.target",
    "build.target-dir",
    "cache",
    "cargo-new",
    "credential-alias",
    "doc",
    "future-incompat-report",
    "http",
    "install",
    "net",
    "profile.bench",
    "profile.dev",
    "profile.test",
    "registries",
    "registry",
    "resolver",
    "source",
    "term",
];
/// The allowed keys of a target. Others would replace the output of a build script.
const HARMLESS_OF_TARGETS: [&str; 5] = ["ar", "linker", "runner", "rustdocflags", "rustflags"];

/// Checks the configuration files that cargo would read for a command in `folder`.
///
/// # Errors
/// The keys that could change a program, with their files; or an invalid file.
pub(crate) fn check(folder: &Path) -> Result<(), Failure> {
    let mut refused = vec![];
    for file in files(folder) {
        // Most do not exist.
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        let table: Table = text.parse().map_err(|error| format!("{}: {error}", file.display()))?;
        refused.extend(harmful(&table).map(|key| format!("  {}: {key}", file.display())));
    }
    if refused.is_empty() {
        return Ok(());
    }
    refused.sort();
    refused.dedup(); // cargo's home may be in a folder around the checkout
    Err(format!(
        "nothing was built: these settings of cargo would change the programs:\n{}\nremove them, or build \
         with another CARGO_HOME or in another folder; sources of crates, flags and wrappers can stay",
        refused.join("\n")
    )
    .into())
}

/// The files that cargo reads if they exist
/// (<https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure>).
fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let own = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let home = own.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let of_folders = folder.ancestors().map(|folder| folder.join(".cargo"));
    let all: Vec<_> = of_folders.chain(home.map(|home| folder.join(home))).collect();
    all.into_iter().flat_map(|folder| ["config", "config.toml"].map(|name| folder.join(name)))
}

/// The keys that are not allowed.
fn harmful(table: &Table) -> impl Iterator<Item = String> {
    let keys = table.iter().flat_map(|(section, value)| match (section.as_str(), value) {
        ("build" | "profile", Value::Table(inner)) => under(section, inner),
        ("target", Value::Table(targets)) => targets
            .iter()
            .flat_map(|(target, value)| match value {
                Value::Table(inner) => under(&format!("target.{target}"), inner),
                _ => vec![format!("target.{target}")],
            })
            .collect(),
        _ => vec![section.clone()],
    });
    keys.filter(|key| !is_harmless(key))
}

fn under(section: &str, table: &Table) -> Vec<String> {
    table.keys().map(|key| format!("{section}.{key}")).collect()
}

fn is_harmless(key: &str) -> bool {
    let of_target = key.strip_prefix("target.").and_then(|rest| rest.rsplit_once('.'));
    match of_target {
        Some((_, key)) => HARMLESS_OF_TARGETS.contains(&key),
        None => HARMLESS.contains(&key),
    }
}
