//! Zips for Lambda that are the same bytes on every machine and in every run: sorted entries, one fixed
//! time, fixed modes.
//!
//! Lambda unpacks a function to `/var/task` and a layer to `/opt`, and runs what is in them as a user
//! that does not own it, so that every file must be readable by all
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html>).

use std::io::{Cursor, Write as _};
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

pub use zip::CompressionMethod as Method;

/// The best compression: a zip is packed once and loaded at each cold start.
const LEVEL: i64 = 9;

/// An entry of a zip. Paths of folders end in a slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry<'a> {
    /// A folder, 0755.
    Folder,
    /// A file, 0644.
    File(&'a [u8]),
    /// A program, 0755.
    Program(&'a [u8]),
}

/// Packs entries. With [`Method::Stored`] the bytes depend on no compressor; with
/// [`Method::Deflated`], on the version of `miniz_oxide` in `Cargo.lock`.
///
/// # Errors
/// The entries are more than a zip can hold, or two have the same path.
pub fn zip<'a>(
    method: Method,
    entries: impl IntoIterator<Item = (String, Entry<'a>)>,
) -> ZipResult<Vec<u8>> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort();
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .compression_level((method == Method::Deflated).then_some(LEVEL))
        .last_modified_time(DateTime::default()) // 1980-01-01, the first that a zip can store
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

/// The SHA-256 of bytes, in lower-case hex: what people compare zips by.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 64 KiB with repetitions near and far, so that every choice of the compressor counts.
    fn sample() -> Vec<u8> {
        let mut state = 1_u32;
        let mut sample = Vec::new();
        while sample.len() < 1 << 16 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sample.extend_from_slice(&(state >> (state % 23)).to_be_bytes());
            let start = state as usize % sample.len();
            sample.extend_from_within(start..(start + 40).min(sample.len()));
        }
        sample
    }

    fn packed(method: Method) -> String {
        let sample = sample();
        let entries = [
            ("statements/items.sql".to_owned(), Entry::File(b"SELECT 1")),
            ("statements/".to_owned(), Entry::Folder),
            ("bootstrap".to_owned(), Entry::Program(&sample)),
        ];
        let zip = zip(method, entries.clone()).unwrap();
        let other_order = super::zip(method, entries.into_iter().rev()).unwrap();
        assert_eq!(zip, other_order, "the order of the entries changes the zip");
        sha256(&zip)
    }

    /// A different sum means that a dependency now makes different bytes from the same files. Every
    /// deployed zip then changes too: say so in the changelog.
    #[test]
    fn the_bytes_are_those_of_yesterday() {
        assert_eq!(
            packed(Method::Stored),
            "fa3cffeb27cac85f486bdaf5c133dc3c7512221eac4d2c4b251945f841d3ebe1"
        );
        assert_eq!(
            packed(Method::Deflated),
            "c874798f645818775c6fa76931391227232ea9f35fea670b2f4ef3c95b590ff9"
        );
    }

    #[test]
    fn one_path_twice_is_refused() {
        let twice = [(); 2].map(|()| ("bootstrap".to_owned(), Entry::File(b"")));
        assert!(zip(Method::Stored, twice).is_err());
    }
}
