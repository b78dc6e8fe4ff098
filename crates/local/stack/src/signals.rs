//! Ctrl-C and SIGTERM.

use local_stack::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that end the program, caught from the moment this is made.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn catch() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one, and returns the exit code of a program that it ends, as shells count it.
    pub(crate) async fn received(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 130,
            _ = self.terminate.recv() => 143,
        }
    }
}
