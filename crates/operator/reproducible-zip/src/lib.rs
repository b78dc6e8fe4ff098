//! Zips for Lambda that are the same bytes on every machine and in every run: sorted entries, one fixed
//! time, fixed modes.
//!
//! Lambda unpacks a function to `/var/task` and a layer to `/opt`, and runs what is in them as a user
//! that does not own it, so that every file must be readable by all
//! (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html>).

use libdeflater::{CompressionLvl, Compressor, crc32};
use std::borrow::Cow;
use std::io::Error;

/// 1980-01-01 as MS-DOS wrote it, the first day that a zip can store.
const DATE: u16 = 1 << 5 | 1;

/// The system whose modes the entries have.
const UNIX: u16 = 3 << 8;

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

/// Packs entries, as <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT> describes zips.
///
/// # Errors
/// The entries are more than a zip of at most 4 GB can hold, or two have the same path.
pub fn zip<'a>(
    method: Method,
    entries: impl IntoIterator<Item = (String, Entry<'a>)>,
) -> Result<Vec<u8>, Error> {
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort();
    if let Some(twice) = entries.windows(2).find(|two| two[0].0 == two[1].0) {
        return Err(Error::other(format!("two entries have the path {}", twice[0].0)));
    }
    let (mut zip, mut directory) = (Vec::new(), Vec::new());
    for (path, entry) in &entries {
        let (mode, content, method) = match *entry {
            Entry::Folder => (0o040_755, [].as_slice(), Method::Stored),
            Entry::File(content) => (0o100_644, content, method),
            Entry::Program(content) => (0o100_755, content, method),
        };
        let (number, stored) = match method {
            Method::Stored => (0, Cow::Borrowed(content)),
            Method::Deflated => (8, Cow::Owned(deflate(content)?)),
        };
        // Folders and compressed files came with version 2.0, and names in UTF-8 with a flag.
        let version = if *entry == Entry::Folder || number == 8 { 20 } else { 10 };
        let flags = if path.is_ascii() { 0 } else { 1 << 11 };
        let mut header = Vec::new();
        header.extend(words([version, flags, number, 0, DATE]));
        header.extend(crc32(content).to_le_bytes());
        header.extend(long(stored.len())?);
        header.extend(long(content.len())?);
        header.extend(words([short(path.len())?, 0]));

        directory.extend(*b"PK\x01\x02");
        directory.extend(words([UNIX | version]));
        directory.extend(&header);
        directory.extend(words([0, 0, 0, 0, mode])); // no comment, the first disk, no attributes of MS-DOS
        directory.extend(long(zip.len())?);
        directory.extend(path.as_bytes());

        zip.extend(*b"PK\x03\x04");
        zip.extend(&header);
        zip.extend(path.as_bytes());
        zip.extend(&*stored);
    }
    let start = zip.len();
    let count = short(entries.len())?;
    zip.extend(&directory);
    zip.extend(*b"PK\x05\x06");
    zip.extend(words([0, 0, count, count]));
    zip.extend(long(directory.len())?);
    zip.extend(long(start)?);
    zip.extend(words([0]));
    Ok(zip)
}

/// Numbers as a zip has them, little-endian.
fn words<const N: usize>(numbers: [u16; N]) -> impl Iterator<Item = u8> {
    numbers.into_iter().flat_map(u16::to_le_bytes)
}

fn short(length: usize) -> Result<u16, Error> {
    u16::try_from(length).map_err(Error::other)
}

fn long(length: usize) -> Result<[u8; 4], Error> {
    Ok(u32::try_from(length).map_err(Error::other)?.to_le_bytes())
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
            "fa3cffeb27cac85f486bdaf5c133dc3c7512221eac4d2c4b251945f841d3ebe1"
        );
        assert_eq!(
            packed(Method::Deflated),
            "d71568a9c78bb3f87478ae6d1f03801457341aabf48af2fdf6d8faf1dcdf75f0"
        );
    }

    #[test]
    fn one_path_twice_is_refused() {
        let twice = [(); 2].map(|()| ("bootstrap".to_owned(), Entry::File(b"")));
        assert!(zip(Method::Stored, twice).is_err());
    }
}
