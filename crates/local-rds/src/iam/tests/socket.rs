//! The verifier behind its socket, asked as the plugins ask (`local_rds_ask`).

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::thread;

use local_rds_ask::{ALLOWED, REFUSED};

use super::*;

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

/// A verifier whose clock shows when the vector was signed.
fn listening(vector: &Vector) -> (Verifier, Listener, PathBuf) {
    let verifier = vector.verifier();
    #[allow(clippy::disallowed_methods, reason = "the listener goes by the real clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    verifier.iam.set_clock_offset(vector.unix_time as i64 - now as i64 + 60);
    let socket = verifier.folder.path().join("verifier");
    let listener = verifier.iam.listen(&socket).unwrap();
    (verifier, listener, socket)
}

#[test]
fn logins_are_answered_side_by_side() {
    let vector = vector();
    let (verifier, _listener, socket) = listening(&vector);
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o666);
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
    assert_eq!(verifier.iam.refusals().len(), 16);
    assert_eq!(verifier.log().lines().count(), 24);
}

#[test]
fn half_a_request_gets_no_answer() {
    let (verifier, _listener, socket) = listening(&vector());
    let whole = login("peccy", "x");
    for length in 0..whole.len() {
        assert_eq!(answer(&socket, &whole[..length]), b"", "{length}");
    }
    assert_eq!(answer(&socket, &u32::MAX.to_be_bytes()), b"");
    assert_eq!(answer(&socket, &whole), [REFUSED]);
    assert_eq!(verifier.iam.refusals().len(), 1);
}

#[test]
fn dropping_ends_it_and_the_path_can_be_used_again() {
    let vector = vector();
    let (verifier, listener, socket) = listening(&vector);
    let _silent = UnixStream::connect(&socket).unwrap();
    drop(listener);
    assert!(!socket.exists());
    UnixStream::connect(&socket).unwrap_err();

    let _listener = verifier.iam.listen(&socket).unwrap();
    assert_eq!(answer(&socket, &login("peccy", &vector.token)), [ALLOWED]);
    let error = verifier.iam.listen(&socket).unwrap_err();
    assert!(error.to_string().contains(&*socket.to_string_lossy()), "{error}");
}

#[test]
fn a_folder_removed_first_is_no_trouble() {
    let (verifier, listener, _) = listening(&vector());
    verifier.folder.close().unwrap();
    drop(listener);
}
