//! The environment variables with which a program in any language finds a server and signs tokens.

use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use crate::Error;
use crate::server::Server;

impl Server {
    /// The environment of a program that logs in, by name. It holds the access key's secrets.
    ///
    /// `DB_HOST`, `DB_PORT`, `DB_REGION` and `DB_USER` are what a token is signed for, `DB_NAME` is the
    /// database, `DB_CA_BUNDLE` the roots to trust, and `DB_CONNECT_TO` the `host:port` to dial.
    /// `DB_LOGIN_LOG` says why a login was refused. The credentials and the region have AWS's own names.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let key = self.access_key();
        let mut environment = vec![
            ("DB_ENGINE", self.engine().name().to_owned()),
            ("DB_HOST", self.host().to_owned()),
            ("DB_PORT", self.port().to_string()),
            ("DB_REGION", self.region().to_owned()),
            ("DB_USER", self.user().to_owned()),
            ("DB_NAME", self.database().to_owned()),
            ("DB_CA_BUNDLE", self.ca_bundle().display().to_string()),
            ("DB_CONNECT_TO", self.address().to_string()),
            ("DB_LOGIN_LOG", self.iam().log_path().display().to_string()),
            ("AWS_REGION", self.region().to_owned()),
            // boto3 and the AWS CLI do not read AWS_REGION.
            ("AWS_DEFAULT_REGION", self.region().to_owned()),
            ("AWS_ACCESS_KEY_ID", key.id),
            ("AWS_SECRET_ACCESS_KEY", key.secret),
        ];
        environment.extend(key.session_token.map(|token| ("AWS_SESSION_TOKEN", token)));
        environment
    }
}

/// The first line of a file that sets an environment.
pub const MARK: &str = "# written by local-rds; removed when it ends";

/// Writes the file `path`, which sets the variables in a shell that reads it with `.`. Only the user of
/// this process can read it.
///
/// # Errors
/// The file cannot be written: the error names it.
pub fn write<N: AsRef<str>>(environment: &[(N, String)], path: &Path) -> Result<(), Error> {
    // A profile would come before the access key in some SDKs.
    let mut text = format!("{MARK}\nunset AWS_PROFILE\n");
    for (name, value) in environment {
        text += &format!("export {}={}\n", name.as_ref(), quoted(value));
    }
    // It appears complete, so that others may wait for it, and replaces a file that others can read.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file))
        .and_then(|file| file.persist(path).map_err(|error| error.error))
        .map(drop)
        .map_err(Error::io("write", path))
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@:=".contains(&byte);
    if text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{quoted, write};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    #[test]
    fn a_shell_reads_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        std::fs::write(&path, "others could read this").unwrap();
        let odd = "it's $HOME \\ `id`\n\"";
        write(&[("ODD", odd.to_owned()), ("PLAIN", "a/b+c=".to_owned())], &path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let script = format!(". {}; printf %s \"$AWS_PROFILE$PLAIN$ODD\"", path.display());
        let mut shell = Command::new("sh");
        let output = shell.args(["-c", &script]).env("AWS_PROFILE", "own").output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("a/b+c={odd}"));
        assert_eq!(quoted("a/b+c="), "a/b+c=");
    }
}
