//! A process and its children, by proc(5). The caller keeps the process from being reaped.

use std::fs;
use std::iter;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use libc::pid_t;

use crate::signal::send;

/// How long processes may take to stop, or to be gone.
const TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// The process, and then its children, those that it has yet to reap included.
pub(crate) fn all(id: pid_t) -> Vec<pid_t> {
    iter::once(id).chain(children(id)).collect()
}

/// Stops the process and its children, and waits until every thread has stopped.
pub(crate) fn stop(id: pid_t) {
    let deadline = Instant::now() + TIMEOUT;
    let at_rest = |thread: &PathBuf| matches!(state(thread), None | Some('T' | 'Z'));
    let stopped = |&id: &pid_t| threads(id).iter().all(at_rest);
    loop {
        all(id).into_iter().for_each(|id| send(libc::SIGSTOP, id));
        // Once it has stopped it starts no more; what it started last has not had the signal.
        let all_stopped = stopped(&id) && children(id).iter().all(stopped);
        if all_stopped || Instant::now() > deadline {
            return;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Kills the process and its children, and waits until all are gone.
pub(crate) fn kill(id: pid_t) {
    // None of them starts another one, or hands its id on, while its parent is stopped.
    stop(id);
    let all = all(id);
    all.iter().for_each(|&id| send(libc::SIGKILL, id));
    let deadline = Instant::now() + TIMEOUT;
    while all.iter().any(|&id| is_alive(id)) && Instant::now() < deadline {
        thread::sleep(POLL_INTERVAL);
    }
}

/// The children of each thread of `parent` that it has not reaped.
fn children(parent: pid_t) -> Vec<pid_t> {
    let lists = threads(parent).into_iter();
    let lists = lists.filter_map(|thread| fs::read_to_string(thread.join("children")).ok());
    let lists: Vec<_> = lists.collect();
    let ids = lists.iter().flat_map(|list| list.split_whitespace());
    ids.filter_map(|id| id.parse().ok()).collect()
}

/// The folders of the threads of process `id`.
fn threads(id: pid_t) -> Vec<PathBuf> {
    let threads = fs::read_dir(format!("/proc/{id}/task"));
    threads.into_iter().flatten().flatten().map(|thread| thread.path()).collect()
}

/// Whether the process `id` runs; a zombie does not.
fn is_alive(id: pid_t) -> bool {
    !matches!(state(Path::new(&format!("/proc/{id}"))), None | Some('Z'))
}

/// The state of a process or thread, by its folder: `T` for stopped, `Z` for a zombie.
fn state(folder: &Path) -> Option<char> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // The name in brackets may hold anything; the state follows it.
    stat.rsplit_once(") ")?.1.chars().next()
}
