//! One child process: started, signalled, and certain to end.

#![allow(unsafe_code)] // waitid has no safe form in std

use std::fmt;
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use libc::{c_int, pid_t};

use crate::signal::send;
use crate::spawn::bind_to_this_thread;
use crate::tree;

/// How long a process may take to end before it is killed. PostgreSQL gives its own processes 5 s,
/// and a busy machine may run neither for seconds.
const END_TIMEOUT: Duration = Duration::from_secs(30);

/// A process and the group it leads. Dropping it ends the process, kills the rest of its group, and
/// waits until it is reaped.
///
/// A thread of its own starts the process and waits for it. The kernel sends the parent-death signal
/// when the *thread* that forked ends, so a short-lived thread must not fork.
pub struct Process {
    id: Id,
    exit: Arc<Exit>,
    end_signal: c_int,
    waiter: Mutex<Option<JoinHandle<()>>>,
}

/// The process id, until the process is reaped: holding the lock keeps the id from being reused.
type Id = Arc<Mutex<Option<pid_t>>>;

#[derive(Default)]
struct Exit {
    status: Mutex<Option<ExitStatus>>,
    set: Condvar,
}

impl Process {
    /// Starts `command`, to be ended with the signal `end_signal`: by a drop of this value, or by the
    /// kernel when this process ends.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn start(command: Command, end_signal: c_int) -> io::Result<Self> {
        Self::start_with(command, end_signal, |_| ())
    }

    /// As [`start`](Self::start), and calls `on_exit` in another thread once the process has been
    /// reaped.
    ///
    /// # Errors
    /// The program cannot be run.
    pub fn start_with(
        mut command: Command,
        end_signal: c_int,
        on_exit: impl FnOnce(ExitStatus) + Send + 'static,
    ) -> io::Result<Self> {
        bind_to_this_thread(&mut command, end_signal);
        let (id, exit) = (Id::default(), Arc::<Exit>::default());
        let (started_sender, started) = mpsc::channel();
        let waiter = thread::Builder::new().name("child-process".into()).spawn({
            let (id, exit) = (Arc::clone(&id), Arc::clone(&exit));
            move || {
                let spawned = command.spawn();
                drop(command); // it holds the write ends of the child's pipes
                // The receiver waits for this very message.
                let started = |result| drop(started_sender.send(result));
                match spawned {
                    Ok(child) => {
                        *lock(&id) = Some(child.id().cast_signed());
                        started(Ok(()));
                        let status = reap(child, &id);
                        on_exit(status);
                        *lock(&exit.status) = Some(status);
                        exit.set.notify_all();
                    }
                    Err(error) => started(Err(error)),
                }
            }
        })?;
        started.recv().map_err(io::Error::other)??;
        Ok(Self { id, exit, end_signal, waiter: Mutex::new(Some(waiter)) })
    }

    /// How the process ended, once it has been reaped.
    #[must_use]
    pub fn ended(&self) -> Option<ExitStatus> {
        *lock(&self.exit.status)
    }

    /// Calls `act` with the process id, which stays the process's own meanwhile. None once the
    /// process has been reaped.
    pub fn with_id<T>(&self, act: impl FnOnce(pid_t) -> T) -> Option<T> {
        (*lock(&self.id)).map(act)
    }

    /// Sends `signal` to the process and the rest of its group.
    pub fn signal_group(&self, signal: c_int) {
        self.with_id(|id| send(signal, -id));
    }

    /// Sends `signal` to the process and its children, which may lead groups of their own, as
    /// PostgreSQL's do.
    pub fn signal_tree(&self, signal: c_int) {
        self.with_id(|id| tree::all(id).into_iter().for_each(|id| send(signal, id)));
    }

    /// Stops the process and its children, and waits until every thread has stopped: the signal takes
    /// effect only when a thread gets to run.
    pub fn stop_tree(&self) {
        self.with_id(tree::stop);
    }

    /// The ids of the process and its children, those that it has yet to reap included.
    #[must_use]
    pub fn tree(&self) -> Vec<pid_t> {
        self.with_id(tree::all).unwrap_or_default()
    }

    /// Kills the process and its children, and waits until all are gone.
    pub fn kill_tree(self) {
        self.with_id(tree::kill);
    }

    /// Ends the process as a drop does, and waits until it is reaped.
    pub fn end(&self) {
        self.with_id(|id| send(self.end_signal, id));
        // A stopped process sees no other signal until it continues.
        self.signal_tree(libc::SIGCONT);
        if !self.exit.wait(END_TIMEOUT) {
            self.signal_group(libc::SIGKILL);
        }
        if let Some(waiter) = lock(&self.waiter).take() {
            // It panics only if `on_exit` does; the process is reaped all the same.
            let _ = waiter.join();
        }
    }
}

impl Exit {
    /// Whether the process has been reaped, after `timeout` at the latest.
    fn wait(&self, timeout: Duration) -> bool {
        let status = lock(&self.status);
        let waited = self.set.wait_timeout_while(status, timeout, |status| status.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("id", &*lock(&self.id)).finish_non_exhaustive()
    }
}

/// Waits for the process, kills what is left of its group, and reaps it.
fn reap(mut child: Child, id: &Mutex<Option<pid_t>>) -> ExitStatus {
    wait_without_reaping(child.id());
    // From here to the end of `wait` the process is a zombie: its id and its group's still stand.
    let mut id = lock(id);
    send(libc::SIGKILL, -child.id().cast_signed());
    *id = None;
    // It has exited and nobody else waits for it, so `wait` cannot fail.
    child.wait().unwrap_or_default()
}

fn wait_without_reaping(id: u32) {
    loop {
        // SAFETY: an all-zero siginfo_t is a valid value for waitid(2) to overwrite.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` is live and writable; the id is that of our own child.
        let result =
            unsafe { libc::waitid(libc::P_PID, id, &raw mut info, libc::WEXITED | libc::WNOWAIT) };
        if result == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// No code panics while it holds one of these locks, so a poisoned one still guards valid data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
