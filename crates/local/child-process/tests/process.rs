//! Processes and what is left of them. That they end with a killed owner is tested where owners are
//! programs: in `local-rds` and `local-lambda`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use child_process::{LogFile, Process, run};
use tempfile::TempDir;

/// A shell that runs `script` in `folder`, which the script writes process ids to.
fn shell(folder: &TempDir, script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(folder.path()).stdin(Stdio::null());
    command
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "not reached: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The process id in a file of the folder, once it is written.
fn id_in(folder: &TempDir, file: &str) -> i32 {
    let path = folder.path().join(file);
    let text = || fs::read_to_string(&path).unwrap_or_default();
    wait_until(file, || text().ends_with('\n'));
    text().trim().parse().unwrap()
}

/// Whether the process runs: a zombie that waits for its parent does not.
fn runs(id: i32) -> bool {
    let stat = fs::read_to_string(Path::new("/proc").join(id.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.rsplit_once(") ").unwrap().1.starts_with('Z'))
}

#[test]
fn a_drop_ends_the_process_and_its_group_even_when_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let script = "echo $$ > leader; sleep 60 & echo $! > member; wait";
    let process = Process::start(shell(&folder, script), libc::SIGTERM).unwrap();
    let (leader, member) = (id_in(&folder, "leader"), id_in(&folder, "member"));
    assert_eq!(process.with_id(|id| id), Some(leader));
    assert_eq!(process.ended(), None);
    process.signal_group(libc::SIGSTOP);
    drop(process);
    wait_until("both are gone", || !runs(leader) && !runs(member));
}

#[test]
fn an_exit_is_told_and_reaped() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, exited) = mpsc::channel();
    let tell = move |status| sender.send(status).unwrap();
    let process = Process::start_with(shell(&folder, "exit 3"), libc::SIGKILL, tell).unwrap();
    assert_eq!(exited.recv().unwrap().code(), Some(3));
    wait_until("it has ended", || process.ended().is_some());
    assert_eq!(process.with_id(|id| id), None);
    process.end();
    assert_eq!(process.ended().unwrap().code(), Some(3));
}

#[test]
fn a_tree_is_stopped_and_killed_across_groups() {
    let folder = tempfile::tempdir().unwrap();
    let script = "setsid sh -c 'echo $$ > child; while :; do sleep 0.01; done' & wait";
    let process = Process::start(shell(&folder, script), libc::SIGKILL).unwrap();
    let child = id_in(&folder, "child");
    process.stop_tree();
    assert!(process.tree().contains(&child), "{:?}", process.tree());
    for id in process.tree() {
        let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        assert!(stat.contains(") T "), "{stat}");
    }
    process.signal_tree(libc::SIGCONT);
    process.kill_tree();
    assert!(!runs(child));
}

#[test]
fn a_process_that_is_killed_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::start(shell(&folder, "sleep 60"), libc::SIGTERM).unwrap();
    process.signal_group(libc::SIGKILL);
    wait_until("it has ended", || process.ended().is_some());
    assert_eq!(process.ended().unwrap().signal(), Some(libc::SIGKILL));
}

#[test]
fn a_program_that_is_not_there_is_an_error() {
    assert!(Process::start(Command::new("/no/such/program"), libc::SIGKILL).is_err());
    assert!(run(Command::new("/no/such/program"), b"").is_err());
}

#[test]
fn a_command_gets_more_input_than_a_pipe_holds_and_prints_it() {
    let input = vec![b'x'; 1 << 20];
    assert_eq!(run(Command::new("cat"), &input).unwrap().stdout, input);
}

#[test]
fn a_log_begins_empty_and_holds_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "of an earlier process\n").unwrap();
    let log = LogFile::create(path).unwrap();
    let mut command = shell(&folder, "echo one; echo two >&2");
    command.stdout(log.writer().unwrap()).stderr(log.writer().unwrap());
    let process = Process::start(command, libc::SIGTERM).unwrap();
    wait_until("it has ended", || process.ended().is_some());
    assert_eq!(log.text(), "one\ntwo\n");
}
