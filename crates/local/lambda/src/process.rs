//! One `bootstrap` process: started, frozen, measured, and certain to end.
//!
//! A thread of its own starts each process and waits for it. The thread matters twice. The kernel
//! sends the parent-death signal when the *thread* that forked ends, so a short-lived pool thread
//! must not fork. And the process is reaped without an async runtime, even while one shuts down.
#![allow(unsafe_code, reason = "signals, waitid and prctl have no safe form in std")]

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread::{self, JoinHandle},
};

use tokio::sync::watch;

use crate::peer;

/// A running process and the group it leads. Dropped, it is killed and reaped.
#[derive(Debug)]
pub(crate) struct Process {
    pid: Pid,
    exited: watch::Receiver<Option<ExitStatus>>,
    waiter: Mutex<Option<JoinHandle<()>>>,
}

/// The process id, until the process is reaped: holding the lock keeps the id from being reused.
type Pid = Arc<Mutex<Option<libc::pid_t>>>;

impl Process {
    /// Starts the command in a process group of its own. It dies with this process, however this
    /// process dies.
    pub(crate) fn spawn(mut command: Command) -> io::Result<Self> {
        let parent = std::process::id();
        command.process_group(0);
        // SAFETY: the closure runs between fork and exec and makes async-signal-safe calls alone.
        unsafe { command.pre_exec(move || die_with_parent(parent)) };

        let pid = Pid::default();
        let (exited_sender, exited) = watch::channel(None);
        let (started_sender, started) = std::sync::mpsc::channel();
        let waiter = thread::Builder::new().name("local-lambda-process".to_owned()).spawn({
            let pid = pid.clone();
            move || {
                let spawned = command.spawn();
                drop(command); // it holds the write ends of the log pipe
                match spawned {
                    Ok(child) => {
                        *lock(&pid) = Some(child.id() as libc::pid_t);
                        // The receiver waits just below, so it is there.
                        let _ = started_sender.send(Ok(()));
                        exited_sender.send_replace(Some(reap(child, &pid)));
                    }
                    Err(error) => {
                        let _ = started_sender.send(Err(error));
                    }
                }
            }
        })?;
        started.recv().map_err(io::Error::other)??;
        Ok(Self { pid, exited, waiter: Mutex::new(Some(waiter)) })
    }

    /// Stops it in its tracks, as Lambda freezes an environment between invocations.
    pub(crate) fn freeze(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Lets it run on after [`freeze`](Self::freeze).
    pub(crate) fn thaw(&self) {
        self.signal(libc::SIGCONT);
    }

    /// Asks it to end, frozen or not.
    pub(crate) fn terminate(&self) {
        self.signal(libc::SIGTERM);
        self.thaw();
    }

    /// Kills it, frozen or not. It is gone once [`exited`](Self::exited) resolves.
    pub(crate) fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    /// Kills it and waits, blocking for the moment that takes, until it is reaped.
    pub(crate) fn kill_and_reap(&self) {
        self.kill();
        if let Some(waiter) = lock(&self.waiter).take() {
            // The waiter has nothing to panic on; if it did, the process is gone all the same.
            let _ = waiter.join();
        }
    }

    /// Resolves with the exit status once the process has been reaped.
    pub(crate) async fn exited(&self) -> ExitStatus {
        let mut exited = self.exited.clone();
        match exited.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(status)) => *status,
            // Only a waiter that panicked drops its sender without a status.
            _ => ExitStatus::default(),
        }
    }

    /// Whether the process has been reaped.
    pub(crate) fn has_exited(&self) -> bool {
        self.exited.borrow().is_some()
    }

    /// The most memory it has held at once, in KiB, as `VmHWM` of proc(5). `None` where the system
    /// has no `/proc`, or the process is gone.
    pub(crate) fn peak_memory_kib(&self) -> Option<u64> {
        let pid = lock(&self.pid);
        let status = fs::read_to_string(format!("/proc/{}/status", (*pid)?)).ok()?;
        let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        value.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Whether it, or another process of its group, has the other end of the connection that `peer`
    /// made to `own`. Where the system has no `/proc`, that cannot be told, and it is taken for granted.
    pub(crate) fn is_peer(&self, peer: SocketAddr, own: SocketAddr) -> bool {
        if cfg!(not(target_os = "linux")) {
            return true;
        }
        let Some(number) = peer::socket_of(peer, own) else { return false };
        let pid = lock(&self.pid);
        let has_it = |id| peer::has_socket(id, number);
        pid.is_some_and(|leader| has_it(leader) || peer::group(leader).any(has_it))
    }

    fn signal(&self, signal: libc::c_int) {
        if let Some(pid) = *lock(&self.pid) {
            signal_group(pid, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill_and_reap();
    }
}

/// Every process that was started and may still run, so that all can be ended at once.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    running: Vec<Weak<Process>>,
}

impl Processes {
    /// Starts a process that [`close`](Self::close) will end, or refuses once closed.
    pub(crate) fn spawn(&self, command: Command) -> io::Result<Arc<Process>> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(io::Error::other("local Lambda is shutting down"));
        }
        let process = Arc::new(Process::spawn(command)?);
        state.running.retain(|process| process.strong_count() > 0);
        state.running.push(Arc::downgrade(&process));
        Ok(process)
    }

    /// Kills and reaps every process. None can be started afterwards.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let running: Vec<_> = state.running.drain(..).filter_map(|p| p.upgrade()).collect();
        running.iter().for_each(|process| process.kill());
        running.iter().for_each(|process| process.kill_and_reap());
    }
}

/// Runs in the child, before exec: the kernel is to kill it when the thread that forked it ends.
fn die_with_parent(parent: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: prctl with PR_SET_PDEATHSIG takes a signal number and touches no memory.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: getppid has no preconditions. A parent that died before prctl sends no signal.
        if unsafe { libc::getppid() } as u32 != parent {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = parent;
    Ok(())
}

/// Waits for the process, ends what is left of its group, and reaps it.
fn reap(mut child: Child, pid: &Mutex<Option<libc::pid_t>>) -> ExitStatus {
    let id = child.id();
    wait_without_reaping(id);
    // From here to the end of `wait` the process is a zombie: its id and its group's still stand.
    let mut pid = lock(pid);
    signal_group(id as libc::pid_t, libc::SIGKILL);
    *pid = None;
    // It has exited and nobody else waits for it, so `wait` cannot fail.
    child.wait().unwrap_or_default()
}

fn wait_without_reaping(pid: u32) {
    loop {
        // SAFETY: an all-zero siginfo_t is a valid value for waitid to overwrite.
        let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
        // SAFETY: `info` is live and writable; the id is our own child's.
        let result = unsafe {
            libc::waitid(libc::P_PID, pid as libc::id_t, &mut info, libc::WEXITED | libc::WNOWAIT)
        };
        if result == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

fn signal_group(leader: libc::pid_t, signal: libc::c_int) {
    // SAFETY: kill has no memory preconditions. The caller holds the lock that keeps the leader
    // unreaped, so the id is that of our own group. A group that is gone already is no error.
    unsafe { libc::kill(-leader, signal) };
}

/// No code panics while it holds one of these locks, so a poisoned one still guards valid data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
