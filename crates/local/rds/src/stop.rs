//! Ctrl-C and SIGTERM.

#![allow(unsafe_code)] // signal handlers

use std::io::{self, Read};
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, Ordering};

use libc::c_int;

/// Where the handler writes to.
static PIPE: AtomicI32 = AtomicI32::new(-1);

/// The signals to come.
pub(crate) struct Signals(UnixStream);

/// Catches SIGINT and SIGTERM from now on. Child processes do not.
pub(crate) fn signals() -> io::Result<Signals> {
    let (receiver, sender) = UnixStream::pair()?;
    PIPE.store(sender.into_raw_fd(), Ordering::Release);
    let handler = on_signal as extern "C" fn(c_int);
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the handler does nothing that is not safe in one.
        if unsafe { libc::signal(signal, handler as libc::sighandler_t) } == libc::SIG_ERR {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(Signals(receiver))
}

impl Signals {
    /// Waits for one.
    pub(crate) fn wait(&mut self) {
        // It cannot fail: the other end stays open as long as the process.
        let _ = self.0.read_exact(&mut [0]);
    }
}

extern "C" fn on_signal(_signal: c_int) {
    // SAFETY: write(2) is safe in a signal handler. If the pipe is full, signals enough are in it.
    unsafe { libc::write(PIPE.load(Ordering::Acquire), [0_u8].as_ptr().cast(), 1) };
}
