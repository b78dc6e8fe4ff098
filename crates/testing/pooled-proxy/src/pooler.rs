//! PgBouncer in front of a server, which it logs in to with a token.

use aws_credential_types::Credentials;
use child_process::{LogFile, Process};
use iam_auth::{Endpoint, sign};
use local_rds::Server;
use std::error::Error;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};
use tempfile::TempDir;

/// Its number in the name of the socket.
const PORT: u16 = 6432;
/// `nobody` and its group: PgBouncer refuses to run as root.
const NOBODY: u32 = 65_534;
const START_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// A running PgBouncer. It listens on a socket that only its user and root can reach.
pub(crate) struct Pooler {
    // Dropped in this order.
    _process: Process,
    log: LogFile,
    folder: TempDir,
}

impl Pooler {
    /// Starts it with `connections` to `server`, each of which serves one transaction after another.
    pub(crate) fn start(server: &Server, connections: u32) -> Result<Pooler, Box<dyn Error>> {
        let program = local_packages::fetch_pooler(&mut |_| ())?;
        // The path of a socket is short.
        let folder = TempDir::with_prefix_in("pooled-proxy-", "/tmp")?;
        let socket = folder.path().to_owned();
        let log = LogFile::create(folder.path().join("log"))?;
        let files = [
            ("users.txt", format!("\"{}\" \"{}\"\n", server.user(), token(server)?)),
            ("ca.pem", fs::read_to_string(server.ca_bundle())?),
            ("pgbouncer.ini", settings(server, &socket, connections)),
        ];
        for (name, text) in files {
            write_private(&socket.join(name), &text)?;
        }
        let mut command = program.command();
        command.arg(socket.join("pgbouncer.ini")).stdout(log.writer()?).stderr(log.writer()?);
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
            chown(&socket, Some(NOBODY), Some(NOBODY))?;
        }
        let pooler = Pooler { _process: Process::start(command, libc::SIGTERM)?, log, folder };
        let deadline = Instant::now() + START_TIMEOUT;
        while UnixStream::connect(pooler.socket()).is_err() {
            if Instant::now() > deadline {
                return Err(format!("PgBouncer does not start: {}", pooler.log()).into());
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(pooler)
    }

    /// The socket that it listens on.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join(format!(".s.PGSQL.{PORT}"))
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.text()
    }
}

/// Its configuration: <https://www.pgbouncer.org/config.html>.
fn settings(server: &Server, folder: &Path, connections: u32) -> String {
    let (folder, database) = (folder.display(), server.database());
    let port = server.address().port();
    format!(
        "[databases]\n\
         {database} = host=127.0.0.1 port={port} dbname={database}\n\
         [pgbouncer]\n\
         listen_addr =\n\
         listen_port = {PORT}\n\
         unix_socket_dir = {folder}\n\
         unix_socket_mode = 0700\n\
         auth_type = trust\n\
         auth_file = {folder}/users.txt\n\
         pool_mode = transaction\n\
         default_pool_size = {connections}\n\
         server_tls_sslmode = verify-ca\n\
         server_tls_ca_file = {folder}/ca.pem\n"
    )
}

/// The password with which it logs in to the server.
fn token(server: &Server) -> Result<String, Box<dyn Error>> {
    let key = server.access_key();
    let keys = Credentials::new(key.id, key.secret, key.session_token, key.expires, "pooler");
    let endpoint = Endpoint::parse(server.host(), server.port())?;
    #[allow(clippy::disallowed_methods, reason = "the boundary: the token is valid from now on")]
    let now = SystemTime::now();
    Ok(sign(&endpoint, server.user(), &keys, now)?.expose().to_owned())
}

/// Writes a file that only PgBouncer can read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    fs::write(path, "")?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY))?;
    }
    fs::write(path, text)
}

/// The kernel shows the effective user of a process as the owner of its folder in `/proc`.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
