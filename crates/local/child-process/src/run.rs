//! A command that runs to its end.

use std::io::{self, Write};
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::spawn::bind_to_this_thread;

/// Runs `command` to its end, with `input` on its standard input, and returns what it printed. It is
/// killed when this process ends first.
///
/// # Errors
/// The program cannot be run.
pub fn run(mut command: Command, input: &[u8]) -> io::Result<Output> {
    bind_to_this_thread(&mut command, libc::SIGKILL);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    thread::scope(|scope| {
        // It may print more than a pipe holds before it has read everything.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    })
}
