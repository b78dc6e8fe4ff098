//! A run of the program.

use local_rds::Engine;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long something may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);

/// A run of the program in a workspace with the example statements, and with a folder for its files
/// that must be empty at the end.
pub(crate) struct Run {
    pub(crate) folder: TempDir,
    workspace: TempDir,
    /// A folder for a test's own files, which is the program's current one.
    own: TempDir,
}

impl Run {
    pub(crate) fn new() -> Run {
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
        Run { folder, workspace, own: tempfile::tempdir().unwrap() }
    }

    /// A run with files of its own, by their paths.
    pub(crate) fn with(files: &[(&str, &str)]) -> Run {
        let run = Run::new();
        for (path, text) in files {
            run.write(path, text);
        }
        run
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.own.path().join(path)
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// `local-stack COMMAND ARGUMENTS`, without any server variable of the caller.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local-stack"));
        command.args(arguments.split_whitespace());
        command.env("TMPDIR", self.folder.path()).current_dir(self.own.path());
        command.env("CARGO_MANIFEST_DIR", self.workspace.path());
        command
    }

    pub(crate) fn output(&self, arguments: &str) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().unwrap()
    }

    pub(crate) fn serve(&self, arguments: &str) -> Serving {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let text = Arc::new(Mutex::new(String::new()));
        let pipes: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for pipe in pipes {
            let text = text.clone();
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    *text.lock().unwrap() += &(line + "\n");
                }
            });
        }
        Serving { child, text, seen: 0 }
    }

    pub(crate) fn assert_nothing_left(&self) {
        assert_empty(self.folder.path());
    }
}

/// A program that serves, and what it printed. Dropping it kills it.
pub(crate) struct Serving {
    child: Child,
    text: Arc<Mutex<String>>,
    /// How much of the text was waited for.
    seen: usize,
}

impl Serving {
    /// Waits until it prints `expected`, after what was waited for before, and returns what it printed up
    /// to the end of `expected`.
    pub(crate) fn wait_for(&mut self, expected: &str) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text.lock().unwrap().clone();
            if let Some(at) = text[self.seen..].find(expected) {
                let new = text[self.seen..][..at + expected.len()].to_owned();
                self.seen += new.len();
                return new;
            }
            let is_running = self.child.try_wait().unwrap().is_none();
            assert!(
                is_running && begun.elapsed() < DEADLINE,
                "it does not print {expected:?} after byte {}: {text}",
                self.seen
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Everything that it printed.
    pub(crate) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Sends an event to a function through the Invoke API, and returns the HTTP response.
    pub(crate) fn post(&self, function: &str, headers: &str, event: &str) -> String {
        let text = self.text();
        let (_, address) = text.split_once("http://").expect("it shows how to invoke a function");
        let (address, _) = address.split_once('/').unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let headers = headers.replace("ADDRESS", address);
        write!(
            stream,
            "POST /2015-03-31/functions/{function}/invocations HTTP/1.1\r\n{headers}\
             connection: close\r\ncontent-length: {}\r\n\r\n{event}",
            event.len()
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    /// Ctrl-C, which must end it with success. Returns all that it printed.
    pub(crate) fn interrupt(self) -> String {
        self.interrupted_with(0)
    }

    /// Ctrl-C, which must end it with this exit code.
    pub(crate) fn interrupted_with(mut self, code: i32) -> String {
        let interrupt = format!("kill -INT {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(code), "{}", self.text());
        self.wait_until_read();
        self.text()
    }

    /// The threads that read its output hold the text until its end.
    fn wait_until_read(&self) {
        let begun = Instant::now();
        while Arc::strong_count(&self.text) > 1 {
            assert!(begun.elapsed() < DEADLINE, "its output does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn assert_empty(folder: &Path) {
    let files: Vec<_> = fs::read_dir(folder).unwrap().collect();
    assert!(files.is_empty(), "files are left: {files:?}");
    for process in fs::read_dir("/proc").unwrap() {
        let line = fs::read(process.unwrap().path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        assert!(!line.contains(folder.to_str().unwrap()), "a process is left: {line}");
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
