//! Zips for Lambda that are the same bytes on every machine and in every run: sorted entries, one fixed
//! time, fixed modes.
//!
//! Lambda unpacks a function to `/var/task` and a layer to `/opt`, and runs what is in them as a user
//! that does not own it, so that every file must be readable by all
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html>).

use libdeflater::{CompressionLvl, Compressor, crc32};
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, DataDescriptorOutput, ZipArchiveWriter};
use std::borrow::Cow;
use std::io::{Error, Write as _};

/// 1980-01-01, the first time that a zip can store, in seconds since 1970.
const TIME: i64 = 315_532_800;

/// How files are stored in a zip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// As they are: the bytes depend on no compressor.
    Stored,
    /// Compressed by `libdeflate`: the bytes depend on its version in `Cargo.lock`, but not on the
    /// machine (<https://github.com/ebiggers/libdeflate/issues/400>).
    Deflated,
}

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

/// Packs entries.
///
/// # Errors
/// The entries are more than a zip can hold, or two have the same path.
pub fn zip<'a>(
    method: Method,
    entries: impl IntoIterator<Item = (String, Entry<'a>)>,
) -> Result<Vec<u8>, Error> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort();
    if let Some(twice) = entries.windows(2).find(|two| two[0].0 == two[1].0) {
        return Err(Error::other(format!("two entries have the path {}", twice[0].0)));
    }
    pack(method, &entries).map_err(Error::other)
}

fn pack(method: Method, entries: &[(String, Entry<'_>)]) -> Result<Vec<u8>, rawzip::Error> {
    let mut zip = ZipArchiveWriter::new(Vec::new());
    let time = UtcDateTime::from_unix(TIME);
    for (path, entry) in entries {
        let (mode, content) = match entry {
            Entry::Folder => {
                zip.new_dir(path).last_modified(time).unix_permissions(0o040_755).create()?;
                continue;
            }
            Entry::File(content) => (0o100_644, content),
            Entry::Program(content) => (0o100_755, content),
        };
        let (method, stored) = match method {
            Method::Stored => (CompressionMethod::STORE, Cow::Borrowed(*content)),
            Method::Deflated => (CompressionMethod::DEFLATE, Cow::Owned(deflate(content)?)),
        };
        let file = zip.new_file(path).last_modified(time).unix_permissions(mode);
        let (mut file, _) = file.compression_method(method).start()?;
        file.write_all(&stored)?;
        file.finish(DataDescriptorOutput::new(crc32(content), content.len() as u64))?;
    }
    zip.finish()
}

/// Compresses as well as `libdeflate` can: a zip is packed once and loaded at each cold start.
fn deflate(content: &[u8]) -> Result<Vec<u8>, Error> {
    let mut compressor = Compressor::new(CompressionLvl::best());
    let mut compressed = vec![0; compressor.deflate_compress_bound(content.len())];
    let length = compressor.deflate_compress(content, &mut compressed).map_err(Error::other)?;
    compressed.truncate(length);
    Ok(compressed)
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
            "a8cbcf28a6b61a008ce2c019f83dec1a6c8a5a24d342196081d0ac96cb73ef5a"
        );
        assert_eq!(
            packed(Method::Deflated),
            "c2d84e7a63280a50085d1a591db605f7e2e462593d7eca369f35e9fb9a8b48fb"
        );
    }

    #[test]
    fn one_path_twice_is_refused() {
        let twice = [(); 2].map(|()| ("bootstrap".to_owned(), Entry::File(b"")));
        assert!(zip(Method::Stored, twice).is_err());
    }
}
