//! Signals, as events.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::thread;

use libc::c_int;
use tokio::runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a terminal sends to a command as well as to this program.
const OF_TERMINALS: [c_int; 2] = [libc::SIGINT, libc::SIGQUIT];

/// Catches the signals from now on, and calls `act` with the number of each that arrives.
pub(crate) fn on_signals(
    signals: &[c_int],
    mut act: impl FnMut(c_int) + Send + 'static,
) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let caught: io::Result<Vec<(c_int, Signal)>> = {
        let _context = runtime.enter();
        let catch = |&number: &c_int| Ok((number, signal(SignalKind::from_raw(number))?));
        signals.iter().map(catch).collect()
    };
    let mut caught = caught?;
    thread::spawn(move || {
        loop {
            let next = caught.iter_mut().map(|(number, signal)| {
                Box::pin(async move {
                    signal.recv().await;
                    *number
                })
            });
            act(runtime.block_on(futures_util::future::select_all(next)).0);
        }
    });
    Ok(())
}

/// Sends `signal` to a process that is not yet reaped. A terminal has sent its own to everything in the
/// foreground.
#[allow(unsafe_code)]
pub(crate) fn pass_on(signal: c_int, process: u32) {
    if OF_TERMINALS.contains(&signal) && is_in_foreground() {
        return;
    }
    // SAFETY: kill(2) touches no memory. A process that has just ended ignores the signal.
    unsafe { libc::kill(process.cast_signed(), signal) };
}

/// Whether a terminal's keys send signals to this program.
#[allow(unsafe_code)]
fn is_in_foreground() -> bool {
    let Ok(terminal) = File::open("/dev/tty") else { return false };
    // SAFETY: neither call touches memory, and the file is open.
    unsafe { libc::tcgetpgrp(terminal.as_raw_fd()) == libc::getpgrp() }
}
