//! Commands that run to their end, and must succeed.

use std::process::Command;

use crate::Error;

/// How many of a program's last lines an error shows.
const LAST_LINES: usize = 8;

/// Runs `command` to its end, with `input` on its standard input. Where it fails, the error ends with
/// the last lines that it printed.
pub(crate) fn must_succeed(command: Command, input: &[u8], what: &str) -> Result<(), Error> {
    let failed = format!("{what} failed");
    let output = child_process::run(command, input).map_err(Error::because(&failed))?;
    if output.status.success() {
        return Ok(());
    }
    let printed = [output.stdout, output.stderr].concat();
    let printed = last_lines(&String::from_utf8_lossy(&printed));
    Err(Error::new(format!("{failed}: {}:\n{printed}", output.status)))
}

/// The last lines of what a program printed, indented.
pub(crate) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    last.iter().map(|line| format!("    {line}\n")).collect()
}
