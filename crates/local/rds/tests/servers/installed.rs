//! The program as `cargo install` leaves it: alone, away from the sources.

use std::path::Path;
use std::process::Command;

use local_rds::Engine;

use crate::client_line::run;
use crate::program::{PROGRAM, Program};

/// From an empty folder and an almost empty environment, people log in by the lines that it prints.
#[test]
fn an_installed_program_serves_every_engine() {
    let root = tempfile::tempdir().unwrap();
    let target = Path::new(PROGRAM).parent().unwrap().parent().unwrap();
    let mut install = Command::new(env!("CARGO"));
    install
        // The profile of the tests, whose dependencies are compiled already.
        .args(["install", "--quiet", "--debug", "--locked", "--offline", "--no-track"])
        .args(["--path", env!("CARGO_MANIFEST_DIR"), "--root"])
        .arg(root.path())
        .env("CARGO_TARGET_DIR", target)
        .current_dir(root.path());
    let output = install.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(root.path().join("bin/local-rds"));
    command.current_dir(empty.path()).env_clear().env("PATH", "/usr/bin:/bin");
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
