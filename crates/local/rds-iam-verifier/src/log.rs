//! The log of logins: one line for each, with the reason of a refusal and what to do about it.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use child_process::log_file;

use crate::calendar::iso_8601;
use crate::refusal::Refusal;

/// How many characters of a user name are written.
const USER_LIMIT: usize = 128;
/// The length of a line in bytes: reasons quote the token.
const LINE_LIMIT: usize = 2048;
/// How many refusals are kept, the newest.
const REFUSALS_LIMIT: usize = 10_000;

/// The log: a file for people, and the refusals in memory for tests.
pub(crate) struct Log {
    path: PathBuf,
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    file: Option<File>,
    refusals: VecDeque<String>,
}

impl Log {
    /// A log at `path`, which is created with the first line, or by [`open`](Self::open).
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, entries: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates or opens the file.
    ///
    /// # Errors
    /// The file cannot be written: the error names it.
    pub(crate) fn open(&self) -> io::Result<()> {
        self.entries().file(&self.path).map(drop).map_err(|error| {
            io::Error::new(error.kind(), format!("login log {}: {error}", self.path.display()))
        })
    }

    /// The newest refusals, each as its line in the file.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.entries().refusals.iter().cloned().collect()
    }

    /// Logs the decision about the login of `user` at `now`.
    pub(crate) fn record(&self, now: SystemTime, user: &[u8], verdict: &Result<(), Refusal>) {
        let mut line = format!("{} ", iso_8601(now));
        // Names are escaped, so that none of them adds a line. Writing to a String cannot fail.
        let user: String = String::from_utf8_lossy(user).chars().take(USER_LIMIT).collect();
        _ = match verdict {
            Ok(()) => write!(line, "allowed {user:?}"),
            Err(why) => write!(line, "refused {user:?}: {why}; {}", why.advice()),
        };
        line.truncate(line.floor_char_boundary(LINE_LIMIT));
        let mut entries = self.entries();
        let written = entries
            .file(&self.path)
            .and_then(|file| writeln!(file, "{line}"))
            .and_then(|()| log_file::shorten(&self.path));
        if verdict.is_err() {
            entries.remember(line);
        }
        if let Err(error) = written {
            entries.remember(format!("{} this line is not in the log: {error}", iso_8601(now)));
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Each change is one push or one open: a panic elsewhere leaves nothing half done.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn file(&mut self, path: &Path) -> io::Result<&mut File> {
        match &mut self.file {
            Some(file) => Ok(file),
            none => Ok(none.insert(log_file::open(path)?)),
        }
    }

    fn remember(&mut self, refusal: String) {
        self.refusals.push_back(refusal);
        if self.refusals.len() > REFUSALS_LIMIT {
            self.refusals.pop_front();
        }
    }
}
