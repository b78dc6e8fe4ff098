//! Log files that do not fill a disk, however long somebody fails to log in.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a log may be, in bytes. Beyond it the newest half stays.
pub(crate) const LIMIT: u64 = 4 * 1024 * 1024;
/// How often the log of a server is looked at, which writes it by itself.
const PERIOD: Duration = Duration::from_millis(250);

/// Opens a log to append to, and makes it for this user alone if it is not there.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Removes the oldest lines of a log that is longer than `limit`, so that half of it is free. Whoever
/// appends goes on at the new end; what is appended at this very moment may be lost.
///
/// # Errors
/// The file cannot be read or written.
pub(crate) fn shorten(path: &Path, limit: u64) -> io::Result<()> {
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

/// Keeps a log short that another process appends to, until it is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// Never sent on: the thread waits for it to close.
    keep: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Begins to keep the log at `path` short.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(crate) fn start(path: PathBuf) -> io::Result<Self> {
        let (keep, until_dropped) = mpsc::channel();
        let thread = thread::Builder::new().name("log-keeper".into()).spawn(move || {
            while until_dropped.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                // One that cannot be shortened now is tried again.
                let _ = shorten(&path, LIMIT);
            }
        })?;
        Ok(Self { keep: Some(keep), thread: Some(thread) })
    }
}

impl Drop for Keeper {
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
            shorten(&path, 200).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.len() <= 200 && text.ends_with(&format!("line {number}\n")), "{text}");
            assert!(
                text.lines().all(|line| line.starts_with("line ") || line.starts_with('(')),
                "{text}"
            );
        }
    }
}
