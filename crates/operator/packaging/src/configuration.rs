//! cargo's configuration files: what in them would get into a program, and cannot be overridden.
//!
//! Flags, wrappers and linkers are overridden where the programs are compiled, so that whoever has
//! them for other projects can build this one. The rest is let through by name: a key that is not
//! known to be harmless is refused.

use std::env;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::Failure;

/// What a configuration may set: where crates come from, how they are fetched, what is shown, other
/// commands, other profiles, and `build` as far as it is overridden.
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
/// And of each target. What else stands there is taken in place of a build script's answer.
const HARMLESS_OF_TARGETS: [&str; 5] = ["ar", "linker", "runner", "rustdocflags", "rustflags"];

/// Refuses what cargo would take from the configuration files for a command in `folder`, and what may
/// change a program.
///
/// # Errors
/// The files and the keys; or a file that cargo cannot read either.
pub(crate) fn check(folder: &Path) -> Result<(), Failure> {
    let mut refused = vec![];
    for file in files(folder) {
        // Most are not there.
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
        "nothing was built, for these settings of cargo would get into the programs:\n{}\ntake them \
         out, or build with another CARGO_HOME or in another folder; where crates come from, \
         flags and wrappers may stay",
        refused.join("\n")
    )
    .into())
}

/// The files that cargo reads, whether they are there or not
/// (<https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure>).
fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let own = env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let home = own.or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let of_folders = folder.ancestors().map(|folder| folder.join(".cargo"));
    let all: Vec<_> = of_folders.chain(home.map(|home| folder.join(home))).collect();
    all.into_iter().flat_map(|folder| ["config", "config.toml"].map(|name| folder.join(name)))
}

/// The keys that are not known to be harmless.
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
