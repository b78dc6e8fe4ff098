//! The program `local-rds`.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use local_rds::Engine;

use crate::lifecycle::processes_in;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_local-rds");
/// `nobody`.
const ORDINARY_USER: u32 = 65_534;

/// The program, once its servers answer. Killed when dropped.
pub(crate) struct Program {
    child: Child,
    pub(crate) said: String,
}

impl Program {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        while !said.ends_with("Ctrl-C stops the servers.\n") {
            if stdout.read_line(&mut said).unwrap() == 0 {
                let mut errors = String::new();
                child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
                child.wait().unwrap();
                panic!("local-rds ended: {said}{errors}");
            }
        }
        Self { child, said }
    }

    /// The folder of the one server.
    fn folder(&self) -> PathBuf {
        let line = self.said.lines().find_map(|line| line.trim().strip_prefix("logins "));
        Path::new(line.unwrap().trim()).parent().unwrap().to_owned()
    }

    /// Waits for its end, which is a success.
    pub(crate) fn wait(&mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    pub(crate) fn signal(&mut self, signal: &str) {
        // The shell's own `kill`: not every system has the program.
        let kill = format!("kill {signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Most tests have ended it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "not reached: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn program(engine: Engine) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg(engine.name());
    command
}

fn ctrl_c_stops_it_cleanly(engine: Engine) {
    let mut program = Program::start(program(engine));
    let folder = program.folder();
    assert!(folder.exists());
    program.signal("-INT");
    program.wait();
    assert_eq!(processes_in(&folder), [0; 0]);
    assert!(!folder.exists());
}

fn a_killed_program_takes_its_server_along(engine: Engine) {
    let mut one = Program::start(program(engine));
    let folder = one.folder();
    assert_ne!(processes_in(&folder), [0; 0]);
    one.signal("-KILL");
    one.child.wait().unwrap();
    eventually("the server has ended", || processes_in(&folder).is_empty());
    // The next start removes the files of a killed program.
    let _next = Program::start(program(engine));
    // Another test's start may still be removing them.
    eventually("what it left is gone", || !folder.exists());
}

/// The private copy runs even if the system has a server.
fn a_private_copy_serves(engine: Engine) {
    let mut command = program(engine);
    let variable = match engine {
        Engine::MySql => "LOCAL_RDS_MYSQLD",
        Engine::MariaDb => "LOCAL_RDS_MARIADBD",
        Engine::Postgres => "LOCAL_RDS_POSTGRES",
    };
    command.env(variable, "private");
    let mut program = Program::start(command);
    program.signal("-TERM");
    program.wait();
}

/// Nothing needs root: a test started by root runs the program as another user.
fn an_ordinary_user_can_start_servers(engine: Engine) {
    let home = tempfile::tempdir().unwrap();
    let mut command = program(engine);
    if fs::metadata("/proc/self").is_ok_and(|me| std::os::unix::fs::MetadataExt::uid(&me) == 0) {
        // Checkouts of root are closed to others, so the program moves out.
        fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
        let program = home.path().join("local-rds");
        fs::copy(PROGRAM, &program).unwrap();
        // Servers that were fetched by root serve others too.
        let fetched = local_packages::cache_folder().unwrap().join("servers");
        let cache = home.path().join("cache/rds-iam-lambda");
        fs::create_dir_all(&cache).unwrap();
        fs::set_permissions(&cache, Permissions::from_mode(0o777)).unwrap();
        fs::create_dir_all(&fetched).unwrap();
        std::os::unix::fs::symlink(fetched, cache.join("servers")).unwrap();
        command = Command::new(program);
        command.arg(engine.name()).env("XDG_CACHE_HOME", home.path().join("cache"));
        command.uid(ORDINARY_USER).gid(ORDINARY_USER);
    }
    let mut program = Program::start(command);
    program.signal("-INT");
    program.wait();
}

#[test]
fn the_help_has_all_its_parts() {
    let output = Command::new(PROGRAM).arg("--help").output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for heading in ["Usage:", "Options:", "Files:", "Environment:", "Exit codes:"] {
        assert!(help.contains(&format!("\n{heading}")), "no {heading}");
    }
    assert!(help.lines().all(|line| line.len() <= 80));
}

#[test]
fn it_tells_its_version() {
    let output = Command::new(PROGRAM).arg("--version").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, concat!("local-rds ", env!("CARGO_PKG_VERSION"), "\n"));
}

fn a_port_that_it_may_not_have_is_told_at_once(engine: Engine) {
    let output = program(engine).args(["--port", "81", "--exec", "true"]).output().unwrap();
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if first.trim().parse::<u16>().unwrap() <= 81 {
        assert!(output.status.success());
        return;
    }
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    let start =
        format!("local-rds: cannot start {engine}: cannot listen on port 81 of 127.0.0.1: take");
    assert!(said.starts_with(&start) && said.lines().count() == 1, "{said}");
}

#[test]
fn a_wrong_command_line_says_where_the_right_one_is_described() {
    let output = Command::new(PROGRAM).arg("--prot").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "local-rds: unknown option --prot; see `local-rds --help`\n");
}

#[test]
fn the_profile_that_is_named_is_the_servers() {
    let mut command = program(Engine::MySql);
    command.args(["--profile", "untidy"]);
    let program = Program::start(command);
    let server = processes_in(&program.folder());
    let lines = server.iter().filter_map(|id| fs::read(format!("/proc/{id}/cmdline")).ok());
    let lines: Vec<_> = lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect();
    assert!(lines.iter().any(|line| line.contains("--autocommit=0\0")), "{lines:?}");
}

#[test]
fn a_program_that_is_no_server_is_refused() {
    let mut command = program(Engine::MySql);
    let output = command.env("LOCAL_RDS_MYSQLD", "/bin/true").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("LOCAL_RDS_MYSQLD names /bin/true, which is not a server of mysql"),
        "{said}"
    );
}

crate::for_each_engine! {
    ctrl_c_stops_it_cleanly,
    a_killed_program_takes_its_server_along,
    a_private_copy_serves,
    an_ordinary_user_can_start_servers,
    a_port_that_it_may_not_have_is_told_at_once,
}
