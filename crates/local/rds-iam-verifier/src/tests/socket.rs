//! The verifier behind its socket, asked as the plugins ask (`plugin_protocol`).

use std::fs;
use std::io;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use plugin_protocol::{ALLOWED, REFUSED};

use super::stranger::{self, STRANGER};
use super::*;
use crate::listener::{is_known, own_user};
use crate::log::Log;

/// The system user that servers run as when this process is root's: `nobody`.
const NOBODY: u32 = 65_534;

/// What the verifier answers to `request`: nothing at all when it closes the stream.
fn answer(socket: &Path, request: &[u8]) -> Vec<u8> {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(request).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

fn login(user: &str, password: &str) -> Vec<u8> {
    [user, password]
        .iter()
        .flat_map(|field| [&(field.len() as u32).to_be_bytes(), field.as_bytes()].concat())
        .collect()
}

/// Listens for servers that run as they do under this process's user.
fn listen(verifier: &Verifier, socket: &Path) -> io::Result<Listener> {
    let server_user = if own_user() == 0 { NOBODY } else { own_user() };
    Listener::start(verifier, socket, server_user)
}

/// A verifier whose clock shows when the vector was signed.
fn listening(vector: &Vector) -> (Fixture, Listener, PathBuf) {
    let fixture = vector.fixture();
    #[allow(clippy::disallowed_methods, reason = "the listener goes by the real clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    fixture.verifier.set_clock_offset(vector.unix_time as i64 - now as i64 + 60);
    let socket = fixture.folder.path().join("verifier");
    let listener = listen(&fixture.verifier, &socket).unwrap();
    (fixture, listener, socket)
}

#[test]
fn logins_are_answered_side_by_side() {
    let vector = vector();
    let (fixture, _listener, socket) = listening(&vector);
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o007, 0, "open to all");
    // One that says nothing holds up no one.
    let _silent = UnixStream::connect(&socket).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                assert_eq!(answer(&socket, &login("peccy", &vector.token)), [ALLOWED]);
                assert_eq!(answer(&socket, &login("other", &vector.token)), [REFUSED]);
                assert_eq!(answer(&socket, &login("peccy", "")), [REFUSED]);
            });
        }
    });
    assert_eq!(fixture.verifier.refusals().len(), 16);
    assert_eq!(fixture.log().lines().count(), 24);
}

/// Runs `act` as another user of the system, where this process may become one.
fn as_stranger<T: Send>(act: impl FnOnce() -> T + Send) -> Option<T> {
    (own_user() == 0).then(|| stranger::as_stranger(act))
}

#[test]
fn nobody_but_the_servers_user_and_this_one_is_answered() {
    for (server_user, known) in [(own_user(), vec![own_user()]), (NOBODY, vec![own_user(), NOBODY])]
    {
        for user in [0, 1, 1000, STRANGER, NOBODY, own_user(), own_user() + 1] {
            assert_eq!(is_known(user, server_user), known.contains(&user), "{server_user}: {user}");
        }
    }
    let vector = vector();
    let (fixture, _listener, socket) = listening(&vector);
    let request = login("peccy", &vector.token);
    let refused = as_stranger(|| UnixStream::connect(&socket).map(drop).unwrap_err().kind());
    assert!(matches!(refused, None | Some(io::ErrorKind::PermissionDenied)), "{refused:?}");

    // Whatever the modes are, it is asked who is there.
    for (path, mode) in [(fixture.folder.path(), 0o755), (&socket, 0o666)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let unanswered = as_stranger(|| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        // It may be closed before all is written.
        _ = stream.write_all(&request);
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer);
        answer
    });
    assert!(unanswered.is_none_or(|answer| answer.is_empty()));
    assert_eq!(fixture.verifier.refusals(), [""; 0], "nothing is decided, and nothing logged");
    assert_eq!(answer(&socket, &request), [ALLOWED]);
}

#[test]
fn connections_are_few_and_short() {
    let vector = vector();
    let (_fixture, _listener, socket) = listening(&vector);
    let is_closed = |stream: &mut UnixStream, patience: u64| {
        stream.set_read_timeout(Some(Duration::from_secs(patience))).unwrap();
        matches!(stream.read(&mut [0]), Ok(0))
    };
    let start = Instant::now();
    let mut silent: Vec<_> = (0..257).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    assert!(is_closed(&mut silent.pop().unwrap(), 5), "there is no end to connections");
    // A byte now and then keeps none open for longer.
    let mut dripping = silent.pop().unwrap();
    let request = login("peccy", &vector.token);
    let mut bytes = request.iter();
    while dripping.write_all(&[*bytes.next().unwrap()]).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(20), "there is no end to a connection");
        thread::sleep(Duration::from_millis(2500));
    }
    assert!(silent.iter_mut().all(|silent| is_closed(silent, 5)));
    assert_eq!(answer(&socket, &login("peccy", &vector.token)), [ALLOWED]);
}

#[test]
fn failed_logins_fill_no_disk() {
    let fixture = vector().fixture();
    let name = "n".repeat(1000);
    let password = format!("host/?Action=connect&X-Amz-Credential={}", "c".repeat(100_000));
    for attempt in 0..30_000 {
        let user = format!("{attempt}{name}");
        fixture.verifier.verify(user.as_bytes(), password.as_bytes(), UNIX_EPOCH).unwrap_err();
    }
    let length = fs::metadata(fixture.verifier.log_path()).unwrap().len();
    assert!(length <= 4 * 1024 * 1024, "{length} bytes");
    let refusals = fixture.verifier.refusals();
    assert_eq!(refusals.len(), 10_000);
    let long = Err(Refusal::NoPolicy { arn: "a".repeat(100_000) });
    let log = Log::new(fixture.folder.path().join("long.log"));
    log.record(UNIX_EPOCH, b"user", &long);
    assert!(refusals.iter().chain(&log.refusals()).all(|line| line.len() < 3000));
    assert!(refusals[9_999].contains("\"29999"), "the newest stay: {}", refusals[9_999]);
}

#[test]
fn half_a_request_gets_no_answer() {
    let (fixture, _listener, socket) = listening(&vector());
    let whole = login("peccy", "x");
    for length in 0..whole.len() {
        assert_eq!(answer(&socket, &whole[..length]), b"", "{length}");
    }
    assert_eq!(answer(&socket, &u32::MAX.to_be_bytes()), b"");
    assert_eq!(answer(&socket, &whole), [REFUSED]);
    assert_eq!(fixture.verifier.refusals().len(), 1);
}

#[test]
fn dropping_ends_it_and_the_path_can_be_used_again() {
    let vector = vector();
    let (fixture, listener, socket) = listening(&vector);
    let _silent = UnixStream::connect(&socket).unwrap();
    drop(listener);
    assert!(!socket.exists());
    UnixStream::connect(&socket).unwrap_err();

    let _listener = listen(&fixture.verifier, &socket).unwrap();
    assert_eq!(answer(&socket, &login("peccy", &vector.token)), [ALLOWED]);
    let error = listen(&fixture.verifier, &socket).unwrap_err();
    assert!(error.to_string().contains(&*socket.to_string_lossy()), "{error}");
}

#[test]
fn a_folder_removed_first_is_no_trouble() {
    let (fixture, listener, _) = listening(&vector());
    fixture.folder.close().unwrap();
    drop(listener);
}
