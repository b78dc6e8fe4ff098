//! The file of `--env`, which other programs wait for.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use local_rds::{ENVIRONMENT_MARK, Server};
use tempfile::NamedTempFile;

use super::{Failure, document};

/// The file, which is removed when this value is dropped: its servers are gone.
pub(crate) struct EnvFile(PathBuf);

impl EnvFile {
    /// Makes sure that the file can be written. One that a killed program has left is removed: who waits
    /// for the file would find ports of nobody.
    ///
    /// # Errors
    /// There is a file of another's, or none can be written there.
    pub(crate) fn prepare(path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("--env {shown}: {error}").into()),
            Ok(found) if found.is_file() && is_ours(path) => fs::remove_file(path)
                .map_err(|error| format!("--env: cannot remove the old {shown}: {error}"))?,
            Ok(_) => {
                return Err(format!(
                    "--env {shown}: it is there, and local-rds has not written it: name another file, \
                     or remove this one"
                )
                .into());
            }
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            return Err(format!("--env {shown}: there is no folder {}", folder.display()).into());
        }
        // It is removed at once. Its own error would name it.
        NamedTempFile::new_in(folder).map(drop).map_err(|error| {
            format!("--env {shown}: a file cannot be written there: {}", error.kind()).into()
        })
    }

    pub(crate) fn write(path: &Path, servers: &[Server]) -> Result<Self, Failure> {
        let environment: Vec<_> = document::environment(servers).into_iter().collect();
        local_rds::write_environment(&environment, path)?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        if is_ours(&self.0) {
            // It may have been removed already.
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Whether its first line says so.
fn is_ours(path: &Path) -> bool {
    let first = || -> io::Result<String> {
        let mut line = String::new();
        BufReader::new(File::open(path)?).read_line(&mut line)?;
        Ok(line)
    };
    first().is_ok_and(|line| line.trim_end() == ENVIRONMENT_MARK)
}
