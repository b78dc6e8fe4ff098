//! Child processes that never outlive this one.

#![allow(unsafe_code)] // signals, and what runs between fork and exec

use std::fs;
use std::io::{self, Write};
use std::iter;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libc::c_int;

use crate::Error;

/// How long a server may take to end before it is killed, or to stop. PostgreSQL's has 5 s for those
/// it has started, and a busy machine leaves either without a turn for seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(2);

/// A server process. Dropping it ends the process and all it has started, and waits for that.
///
/// It ends when this process does, however that ends. The kernel sees to it: it sends a child a
/// signal when the *thread* that started it is gone (`PR_SET_PDEATHSIG`, prctl(2)). That thread is
/// therefore one of the process's own, which does nothing but live.
pub struct Process {
    child: Child,
    end_signal: c_int,
    /// Never sent on: the keeper waits for it to close.
    keep: Option<Sender<()>>,
    keeper: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts `command`, to be ended with the signal `end_signal`.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn start(mut command: Command, end_signal: c_int) -> io::Result<Self> {
        bind_to_this_process(&mut command, end_signal);
        let (started, when_started) = mpsc::channel();
        let (keep, until_dropped) = mpsc::channel();
        let keeper = thread::Builder::new().name("server-keeper".into()).spawn(move || {
            // The receiver waits for this very message.
            let _ = started.send(command.spawn());
            let _ = until_dropped.recv();
        })?;
        let child = when_started.recv().map_err(io::Error::other)??;
        Ok(Self { child, end_signal, keep: Some(keep), keeper: Some(keeper) })
    }

    /// How the process ended, if it has. It is not waited for: its number stays its own.
    #[must_use]
    pub fn ended(&self) -> Option<ExitStatus> {
        // SAFETY: all zeros is a valid siginfo_t, which waitid(2) writes to.
        let info = unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            libc::waitid(libc::P_PID, self.child.id(), &raw mut info, options);
            info
        };
        // SAFETY: waitid(2) fills these, or leaves zeros where the process is still running.
        let (id, status) = unsafe { (info.si_pid(), info.si_status()) };
        let exited = info.si_code == libc::CLD_EXITED;
        (id != 0).then(|| ExitStatus::from_raw(if exited { status << 8 } else { status }))
    }
}

impl Process {
    /// Sends `signal` to the process and to those it has started: each of PostgreSQL's is a leader of
    /// a group of its own.
    pub(crate) fn signal_all(&self, signal: c_int) {
        self.all().into_iter().for_each(|id| send(signal, id));
    }

    /// Stops the process and those it has started, and waits until every thread has stopped: the
    /// signal alone takes effect when one of them gets to run.
    pub(crate) fn stop_all(&self) {
        let id = self.child.id().cast_signed();
        let deadline = Instant::now() + PATIENCE;
        let at_rest = |thread: &PathBuf| matches!(state(thread), None | Some('T' | 'Z'));
        let stopped = |&id: &c_int| threads(id).iter().all(at_rest);
        loop {
            self.signal_all(libc::SIGSTOP);
            // Once it has stopped it starts no more; what it started last has not had the signal.
            let all_stopped = stopped(&id) && children(id).iter().all(stopped);
            if all_stopped || Instant::now() > deadline {
                break;
            }
            thread::sleep(PAUSE);
        }
    }

    /// The process, and then those it has started, those that it has yet to reap among them.
    pub(crate) fn all(&self) -> Vec<c_int> {
        let id = self.child.id().cast_signed();
        iter::once(id).chain(children(id)).collect()
    }

    /// Kills the process and those it has started, and waits until all are gone.
    pub(crate) fn kill_all(self) {
        // None of them starts another one, or hands its number on, while its parent stands still.
        self.stop_all();
        let all = self.all();
        all.iter().for_each(|&id| send(libc::SIGKILL, id));
        let deadline = Instant::now() + PATIENCE;
        while all.iter().any(|&id| is_there(id)) && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
    }
}

/// The processes that `parent` has started and not yet reaped, each by one of its threads.
fn children(parent: c_int) -> Vec<c_int> {
    let lists = threads(parent).into_iter();
    let lists = lists.filter_map(|thread| fs::read_to_string(thread.join("children")).ok());
    let lists: Vec<_> = lists.collect();
    let ids = lists.iter().flat_map(|list| list.split_whitespace());
    ids.filter_map(|id| id.parse().ok()).collect()
}

/// The folders in which proc(5) tells of the threads of process `id`.
fn threads(id: c_int) -> Vec<PathBuf> {
    let threads = fs::read_dir(format!("/proc/{id}/task"));
    threads.into_iter().flatten().flatten().map(|thread| thread.path()).collect()
}

/// Whether the process `id` is there, and not only its number, which whoever has to reap it keeps.
fn is_there(id: c_int) -> bool {
    !matches!(state(Path::new(&format!("/proc/{id}"))), None | Some('Z'))
}

/// The state of a process or thread, by its folder in proc(5): `T` for stopped, `Z` for dead.
fn state(folder: &Path) -> Option<char> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // The name in brackets may hold anything; the state follows it.
    stat.rsplit_once(") ")?.1.chars().next()
}

impl Drop for Process {
    fn drop(&mut self) {
        let id = self.child.id().cast_signed();
        send(self.end_signal, id);
        // One that was stopped does not see another signal until it goes on.
        self.signal_all(libc::SIGCONT);
        let deadline = Instant::now() + PATIENCE;
        while self.ended().is_none() && Instant::now() < deadline {
            thread::sleep(PAUSE);
        }
        // What is left of the group: the server itself, or what it started.
        send(libc::SIGKILL, -id);
        let _ = self.child.wait();
        self.keep = None;
        if let Some(keeper) = self.keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// Runs `command` to its end, with `input` on its standard input, and returns what it said.
pub(crate) fn run(mut command: Command, input: &[u8]) -> io::Result<Output> {
    bind_to_this_process(&mut command, libc::SIGKILL);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    thread::scope(|scope| {
        // It may say more than a pipe holds before it has read everything.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    })
}

/// Runs `command` as [`run`] does. Where it fails, the error ends with what it said last.
pub(crate) fn must_succeed(command: Command, input: &[u8], what: &str) -> Result<(), Error> {
    let output = run(command, input).map_err(Error::because(format!("{what} failed")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = last_lines(&String::from_utf8_lossy(&said));
    Err(Error::new(format!("{what} failed: {}:\n{said}", output.status)))
}

/// The end of what a program said, indented.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(8)..].iter().map(|line| format!("    {line}\n")).collect()
}

/// Has `command` get `signal` when the calling thread ends, and no signals from the terminal.
fn bind_to_this_process(command: &mut Command, signal: c_int) {
    let parent = std::process::id().cast_signed();
    command.process_group(0);
    let prepare = move || {
        // SAFETY: these calls are safe between fork and exec (signal-safety(7)), and the set of
        // signals is initialised before it is used.
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, signal) != 0 {
                return Err(io::Error::last_os_error());
            }
            // It may have ended in between.
            if libc::getppid() != parent {
                libc::_exit(1);
            }
            // A file that may not grow is an error for the server, not its end.
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            // A program that waits for signals blocks them, and its children inherit that.
            let mut none = std::mem::zeroed();
            libc::sigemptyset(&raw mut none);
            libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        }
        Ok(())
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(prepare) };
}

fn send(signal: c_int, to: c_int) {
    // SAFETY: kill(2) has no preconditions.
    unsafe { libc::kill(to, signal) };
}
