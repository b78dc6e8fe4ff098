//! The examples in other languages, with their own test programs and clients.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test fails by panicking")]

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_local-rds");

fn say(line: &str) {
    eprintln!("{line}");
}

/// The files of `examples/NAME` in a folder of their own, where test programs may leave what they like.
fn copy(name: &str) -> (TempDir, PathBuf) {
    let source = pinned_tools::workspace().unwrap().join("examples").join(name);
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(&source).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    (folder, source)
}

/// Runs `command`, with neither a developer's credentials nor their Python settings, and returns what it
/// says.
fn run(command: &mut Command) -> String {
    for (name, _) in env::vars_os() {
        let name = name.into_string().unwrap_or_default();
        if ["AWS_", "DB_", "PYTHON", "PYTEST", "NODE_"].iter().any(|start| name.starts_with(start))
        {
            command.env_remove(name);
        }
    }
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{}\n{said}", output.status);
    said
}

fn python_program(name: &str, folder: &Path) -> Command {
    let requirements = fs::read_to_string(folder.join("requirements.txt")).unwrap();
    let python = pinned_tools::python_packages("example-python", &requirements, &mut say).unwrap();
    let mut command = Command::new(python.program(name).unwrap());
    command.current_dir(folder);
    command
}

/// The Node project with its packages, and the path of Node.
fn node_project() -> (TempDir, PathBuf) {
    let (folder, source) = copy("node");
    let (node, packages) = pinned_tools::npm_packages("example-node", &source, &mut say).unwrap();
    symlink(packages.node_modules(), folder.path().join("node_modules")).unwrap();
    (folder, node.node)
}

#[test]
fn python() {
    let (folder, _) = copy("python");
    let said =
        run(python_program("pytest", folder.path()).arg("--quiet").env("LOCAL_RDS", PROGRAM));
    assert!(said.contains("\n10 passed in "), "{said}");
}

#[test]
fn node() {
    let (folder, node) = node_project();
    let mut test = Command::new(node);
    test.args(["--test", "--test-reporter=tap"]).current_dir(folder.path());
    let said = run(test.env("LOCAL_RDS", PROGRAM));
    assert!(said.contains("\n# pass 10\n") && said.contains("\n# skipped 0\n"), "{said}");
}

/// The applications themselves, which know nothing of tests, with the environment of `--exec`.
fn applications_run_under_exec(engine: &str) {
    let (python_folder, _) = copy("python");
    let python = python_program("python", python_folder.path());
    let (node_folder, node) = node_project();
    for (program, application) in [
        (Path::new(python.get_program()), python_folder.path().join("app.py")),
        (&node, node_folder.path().join("app.js")),
    ] {
        let mut command = Command::new(PROGRAM);
        command.args([engine, "--endpoint", "localhost", "--exec"]);
        let said = run(command.arg(program).arg(application));
        assert_eq!(said, "first\nsecond\nthird\n", "{program:?} on {engine}");
    }
}

#[test]
fn applications_run_under_exec_on_mysql() {
    applications_run_under_exec("mysql");
}

#[test]
fn applications_run_under_exec_on_mariadb() {
    applications_run_under_exec("mariadb");
}

#[test]
fn applications_run_under_exec_on_postgres() {
    applications_run_under_exec("postgres");
}
