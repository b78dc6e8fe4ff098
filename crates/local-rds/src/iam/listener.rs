//! Answers the plugins inside the database servers over a Unix socket.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use local_rds_ask::{ALLOWED, REFUSED, receive};

use super::Iam;

/// How long a plugin may take to say who logs in: it has everything at hand when it connects.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait before accepting again when the process has run out of file descriptors.
const PAUSE: Duration = Duration::from_millis(20);

/// A verifier that listens. Dropping it ends that and removes the socket; logins under way are
/// answered still.
#[derive(Debug)]
pub struct Listener {
    socket: PathBuf,
    /// The listening socket under another type: [`UnixStream::shutdown`] wakes up `accept`.
    waker: UnixStream,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    pub(super) fn start(iam: Iam, socket: &Path) -> io::Result<Self> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("verifier socket {}: {error}", socket.display()))
        };
        let listener = UnixListener::bind(socket).map_err(named)?;
        // The server may run as another user than this process. Who may come near the socket is
        // decided by the folder that it is in.
        fs::set_permissions(socket, Permissions::from_mode(0o666)).map_err(named)?;
        let waker = UnixStream::from(OwnedFd::from(listener.try_clone()?));
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new().name("iam-verifier".into()).spawn({
            let stopping = Arc::clone(&stopping);
            move || accept_all(&listener, &iam, &stopping)
        })?;
        Ok(Self { socket: socket.to_owned(), waker, stopping, thread: Some(thread) })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        // On Linux, shutting down a listening socket ends a pending `accept`.
        let woken = self.waker.shutdown(Shutdown::Both);
        if let (Ok(()), Some(thread)) = (woken, self.thread.take()) {
            _ = thread.join();
        }
        _ = fs::remove_file(&self.socket); // gone already if its folder is
    }
}

/// One thread for each login, so that none waits for another.
fn accept_all(listener: &UnixListener, iam: &Iam, stopping: &AtomicBool) {
    while !stopping.load(Ordering::Acquire) {
        let Ok((stream, _)) = listener.accept() else {
            if !stopping.load(Ordering::Acquire) {
                thread::sleep(PAUSE);
            }
            continue;
        };
        let iam = iam.clone();
        // Without a thread the stream is dropped, and the plugin refuses the login.
        _ = thread::Builder::new().name("iam-login".into()).spawn(move || answer(stream, &iam));
    }
}

/// Answers one plugin. When it says nothing sensible, closing the stream tells it to refuse.
fn answer(mut stream: UnixStream, iam: &Iam) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let login = receive(&mut stream)?;
    #[allow(clippy::disallowed_methods, reason = "the boundary: a login happens now")]
    let now = SystemTime::now();
    let verdict = iam.verify(&login.user, &login.password, now);
    stream.write_all(&[if verdict.is_ok() { ALLOWED } else { REFUSED }])
}
