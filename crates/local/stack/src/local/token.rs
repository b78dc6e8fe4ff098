//! A named pipe that gives each reader a new token, as `$(cat PIPE)`. A file would store one.

use engine::Engine;
use iam_auth::{AuthToken, Endpoint};
use local_rds::Server;
use local_rds::iam::AccessKey;
use local_stack::Failure;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::SystemTime;

/// The pipe. Nobody else can read it.
pub(crate) struct TokenPipe {
    engine: Engine,
    path: PathBuf,
    closed: Arc<AtomicBool>,
}

/// What tokens are signed with and for.
struct Subject {
    endpoint: Endpoint,
    user: String,
    key: AccessKey,
    now: fn() -> SystemTime,
}

impl TokenPipe {
    /// Makes the pipe for a server's user in `folder`.
    pub(crate) fn open(
        folder: &Path,
        server: &Server,
        now: fn() -> SystemTime,
    ) -> Result<TokenPipe, Failure> {
        let engine = server.engine();
        let path = folder.join(format!("{engine}-token"));
        let endpoint = Endpoint::parse(server.host(), server.port())?;
        let (user, key) = (server.user().to_owned(), server.access_key());
        let subject = Subject { endpoint, user, key, now };
        subject.sign()?;
        make(&path).map_err(|error| format!("cannot make the pipe {}: {error}", path.display()))?;
        let closed = Arc::new(AtomicBool::new(false));
        let (to, until) = (path.clone(), closed.clone());
        // It waits for readers, and ends with this process.
        thread::Builder::new()
            .name("tokens".into())
            .spawn(move || while subject.give(&to, &until).is_ok() {})?;
        Ok(TokenPipe { engine, path, closed })
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TokenPipe {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
        // The thread is the reader that it waits for, and then sees that the pipe is closed.
        let wake = OpenOptions::new().read(true).write(true).open(&self.path);
        let _ = fs::remove_file(&self.path);
        drop(wake);
    }
}

impl Subject {
    /// Waits for a reader and writes a token.
    fn give(&self, path: &Path, closed: &AtomicBool) -> Result<(), Failure> {
        let mut pipe = OpenOptions::new().write(true).open(path)?;
        if closed.load(Ordering::Acquire) {
            return Err("the pipe is closed".into());
        }
        // The next reader gets another pipe, or it would read this one's token.
        let next = path.with_extension("next");
        make(&next)?;
        fs::rename(&next, path)?;
        let token = self.sign()?;
        // A reader that is gone does not matter.
        let _ = pipe.write_all(token.expose().as_bytes());
        Ok(())
    }

    fn sign(&self) -> Result<AuthToken, iam_auth::Error> {
        let AccessKey { id, secret, session_token, expires, .. } = self.key.clone();
        let credentials =
            aws_credential_types::Credentials::new(id, secret, session_token, expires, "local");
        iam_auth::sign(&self.endpoint, &self.user, &credentials, (self.now)())
    }
}

/// Makes a pipe that only the user of this process can open.
fn make(path: &Path) -> io::Result<()> {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).map_err(io::Error::from)
}
