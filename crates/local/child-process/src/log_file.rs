//! Log files that never fill a disk, however much is written to them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The largest size of a log, in bytes. Beyond it the newest half stays.
const LIMIT: u64 = 4 * 1024 * 1024;
/// How often the log of another process is checked.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);

/// Opens a log to append to, and creates it, readable by this user alone, if it is not there.
///
/// # Errors
/// The file cannot be written.
pub fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Removes the oldest lines of a log that is longer than 4 MiB, so that half of that is free.
/// Writers that append continue at the new end; what is appended at the same moment may be lost.
///
/// # Errors
/// The file cannot be read or written.
pub fn shorten(path: &Path) -> io::Result<()> {
    shorten_to(path, LIMIT)
}

fn shorten_to(path: &Path, limit: u64) -> io::Result<()> {
    let length = fs::metadata(path)?.len();
    if length <= limit {
        return Ok(());
    }
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    file.seek(SeekFrom::Start(length - limit / 2))?;
    let mut newest = Vec::new();
    (&file).take(limit / 2).read_to_end(&mut newest)?;
    let line = newest.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    file.set_len(0)?;
    file.write_all(b"(older lines were removed)\n")?;
    file.write_all(&newest[line..])
}

/// The log of a child process, kept short until it is dropped.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    /// Never sent on: the thread waits for it to close.
    keep: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LogFile {
    /// Creates an empty log at `path`.
    ///
    /// # Errors
    /// The file cannot be written, or no thread can be started.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        open(&path)?.set_len(0)?;
        let (keep, until_dropped) = mpsc::channel();
        let thread = thread::Builder::new().name("log-keeper".into()).spawn({
            let path = path.clone();
            move || {
                while until_dropped.recv_timeout(CHECK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    // A log that cannot be shortened now is tried again.
                    let _ = shorten(&path);
                }
            }
        })?;
        Ok(Self { path, keep: Some(keep), thread: Some(thread) })
    }

    /// A file for a child process to append its output to.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn writer(&self) -> io::Result<File> {
        open(&self.path)
    }

    /// What was written so far; empty if the file cannot be read.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = fs::read(&self.path).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for LogFile {
    fn drop(&mut self) {
        self.keep = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut file = open(&path).unwrap();
        for number in 0..1000 {
            writeln!(file, "line {number}").unwrap();
            shorten_to(&path, 200).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.len() <= 200 && text.ends_with(&format!("line {number}\n")), "{text}");
            assert!(
                text.lines().all(|line| line.starts_with("line ") || line.starts_with('(')),
                "{text}"
            );
        }
    }
}
