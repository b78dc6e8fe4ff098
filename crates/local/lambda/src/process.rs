//! One `bootstrap` process: started, frozen, measured, and certain to end.

use std::{
    fs, io,
    net::SocketAddr,
    process::{Command, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::watch;

use crate::peer;

/// A running process and the group it leads. Dropped, it is killed and reaped.
#[derive(Debug)]
pub(crate) struct Process {
    child: child_process::Process,
    exited: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts the command in a process group of its own. It dies with this process, however this
    /// process dies.
    pub(crate) fn spawn(command: Command) -> io::Result<Self> {
        let (sender, exited) = watch::channel(None);
        let on_exit = move |status| {
            sender.send_replace(Some(status));
        };
        let child = child_process::Process::start_with(command, libc::SIGKILL, on_exit)?;
        Ok(Self { child, exited })
    }

    /// Stops it, as Lambda freezes an environment between invocations.
    pub(crate) fn freeze(&self) {
        self.child.signal_group(libc::SIGSTOP);
    }

    /// Lets it continue after [`freeze`](Self::freeze).
    pub(crate) fn thaw(&self) {
        self.child.signal_group(libc::SIGCONT);
    }

    /// Asks it to end, frozen or not.
    pub(crate) fn terminate(&self) {
        self.child.signal_group(libc::SIGTERM);
        self.thaw();
    }

    /// Kills it, frozen or not. It is gone once [`exited`](Self::exited) resolves.
    pub(crate) fn kill(&self) {
        self.child.signal_group(libc::SIGKILL);
    }

    /// Kills it and waits, blocking for the moment that takes, until it is reaped.
    pub(crate) fn kill_and_reap(&self) {
        self.child.end();
    }

    /// Resolves with the exit status once the process has been reaped.
    pub(crate) async fn exited(&self) -> ExitStatus {
        let mut exited = self.exited.clone();
        match exited.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(status)) => *status,
            // Only a sender that panicked is dropped without a status.
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
        let path = |id| format!("/proc/{id}/status");
        let status = self.child.with_id(|id| fs::read_to_string(path(id)))?.ok()?;
        let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        value.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Whether it, or another process of its group, has the other end of the connection that `peer`
    /// made to `own`. Assumed where the system has no `/proc` to tell.
    pub(crate) fn is_peer(&self, peer: SocketAddr, own: SocketAddr) -> bool {
        if cfg!(not(target_os = "linux")) {
            return true;
        }
        let Some(number) = peer::socket_of(peer, own) else { return false };
        let has_it = |id| peer::has_socket(id, number);
        let found = |leader| has_it(leader) || peer::group(leader).any(has_it);
        self.child.with_id(found).unwrap_or(false)
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

/// No code panics while it holds the lock, so a poisoned one still guards valid data.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
