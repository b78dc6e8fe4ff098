//! Packages from npm are those of the lock file, or none.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // tests, helpers included

use pinned_tools::{Error, Node, NpmPackages};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Barrier, Mutex};
use std::thread;
use tempfile::TempDir;

const PACKAGE: &str = r#"{"name": "small", "private": true, "dependencies": {"ms": "2.1.3"}}"#;
const LOCK: &str = r#"{
  "name": "small",
  "lockfileVersion": 3,
  "packages": {
    "": {"name": "small", "dependencies": {"ms": "2.1.3"}},
    "node_modules/ms": {
      "version": "2.1.3",
      "integrity": "sha512-6FlzubTLZG3J2a/NVCAleEhjzq5oxgHyaCU9yYXvcLsvoVaHJq/s5xXI6/XXP6tz7R9xAOtHnSO/tXtF3WRTlA=="
    }
  }
}"#;

fn node() -> Node {
    pinned_tools::node(&mut |line| println!("{line}")).unwrap()
}

/// A folder with these files.
fn project(package: &str, lock: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("package.json"), package).unwrap();
    fs::write(folder.path().join("package-lock.json"), lock).unwrap();
    folder
}

fn fetch(folder: &Path, project: &TempDir) -> Result<NpmPackages, Error> {
    let mut say = |line: &str| println!("{line}");
    NpmPackages::in_folder(folder, "small", project.path(), &node(), &mut say)
}

/// What a program beside the packages prints.
fn use_them(packages: &NpmPackages) -> String {
    let folder = packages.node_modules().parent().unwrap().to_owned();
    let script = "process.stdout.write(String(require('ms')('2 days')))";
    let mut command = Command::new(node().node);
    let output = command.args(["-e", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn whoever_asks_gets_the_same_ones() {
    let (folder, project) = (TempDir::new().unwrap(), project(PACKAGE, LOCK));
    let said = Mutex::new(Vec::new());
    let ask = || {
        let mut say = |line: &str| said.lock().unwrap().push(line.to_owned());
        let node = node();
        let packages =
            NpmPackages::in_folder(folder.path(), "small", project.path(), &node, &mut say);
        assert_eq!(use_them(&packages.unwrap()), "172800000");
    };
    let start = Barrier::new(2);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                start.wait();
                ask();
            });
        }
    });
    ask();
    let said = said.into_inner().unwrap();
    let fetched = said.iter().filter(|line| line.contains("fetching pinned packages"));
    assert_eq!(fetched.count(), 1, "{said:?}");
    let left: Vec<_> = fs::read_dir(project.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "nothing is written into the project: {left:?}");
}

#[test]
fn a_package_with_another_hash_is_refused() {
    let folder = TempDir::new().unwrap();
    let forged = project(PACKAGE, &LOCK.replace("sha512-6Flz", "sha512-6Flx"));
    let error = fetch(folder.path(), &forged).unwrap_err().to_string();
    assert!(error.contains("small cannot be fetched"), "{error}");
    assert!(error.contains("EINTEGRITY"), "{error}");
    // What was refused is not taken for whole.
    assert_eq!(use_them(&fetch(folder.path(), &project(PACKAGE, LOCK)).unwrap()), "172800000");
}

#[test]
fn a_lock_file_that_does_not_fit_is_refused() {
    let folder = TempDir::new().unwrap();
    let other = project(&PACKAGE.replace("2.1.3", "2.1.2"), LOCK);
    let error = fetch(folder.path(), &other).unwrap_err().to_string();
    assert!(error.contains("package.json and package-lock.json"), "{error}");
    let missing = project(PACKAGE, LOCK);
    fs::remove_file(missing.path().join("package-lock.json")).unwrap();
    let error = fetch(folder.path(), &missing).unwrap_err().to_string();
    assert!(error.contains("package-lock.json"), "{error}");
}
