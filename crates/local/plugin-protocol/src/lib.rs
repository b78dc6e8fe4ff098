//! How a database server plugin asks the verifier whether a login is allowed.
//!
//! The plugins run inside `mysqld`, `mariadbd` and `postgres`, where little code should run. They send
//! the user name and the password over a Unix socket and receive one byte. The decision is made on the
//! other side, by `rds-iam-verifier`.
//!
//! One login per connection. Request: two fields, each a big-endian `u32` length and that many
//! bytes: user, password. Answer: one byte, [`ALLOWED`] or anything else for refused.

use std::env;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The environment variable of a server process that holds the path of the verifier's socket.
pub const SOCKET_VARIABLE: &str = "LOCAL_RDS_VERIFIER";
/// The environment variable of PostgreSQL's process that names the folder of its PAM services.
pub const PAM_FOLDER_VARIABLE: &str = "LOCAL_RDS_PAM_FOLDER";

/// The answer that allows a login.
pub const ALLOWED: u8 = b'+';
/// The answer that refuses a login.
pub const REFUSED: u8 = b'-';

/// The longest field accepted. A token is a few kB, and PostgreSQL limits a password to 64 KiB.
const FIELD_LIMIT: u32 = 128 << 10;
/// How long a server waits for an answer before it refuses.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The user and password of a login.
///
/// It has no `Debug`: the password is a token.
pub struct Login {
    /// The database user.
    pub user: Vec<u8>,
    /// The password, without its final NUL byte.
    pub password: Vec<u8>,
}

/// Asks the verifier named by [`SOCKET_VARIABLE`] about `login`.
///
/// # Errors
/// The variable is not set, or the verifier cannot be reached or does not answer in ten seconds.
/// The caller must then refuse the login.
pub fn ask(login: &Login) -> io::Result<bool> {
    let socket = env::var_os(SOCKET_VARIABLE)
        .ok_or_else(|| io::Error::other(format!("{SOCKET_VARIABLE} is not set")))?;
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    for field in [&login.user, &login.password] {
        let length = u32::try_from(field.len()).map_err(io::Error::other)?;
        stream.write_all(&length.to_be_bytes())?;
        stream.write_all(field)?;
    }
    let mut verdict = [REFUSED];
    stream.read_exact(&mut verdict)?;
    Ok(verdict == [ALLOWED])
}

/// Reads the login that a plugin sent: the verifier's side of [`ask`].
///
/// # Errors
/// The stream ended early, or a field is longer than 128 KiB.
pub fn receive(stream: &mut impl Read) -> io::Result<Login> {
    let mut field = || {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length > FIELD_LIMIT {
            return Err(io::Error::other(format!("a field of {length} bytes is too long")));
        }
        let mut bytes = vec![0; length as usize];
        stream.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    Ok(Login { user: field()?, password: field()? })
}
