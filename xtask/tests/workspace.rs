//! The workspace as cargo describes it, and the tests that its documents may name.

use serde_json::Value;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate of the workspace.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the workspace's.
    pub(crate) folder: String,
    /// The root files of its libraries and programs.
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// An entry of a crate's manifest.
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether only tests and examples use it.
    pub(crate) is_dev: bool,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Reads a file of the workspace.
pub(crate) fn read(path: &str) -> String {
    let file = root().join(path);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The crates, as `cargo metadata` lists them.
pub(crate) fn packages() -> Vec<Package> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    list(&metadata["packages"]).iter().map(package).collect()
}

fn package(value: &Value) -> Package {
    let manifest = Path::new(text(&value["manifest_path"]));
    let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap();
    let targets = list(&value["targets"]).iter().filter(|target| {
        let kinds = list(&target["kind"]);
        !kinds.iter().any(|kind| matches!(text(kind), "custom-build" | "test"))
    });
    let dependencies = list(&value["dependencies"]).iter().map(|dependency| Dependency {
        name: text(&dependency["name"]).to_owned(),
        is_dev: dependency["kind"] == "dev",
    });
    Package {
        name: text(&value["name"]).to_owned(),
        folder: folder.to_str().unwrap().to_owned(),
        roots: targets.map(|target| text(&target["src_path"]).into()).collect(),
        dependencies: dependencies.collect(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Whether there is a test `crate::module::name`, or a scenario of that name that an engine's tests
/// run.
pub(crate) fn has_test(packages: &[Package], test: &str) -> bool {
    let Some((krate, rest)) = test.split_once("::") else { return false };
    let Some((module, name)) = rest.rsplit_once("::") else { return false };
    let Some(package) = packages.iter().find(|package| package.name == krate) else { return false };
    let module = module.rsplit("::").next().unwrap_or(module);
    let function = format!("fn {name}(");
    let of_module = |path: &PathBuf| {
        path.file_stem().is_some_and(|stem| stem == module)
            || path.components().any(|part| part.as_os_str() == module)
    };
    let files = sources(&root().join(&package.folder));
    let mut of_module = files.iter().filter(|path| of_module(path));
    let defined = of_module.any(|path| fs::read_to_string(path).unwrap().contains(&function));
    defined && (krate != "function-scenarios" || is_listed(name))
}

/// The Rust files of a folder and those below it.
pub(crate) fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let all = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Whether the integration tests of an engine run the scenario.
fn is_listed(name: &str) -> bool {
    let lists = [
        "crates/testing/function-scenarios/src/lib.rs",
        "crates/mysql-function/tests/integration.rs",
        "crates/postgres-function/tests/integration.rs",
    ];
    lists.iter().any(|list| {
        let text = read(list);
        text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name)
    })
}
