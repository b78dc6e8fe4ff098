//! The program as `cargo install` leaves it: alone, away from the sources.

use std::env;
use std::path::Path;
use std::process::Command;

use local_rds::Engine;

use crate::client_line::run;
use crate::program::{PROGRAM, Program};

/// In an empty folder and an almost empty environment, people log in by the lines that it prints.
#[test]
fn an_installed_program_serves_every_engine() {
    let root = tempfile::tempdir().unwrap();
    let target = Path::new(PROGRAM).parent().unwrap().parent().unwrap();
    let package = pinned_tools::workspace().unwrap().join("crates/local/rds");
    let mut install = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    install
        // The profile of the tests, whose dependencies are compiled already.
        .args(["install", "--quiet", "--debug", "--locked", "--offline", "--no-track"])
        .args([Path::new("--path"), &package, Path::new("--root"), root.path()])
        .env("CARGO_TARGET_DIR", target)
        .current_dir(root.path());
    // Cargo's variables about this package would make it compile others anew.
    for (name, _) in env::vars_os() {
        let ours = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        if name.to_str().is_some_and(|name| ours.iter().any(|start| name.starts_with(start))) {
            install.env_remove(name);
        }
    }
    let output = install.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(root.path().join("bin/local-rds"));
    command.current_dir(empty.path()).env_clear().env("PATH", "/usr/bin:/bin");
    // Where servers are that were fetched before.
    let cache = ["HOME", "XDG_CACHE_HOME"].map(|name| Some((name, env::var_os(name)?)));
    command.envs(cache.into_iter().flatten());
    let program = Program::start(command);
    for engine in Engine::ALL {
        let (_, block) = program.said.split_once(engine.title()).unwrap();
        let lines = block.split("\n\n").nth(1).unwrap();
        let output = run(lines, engine);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{lines}\n{errors}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("second"), "{errors}");
    }
}
