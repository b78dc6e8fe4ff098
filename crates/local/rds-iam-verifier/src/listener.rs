//! Answers the plugins in the database servers over a Unix socket.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use plugin_protocol::{ALLOWED, REFUSED, receive};

use crate::verifier::Verifier;

/// The most logins answered at once: more than a server has connections.
const MAX_LOGINS: usize = 256;
/// How long a plugin may take to send its request: it has everything at hand when it connects.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// The wait before accepting again when the process has run out of file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(20);

/// A verifier that listens. Dropping it stops listening and removes the socket; logins in progress
/// are still answered.
#[derive(Debug)]
pub struct Listener {
    socket: PathBuf,
    /// The listening socket under another type: [`UnixStream::shutdown`] wakes up `accept`.
    waker: UnixStream,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Answers the plugins of database servers on a new Unix socket at `socket`. It answers the user
    /// of this process and `server_user`, the system user that the servers run as, and nobody else.
    ///
    /// # Errors
    /// The verifier's log cannot be written, or the socket cannot be made: its path is longer than
    /// 107 bytes, say, or already exists.
    pub fn start(verifier: &Verifier, socket: &Path, server_user: u32) -> io::Result<Self> {
        verifier.open_log()?;
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("verifier socket {}: {error}", socket.display()))
        };
        let listener = UnixListener::bind(socket).map_err(named)?;
        admit(socket, server_user).map_err(named)?;
        let waker = UnixStream::from(OwnedFd::from(listener.try_clone()?));
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = thread::Builder::new().name("iam-verifier".into()).spawn({
            let (verifier, stopping) = (verifier.clone(), Arc::clone(&stopping));
            move || accept_all(&listener, &verifier, server_user, &stopping)
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

/// Lets `server_user` connect to the socket, by its group of the same number, and no other user.
fn admit(socket: &Path, server_user: u32) -> io::Result<()> {
    let mode = if server_user == own_user() {
        0o600
    } else {
        chown(socket, None, Some(server_user))?;
        0o660
    };
    fs::set_permissions(socket, Permissions::from_mode(mode))
}

/// One thread for each login, so that none waits for another.
fn accept_all(
    listener: &UnixListener,
    verifier: &Verifier,
    server_user: u32,
    stopping: &AtomicBool,
) {
    let open = Arc::new(());
    while !stopping.load(Ordering::Acquire) {
        let Ok((stream, _)) = listener.accept() else {
            if !stopping.load(Ordering::Acquire) {
                thread::sleep(ACCEPT_RETRY);
            }
            continue;
        };
        let is_known = peer_user(&stream).is_ok_and(|user| is_known(user, server_user));
        if Arc::strong_count(&open) > MAX_LOGINS || !is_known {
            continue; // the plugin refuses the login
        }
        let (verifier, open) = (verifier.clone(), Arc::clone(&open));
        let login = move || {
            let _open = open;
            answer(&stream, &verifier)
        };
        // Without a thread the stream is dropped, and the plugin refuses the login.
        _ = thread::Builder::new().name("iam-login".into()).spawn(login);
    }
}

/// Whether `user` is one of the two who are answered.
pub(crate) fn is_known(user: u32, server_user: u32) -> bool {
    user == own_user() || user == server_user
}

/// The user of this process.
#[allow(unsafe_code)]
pub(crate) fn own_user() -> u32 {
    // SAFETY: geteuid(2) has no preconditions and cannot fail.
    unsafe { libc::geteuid() }
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

/// Answers one plugin. Closing the stream after a malformed request tells it to refuse.
fn answer(mut stream: &UnixStream, verifier: &Verifier) -> io::Result<()> {
    stream.set_write_timeout(Some(REQUEST_TIMEOUT))?;
    let until = Instant::now() + REQUEST_TIMEOUT;
    let login = receive(&mut ReadUntil { stream, until })?;
    #[allow(clippy::disallowed_methods, reason = "the boundary: a login happens now")]
    let now = SystemTime::now();
    let verdict = verifier.verify(&login.user, &login.password, now);
    stream.write_all(&[if verdict.is_ok() { ALLOWED } else { REFUSED }])
}

/// A stream whose reads share one deadline, however few bytes each of them brings.
struct ReadUntil<'a> {
    stream: &'a UnixStream,
    until: Instant,
}

impl Read for ReadUntil<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        self.stream.read(buffer)
    }
}
