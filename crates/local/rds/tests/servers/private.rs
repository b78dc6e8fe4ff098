//! A running server's files are private to its user and bounded.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use local_rds::{Engine, Server};

#[path = "../../../rds-iam-verifier/src/tests/stranger.rs"]
mod stranger;

use stranger::as_stranger;

/// The group of `nobody`, the user of servers when this process is root's.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// Everything in the folder, at any depth, except for files that are removed meanwhile.
fn all_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let with_contents = |path: PathBuf| {
        let is_folder = path.is_dir() && !path.is_symlink();
        let contents = if is_folder { all_in(&path) } else { Vec::new() };
        std::iter::once(path).chain(contents)
    };
    entries.flat_map(with_contents).collect()
}

fn its_folder_is_its_users_alone(engine: Engine) {
    let server = Server::builder(engine).start().unwrap();
    let folder = server.ca_bundle().parent().unwrap().to_owned();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let whole = fs::metadata(&folder).unwrap();
    match is_root() {
        // nobody may pass, but neither list the folder nor create anything there.
        true => assert_eq!((whole.mode() & 0o777, whole.uid(), whole.gid()), (0o710, 0, NOBODY)),
        false => assert_eq!(whole.mode() & 0o777, 0o700),
    }
    for own in ["data", "run"] {
        assert_eq!(mode(&folder.join(own)), 0o700, "{own}");
    }
    for own in ["key.pem", "env", "server.log", "iam.log"] {
        assert_eq!(mode(&folder.join(own)), 0o600, "{own}");
    }
    assert_eq!(mode(&folder.join("iam.sock")) & 0o007, 0, "iam.sock");

    let everything = all_in(&folder);
    let is_socket =
        |path: &&PathBuf| fs::metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let sockets: Vec<&PathBuf> = everything.iter().filter(is_socket).collect();
    assert!(sockets.len() >= 2, "the verifier's and the server's: {sockets:?}");
    if is_root() {
        let reached = as_stranger(|| {
            let mut reached: Vec<&PathBuf> =
                everything.iter().filter(|path| fs::symlink_metadata(path).is_ok()).collect();
            reached.extend(sockets.iter().filter(|path| UnixStream::connect(path).is_ok()));
            assert_eq!(fs::read_dir(&folder).unwrap_err().kind(), ErrorKind::PermissionDenied);
            reached
        });
        assert!(reached.is_empty(), "another user of the machine reaches {reached:?}");
    }
    TcpStream::connect(server.address()).expect("it listens on loopback");
}

for_each_engine!(its_folder_is_its_users_alone);

#[test]
fn the_servers_log_fills_no_disk() {
    let server = Server::builder(Engine::Postgres).start().unwrap();
    let log = server.ca_bundle().with_file_name("server.log");
    for _ in 0..40 {
        let long = "DO $$ BEGIN RAISE LOG '%', repeat('line of a log' || chr(10), 20000); END $$";
        server.execute(long).unwrap();
    }
    server.execute("DO $$ BEGIN RAISE LOG 'the last line'; END $$").unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let is_short = || fs::metadata(&log).unwrap().len() <= 4 * 1024 * 1024;
    // It is empty for a moment while it is shortened.
    while !(is_short() && server.log().contains("older lines were removed")) {
        assert!(Instant::now() < deadline, "the log is not shortened");
        thread::sleep(Duration::from_millis(20));
    }
    // The server continues at the new end.
    server.execute("DO $$ BEGIN RAISE LOG 'one more line'; END $$").unwrap();
    assert!(server.log().contains("one more line"));
}
