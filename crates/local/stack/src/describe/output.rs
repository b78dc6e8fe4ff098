//! Where a text goes: to standard output, or to a file that is whole at any time, or nowhere.

use local_stack::Failure;
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A file, and what is done with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum File {
    /// It is written.
    Write(PathBuf),
    /// It is compared.
    Check(PathBuf),
}

impl File {
    /// Whether it can be written, as far as that is known before.
    ///
    /// # Errors
    /// Its folder is missing, or it is a folder itself.
    pub(super) fn can_be_there(&self) -> Result<(), Failure> {
        let File::Write(path) = self else { return Ok(()) };
        let shown = path.display();
        if path.is_dir() {
            return Err(format!("cannot write {shown}: it is a folder; name a file in it").into());
        }
        let folder = folder_of(path);
        if folder.is_dir() {
            return Ok(());
        }
        let folder = folder.display();
        Err(format!(
            "cannot write {shown}: there is no folder {folder}; make it with `mkdir -p {folder}`"
        )
        .into())
    }
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Prints or writes a text, or compares it with a file.
///
/// # Errors
/// The file cannot be written, or it is another.
pub(super) fn put(text: &str, file: Option<&File>) -> Result<(), Failure> {
    match file {
        None => {
            let mut out = io::stdout();
            match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                // A closed pipe, as of `head`, is not an error.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    Err(format!("cannot write to standard output: {error}").into())
                }
                _ => Ok(()),
            }
        }
        Some(File::Write(path)) => {
            write(text, path)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
            eprintln!("wrote {}", path.display());
            Ok(())
        }
        Some(File::Check(path)) => check(text, path),
    }
}

/// Writes a file beside the other and puts it in its place. A link stays one, and so do permissions.
fn write(text: &str, path: &Path) -> io::Result<()> {
    let path = match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        path => path?,
    };
    // As any new file: what the umask allows.
    let new = Permissions::from_mode(0o666);
    let mut file = tempfile::Builder::new().permissions(new).tempfile_in(folder_of(&path))?;
    file.write_all(text.as_bytes())?;
    if let Ok(metadata) = fs::metadata(&path) {
        file.as_file().set_permissions(metadata.permissions())?;
    }
    file.persist(&path).map(drop).map_err(|error| error.error)
}

/// Compares a file.
fn check(text: &str, path: &Path) -> Result<(), Failure> {
    let name = path.display();
    let again = "write it anew with --output in place of --check";
    let found = fs::read_to_string(path)
        .map_err(|error| format!("cannot compare {name}: {error}; {again}"))?;
    if found == text {
        return Ok(());
    }
    let line = found.lines().zip(text.lines()).take_while(|(found, text)| found == text).count();
    let shown = |text: &str| match text.lines().nth(line) {
        Some(text) => doctor::visible(text),
        None => "(the end of the file)".to_owned(),
    };
    Err(format!(
        "{name} is not what would be written; {again}\n  line {}\n  has    {}\n  should {}",
        line + 1,
        shown(&found),
        shown(text)
    )
    .into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    #[test]
    fn a_file_is_replaced_and_compared() {
        let folder = TempDir::new().unwrap();
        let [path, link] = ["client.ts", "link.ts"].map(|name| folder.path().join(name));
        put("a\nb\n", Some(&File::Write(path.clone()))).unwrap();
        let beside = folder.path().join("beside");
        fs::write(&beside, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&beside), "as any new file");

        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        put("a\nc\n", Some(&File::Write(link.clone()))).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nc\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(mode(&path) & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "nothing else is left");

        put("a\nc\n", Some(&File::Check(path.clone()))).unwrap();
        let error = put("a\nb\n", Some(&File::Check(path.clone()))).unwrap_err().to_string();
        assert!(error.contains("line 2\n  has    c\n  should b"), "{error}");
        let error = put("a\n", Some(&File::Check(path))).unwrap_err().to_string();
        assert!(error.contains("should (the end of the file)"), "{error}");
        let nowhere = folder.path().join("nowhere/client.ts");
        let error = File::Write(nowhere).can_be_there().unwrap_err().to_string();
        assert!(
            error.contains("nowhere/client.ts: there is no folder ") && error.contains("mkdir -p"),
            "{error}"
        );
        let error = File::Write(folder.path().into()).can_be_there().unwrap_err().to_string();
        assert!(error.contains("it is a folder"), "{error}");
        for there in ["client.ts", "./new.ts"] {
            File::Write(folder.path().join(there)).can_be_there().unwrap();
        }
        File::Write("new.ts".into()).can_be_there().unwrap();
        let missing = File::Check(folder.path().join("missing"));
        let error = put("a", Some(&missing)).unwrap_err().to_string();
        assert!(error.contains("missing") && error.contains("--output"), "{error}");
    }
}
