//! Environments are complete or created again, whatever happened before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // tests, helpers included

use pinned_tools::Environment;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Barrier, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Two small packages without dependencies, one of them with a program.
const PINS: &str = "\
chevron==0.14.0 \\
    --hash=sha256:fbf996a709f8da2e745ef763f482ce2d311aa817d287593a5b990d6d6e4f0443
six==1.17.0 \\
    --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274
";
/// The variable with the folder of the process that a test kills.
const FOLDER: &str = "PRIVATE_TOOLS_TEST_FOLDER";

fn fetch(folder: &Path, pins: &str) -> Result<Environment, pinned_tools::Error> {
    Environment::in_folder(folder, "small", pins, &mut |line| println!("{line}"))
}

/// The environment exists, its packages work, and its programs start quickly.
fn assert_whole(environment: &Environment) {
    let output = Command::new(environment.program("chevron").unwrap()).arg("--version").output();
    assert!(output.unwrap().status.success());
    let six = "import gc, six; print(six.__version__, gc.get_threshold()[0])";
    let python = environment.program("python").unwrap();
    let output = Command::new(python).args(["-c", six]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1.17.0 100000\n");
}

/// Of two at once, one creates it; a third finds it.
#[test]
fn whoever_asks_gets_the_same_one() {
    let folder = TempDir::new().unwrap();
    let said = Mutex::new(Vec::new());
    let ask = || {
        let mut progress = |line: &str| said.lock().unwrap().push(line.to_owned());
        let environment = Environment::in_folder(folder.path(), "small", PINS, &mut progress);
        assert_whole(&environment.unwrap());
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
    let count = |text: &str| said.iter().filter(|line| line.contains(text)).count();
    assert_eq!(count("small: fetching 2 pinned Python packages"), 1, "{said:?}");
    assert_eq!(count("small: ready in"), 1, "{said:?}");
}

#[test]
fn what_was_left_halfway_is_not_taken_for_whole() {
    let folder = TempDir::new().unwrap();
    let forged = PINS.replace("sha256:4721", "sha256:4722");
    let error = fetch(folder.path(), &forged).unwrap_err().to_string();
    assert!(error.contains("small cannot be fetched"), "{error}");
    assert!(error.contains("THESE PACKAGES DO NOT MATCH THE HASHES"), "{error}");

    kill_one_that_fetches(folder.path());
    assert!(folder.path().join("small").exists());
    assert!(!folder.path().join("small/complete").exists());
    assert_whole(&fetch(folder.path(), PINS).unwrap());
}

/// A process is killed while it creates an environment.
fn kill_one_that_fetches(folder: &Path) {
    let requirements = folder.join("small/requirements.txt");
    fs::remove_file(&requirements).unwrap();
    let mut child =
        another_that_fetches(folder).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.as_mut().unwrap();
    let deadline = Instant::now() + Duration::from_secs(300);
    while !requirements.exists() {
        assert!(Instant::now() < deadline, "no environment was begun");
        thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// This program, running the next test.
fn another_that_fetches(folder: &Path) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "fetches_until_it_is_killed", "--ignored"]).env(FOLDER, folder);
    command
}

#[test]
fn without_python_it_says_what_to_install() {
    let folder = TempDir::new().unwrap();
    let output = another_that_fetches(folder.path()).env("PATH", folder.path()).output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(said.contains("Python 3.11 or later with its venv module is needed"), "{said}");
    assert!(said.contains("apt install python3 python3-venv"), "{said}");
}

#[test]
#[ignore = "the process that another test starts and kills"]
fn fetches_until_it_is_killed() {
    let folder = env::var_os(FOLDER).expect("a test names the folder");
    fetch(Path::new(&folder), PINS).unwrap();
}

#[test]
fn other_pins_and_another_place_make_it_anew() {
    let folder = TempDir::new().unwrap();
    let [old, new] = ["old", "new"].map(|name| folder.path().join(name));
    let (_, six) = PINS.split_once("six").unwrap();
    let environment = fetch(&old, &format!("six{six}")).unwrap();
    environment.program("chevron").unwrap_err();

    fs::rename(&old, &new).unwrap();
    assert_whole(&fetch(&new, PINS).unwrap());
}
