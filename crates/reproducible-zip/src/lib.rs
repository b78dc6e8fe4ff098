//! A zip for Lambda that is the same bytes on every machine and in every run: sorted, of a fixed
//! time, with modes that are chosen and not found.
//!
//! Lambda unpacks a function to `/var/task` and a layer to `/opt`, and runs what is in them as a user
//! that does not own it, so that every file must be readable by all
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html>).

use std::io::{Cursor, Write as _};
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

pub use zip::CompressionMethod as Method;
pub use zip::result::ZipError as Error;

/// The best compression: what is packed once is loaded at each cold start.
const LEVEL: i64 = 9;

/// What stands in a zip, under its path. Paths of folders end in a slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry<'a> {
    /// A folder, 0755.
    Folder,
    /// A file that is read, 0644.
    File(&'a [u8]),
    /// A file that is run, 0755.
    Program(&'a [u8]),
}

/// Packs entries. With [`Method::Stored`] the bytes depend on no compressor; with
/// [`Method::Deflated`], on the version of `miniz_oxide` in `Cargo.lock`.
///
/// # Errors
/// They are more than a zip holds, or two have the same path.
pub fn zip<'a>(
    method: Method,
    entries: impl IntoIterator<Item = (String, Entry<'a>)>,
) -> ZipResult<Vec<u8>> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort();
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .compression_level((method == Method::Deflated).then_some(LEVEL))
        .last_modified_time(DateTime::default()) // 1980-01-01, the first that a zip can tell
        .system(zip::System::Unix);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, entry) in entries {
        let (mode, content) = match entry {
            Entry::Folder => {
                zip.add_directory(path, options.unix_permissions(0o755))?;
                continue;
            }
            Entry::File(content) => (0o644, content),
            Entry::Program(content) => (0o755, content),
        };
        zip.start_file(path, options.unix_permissions(mode))?;
        zip.write_all(content)?;
    }
    Ok(zip.finish()?.into_inner())
}
