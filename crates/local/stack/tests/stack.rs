//! The program `local-stack`: rows from every engine, and nothing left behind.

#![allow(clippy::unwrap_used, clippy::expect_used)] // clippy's own setting reaches test functions alone

use local_rds::Engine;
use serde_json::{Value, json};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A run of the program in a workspace with the example statements, and with a folder for its files
/// that must be empty at the end.
struct Run {
    folder: TempDir,
    workspace: TempDir,
}

impl Run {
    fn new() -> Run {
        let folder = tempfile::tempdir().unwrap();
        // Servers started by root run as another user, who must be able to enter.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let workspace = tempfile::tempdir().unwrap();
        let deploy = workspace.path().join("deploy");
        for engine in [Engine::MySql, Engine::Postgres] {
            let statements = deploy.join("statements").join(engine.statements());
            fs::create_dir_all(&statements).unwrap();
            local_stack::copy_examples(engine, &statements).unwrap();
        }
        fs::write(deploy.join("template.yaml"), "").unwrap();
        Run { folder, workspace }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local-stack"));
        command.args(arguments).env("TMPDIR", self.folder.path()).current_dir("/");
        command.env("CARGO_MANIFEST_DIR", self.workspace.path());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn assert_nothing_left(&self) {
        let files: Vec<_> = fs::read_dir(self.folder.path()).unwrap().collect();
        assert!(files.is_empty(), "files are left: {files:?}");
        for process in fs::read_dir("/proc").unwrap() {
            let line = fs::read(process.unwrap().path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            let folder = self.folder.path().to_str().unwrap();
            assert!(!line.contains(folder), "a process is left: {line}");
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn every_engine_answers_a_schedule_and_nothing_is_left() {
    let run = Run::new();
    let engines = ["--engine", "mysql", "--engine", "mariadb", "--engine", "postgres"];
    let output = run.output(&[&engines[..], &["--once"]].concat());
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let table = "  id  name\n  --  ------\n  1   first\n  2   second\n  3   third\n  (3 rows)\n";
    assert_eq!(out.matches(table).count(), 3, "{out}\n{err}");
    assert_eq!(out.matches("login included").count(), 3, "{out}\n{err}");
    assert_eq!(out.matches(", warm ").count(), 3, "{out}\n{err}");
    assert_eq!(out.matches("diagnosis: no problems found").count(), 3, "{out}\n{err}");
    run.assert_nothing_left();
}

#[test]
fn a_failed_event_is_told_by_the_exit_code() {
    let run = Run::new();
    let event = tempfile::NamedTempFile::new().unwrap();
    fs::write(event.path(), r#"{"statement":"no-such"}"#).unwrap();
    let event = event.path().to_str().unwrap();
    let output = run.output(&["--engine", "postgres", "--once", "--event", event]);
    let out = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("no such statement: \"no-such\""), "{out}");
    assert!(out.contains("postgres-function failed; its server is"), "{out}");
    run.assert_nothing_left();
}

#[test]
fn a_write_from_standard_input_runs_once() {
    let run = Run::new();
    let mut command = run.command(&["--once", "--event", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let event = br#"{"statement":"add-item","params":[4,"fourth"]}"#;
    child.stdin.take().unwrap().write_all(event).unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    assert!(out.contains("as lambda-user\n  (1 row affected)\ncold "), "{out}\n{err}");
    assert!(out.contains("  4   fourth\n  (1 row)\ncold "), "{out}\n{err}"); // RETURNING
    assert!(!out.contains("warm") && !out.contains("sent again"), "{out}\n{err}");
    run.assert_nothing_left();
}

#[test]
fn a_wrong_call_is_explained_before_anything_starts() {
    let run = Run::new();
    for (arguments, says) in [
        (&["--once", "--engine"][..], "--engine"),
        (&["--engine", "oracle"], "oracle"),
        (&["--engine", "mysql", "--event", "/no/such/file"], "/no/such/file"),
        (&["--engine", "mysql", "--event", "/dev/null"], "/dev/null is not JSON"),
    ] {
        let output = run.output(arguments);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {err}");
        assert!(err.starts_with("error: ") && err.contains(says), "{arguments:?}: {err}");
    }
    run.assert_nothing_left();
}

#[test]
fn it_serves_the_invoke_api_until_it_is_interrupted() {
    let run = Run::new();
    let mut child = run
        .command(&["--engine", "postgres"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line =
        lines.find_map(|line| line.unwrap().split_once("http://").map(|(_, url)| url.to_owned()));
    let line = line.expect("it shows how to invoke the function");
    let address = line.split_whitespace().next().unwrap();

    let post = |headers: &str, event: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST /2015-03-31/functions/postgres-function/invocations HTTP/1.1\r\n{headers}\
             connection: close\r\ncontent-length: {}\r\n\r\n{event}",
            event.len()
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    };
    for folder in fs::read_dir(run.folder.path()).unwrap() {
        let folder = folder.unwrap();
        let mode = folder.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{}: others get into it", folder.path().display());
    }
    // A page in a browser may send this without a preflight request.
    let page = "host: evil.example\r\norigin: http://evil.example\r\ncontent-type: text/plain\r\n";
    let refused = post(page, r#"{"statement":"add-item","params":[9,"nine"]}"#);
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    let response = post(&format!("host: {address}\r\n"), r#"{"statement":"items"}"#);
    let body = response.split_once("\r\n\r\n").unwrap().1;
    let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("{response}"));
    assert_eq!(body["row_count"], json!(3));

    let interrupt = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    run.assert_nothing_left();
}
