//! Answers the plugins inside the database servers over a Unix socket.

use std::fs;
use std::io::{self, Read, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use plugin_protocol::{ALLOWED, REFUSED, receive};

use super::Iam;
use crate::account::Account;

/// How many logins are answered side by side: more than a server has connections.
const LOGINS: usize = 256;
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
        Account::for_servers().admit_alone(socket).map_err(named)?;
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
    let open = Arc::new(());
    while !stopping.load(Ordering::Acquire) {
        let Ok((stream, _)) = listener.accept() else {
            if !stopping.load(Ordering::Acquire) {
                thread::sleep(PAUSE);
            }
            continue;
        };
        if Arc::strong_count(&open) > LOGINS || !is_known(&stream) {
            continue; // the plugin refuses the login
        }
        let (iam, open) = (iam.clone(), Arc::clone(&open));
        let login = move || {
            let _open = open;
            answer(&stream, &iam)
        };
        // Without a thread the stream is dropped, and the plugin refuses the login.
        _ = thread::Builder::new().name("iam-login".into()).spawn(login);
    }
}

/// Whether at the other end is a server's user, or this process's.
fn is_known(stream: &UnixStream) -> bool {
    peer_user(stream).is_ok_and(|user| Account::for_servers().knows(user))
}

/// The user who connected the other end (SO_PEERCRED, unix(7)).
#[allow(unsafe_code, reason = "the standard library's form of it is not stable")]
fn peer_user(stream: &UnixStream) -> io::Result<u32> {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of_val(&peer) as libc::socklen_t;
    // SAFETY: the descriptor is open, and `peer` is live and as long as `length` says.
    let result = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut length,
        )
    };
    if result == 0 { Ok(peer.uid) } else { Err(io::Error::last_os_error()) }
}

/// Answers one plugin. When it says nothing sensible, closing the stream tells it to refuse.
fn answer(mut stream: &UnixStream, iam: &Iam) -> io::Result<()> {
    stream.set_write_timeout(Some(PATIENCE))?;
    let login = receive(&mut InTime { stream, until: Instant::now() + PATIENCE })?;
    #[allow(clippy::disallowed_methods, reason = "the boundary: a login happens now")]
    let now = SystemTime::now();
    let verdict = iam.verify(&login.user, &login.password, now);
    stream.write_all(&[if verdict.is_ok() { ALLOWED } else { REFUSED }])
}

/// A stream whose reads all end at one time, however little each of them brings.
struct InTime<'a> {
    stream: &'a UnixStream,
    until: Instant,
}

impl Read for InTime<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}
