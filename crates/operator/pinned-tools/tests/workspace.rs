//! The workspace is found at run time, and no program contains the path where it was compiled.

#![allow(clippy::unwrap_used, clippy::expect_used)] // tests, helpers included

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// The variable that has this test print the workspace that it finds.
const SHOW: &str = "PRIVATE_TOOLS_TEST_WORKSPACE";

/// Makes a folder recognizable as a workspace.
fn clone_in(folder: &Path) -> PathBuf {
    fs::create_dir_all(folder.join("deploy")).unwrap();
    fs::write(folder.join("deploy/template.yaml"), "").unwrap();
    fs::canonicalize(folder).unwrap()
}

#[test]
fn it_is_the_one_that_cargo_runs_us_in() {
    if env::var_os(SHOW).is_some() {
        let found = pinned_tools::workspace().map_err(|error| error.to_string());
        fs::write(env::var_os(SHOW).unwrap(), format!("{found:?}")).unwrap();
        return;
    }
    let folder = TempDir::new().unwrap();
    let other = clone_in(&folder.path().join("other"));
    let around = clone_in(&folder.path().join("around"));
    let program = around.join("target/debug/program");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let found = |program: &Path, package: Option<PathBuf>| {
        let answer = folder.path().join("answer");
        let mut command = Command::new(program);
        command.args(["--exact", "it_is_the_one_that_cargo_runs_us_in"]).env(SHOW, &answer);
        match package {
            Some(package) => command.env("CARGO_MANIFEST_DIR", package),
            None => command.env_remove("CARGO_MANIFEST_DIR"),
        };
        assert!(command.output().unwrap().status.success());
        fs::read_to_string(answer).unwrap()
    };
    let is = |folder: &Path| format!("{:?}", Ok::<_, String>(folder));
    assert_eq!(found(&program, Some(other.join("crates/operator/deployment"))), is(&other));
    assert_eq!(found(&program, None), is(&around), "run without cargo");
    let elsewhere = folder.path().join("no-workspace");
    assert_eq!(found(&program, Some(elsewhere)), is(&around), "run by another project's cargo");

    let alone = folder.path().join("program");
    fs::copy(&program, &alone).unwrap();
    assert!(found(&alone, None).contains("run it with cargo"));
}

/// The test that writes the target folder that it finds.
const FINDS_TARGET: &str = "the_target_folder_is_the_one_that_the_program_is_in";

/// What a copy of this program in `place` says of its target folder.
fn target_of(place: &Path) -> String {
    fs::create_dir_all(place).unwrap();
    let program = place.join("program");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let answer = place.join("answer");
    let mut command = Command::new(&program);
    command.args(["--exact", FINDS_TARGET]).env(SHOW, &answer);
    let output = loop {
        match command.output() {
            // A process that another test has just started has the copy open for writing until it is executed.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(1));
            }
            output => break output.unwrap(),
        }
    };
    assert!(output.status.success());
    fs::read_to_string(answer).unwrap()
}

#[test]
fn the_target_folder_is_the_one_that_the_program_is_in() {
    if let Some(answer) = env::var_os(SHOW) {
        let found = pinned_tools::target().map(|found| found.display().to_string());
        fs::write(answer, found.unwrap_or_else(|error| error.to_string())).unwrap();
        return;
    }
    let folder = TempDir::new().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    // What cargo writes, if it makes the folder, if the folder is there already, and if it compiles into another.
    for (index, files) in [
        &["CACHEDIR.TAG", "x86_64-unknown-linux-gnu/CACHEDIR.TAG"][..],
        &[".rustc_info.json"],
        &[".rustc_info.json", "x86_64-unknown-linux-gnu/debug/.cargo-lock"],
        &["debug/.cargo-lock", "x86_64-unknown-linux-gnu/CACHEDIR.TAG", "CACHEDIR.TAG"],
        &[
            "debug/.fingerprint/one",
            "x86_64-unknown-linux-gnu/debug/.cargo-lock",
            ".rustc_info.json",
        ],
    ]
    .into_iter()
    .enumerate()
    {
        let target = root.join(format!("clone-{index}/target"));
        for file in files {
            let file = target.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        for place in ["debug", "debug/deps", "x86_64-unknown-linux-gnu/debug"] {
            assert_eq!(target_of(&target.join(place)), target.display().to_string(), "{files:?}");
        }
    }
    // Nothing but the lock of the profile.
    let target = root.join("only-a-lock");
    fs::create_dir_all(target.join("debug")).unwrap();
    fs::write(target.join("debug/.cargo-lock"), "").unwrap();
    assert_eq!(target_of(&target.join("debug")), target.display().to_string());

    let moved = target_of(&root.join("elsewhere/bin"));
    assert!(moved.contains("elsewhere/bin/program is not in cargo's target folder"), "{moved}");
    assert!(moved.contains("run it in a clone, with cargo"), "{moved}");
}

/// What cargo itself leaves in a folder that was there before it.
#[test]
fn a_folder_that_cargo_did_not_make_is_found() {
    let folder = TempDir::new().unwrap();
    let root = fs::canonicalize(folder.path()).unwrap();
    fs::create_dir_all(root.join("src")).unwrap();
    fs::write(root.join("src/main.rs"), "fn main() {}").unwrap();
    fs::write(root.join("Cargo.toml"), "[package]\nname = \"one\"\nedition = \"2024\"\n").unwrap();
    let host = Command::new("rustc").args(["--print", "host-tuple"]).output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let into_triple = ["--target", host.trim()];
    for (target, options, places) in [
        ("one", &[][..], vec!["debug".to_owned(), "debug/deps".to_owned()]),
        ("two", &into_triple[..], vec![format!("{}/debug", host.trim())]),
    ] {
        let target = root.join(target);
        fs::create_dir_all(target.join("shop")).unwrap();
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo.arg("build").args(options).current_dir(&root).env("CARGO_TARGET_DIR", &target);
        cargo.env_remove("CARGO_BUILD_TARGET").env_remove("CARGO_BUILD_BUILD_DIR");
        let built = cargo.output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        for place in places {
            assert_eq!(target_of(&target.join(place)), target.display().to_string());
        }
    }
}

#[test]
fn no_program_has_the_folder_in_it_where_it_was_compiled() {
    let workspace = pinned_tools::workspace().unwrap();
    let mut folders = vec![workspace.join("xtask/src")];
    let mut packages = vec![workspace.join("crates")];
    while let Some(folder) = packages.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.file_name().unwrap().to_str().unwrap() {
                "src" => folders.push(path),
                "tests" | "target" => {}
                _ if path.is_dir() => packages.push(path),
                _ => {}
            }
        }
    }
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Unit tests and their samples are not compiled into programs.
            if path.ends_with("tests.rs") || path.ends_with("sample.rs") {
                continue;
            }
            files += 1;
            // What is included is in the program, and the path of the file is not.
            let text = fs::read_to_string(&path).unwrap_or_default();
            let text = text.replace("include_bytes!(concat!(env!(\"OUT_DIR\")", "");
            let baked = ["env!(\"CARGO_MANIFEST_DIR\")", "env!(\"OUT_DIR\")", "file!()"];
            let found = baked.iter().find(|baked| text.contains(*baked));
            assert_eq!(found, None, "{}", path.display());
        }
    }
    assert!(files > 200, "{files} files");
}
