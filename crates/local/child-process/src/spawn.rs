//! How a child process is bound to this one.

#![allow(unsafe_code)] // what runs between fork and exec

use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use libc::c_int;

/// Has `command` lead a process group, so that it gets no signals from the terminal, and get `signal`
/// when the calling *thread* ends (`PR_SET_PDEATHSIG`, prctl(2)).
pub(crate) fn bind_to_this_thread(command: &mut Command, signal: c_int) {
    let parent = std::process::id();
    command.process_group(0);
    let prepare = move || {
        end_with_parent(parent, signal)?;
        unblock_signals();
        Ok(())
    };
    // SAFETY: the closure allocates nothing and takes no lock.
    unsafe { command.pre_exec(prepare) };
}

#[cfg(target_os = "linux")]
fn end_with_parent(parent: u32, signal: c_int) -> io::Result<()> {
    // SAFETY: both calls are safe between fork and exec (signal-safety(7)) and touch no memory.
    let (result, current_parent) =
        unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, signal), libc::getppid()) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // A parent that died before prctl sends no signal.
    if current_parent.cast_unsigned() == parent {
        Ok(())
    } else {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[cfg(not(target_os = "linux"))]
fn end_with_parent(_parent: u32, _signal: c_int) -> io::Result<()> {
    Ok(())
}

/// A program that waits for signals blocks them, and its children inherit that.
fn unblock_signals() {
    // SAFETY: these calls are safe between fork and exec, and the set is initialised before it is
    // used.
    unsafe {
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}
