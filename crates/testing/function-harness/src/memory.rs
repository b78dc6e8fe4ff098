//! What a function's process has in its memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::deployed::Deployed;

/// How much of a mapping is read at a time.
const PIECE: usize = 1 << 20;

/// A name, and at least two bytes to search for.
pub type Needle = (&'static str, Vec<u8>);

/// Where each of `needles` is in the function's memory.
pub fn search(function: &Deployed<'_>, needles: &[Needle]) -> Vec<String> {
    let mut by_start: BTreeMap<[u8; 2], Vec<&Needle>> = BTreeMap::new();
    for needle in needles {
        by_start.entry([needle.1[0], needle.1[1]]).or_default().push(needle);
    }
    let mut is_start = vec![false; 1 << 16];
    for start in by_start.keys() {
        is_start[usize::from(u16::from_be_bytes(*start))] = true;
    }
    let longest = needles.iter().map(|(_, bytes)| bytes.len()).max().unwrap();
    let mut found = vec![];
    let processes = function.processes();
    assert_eq!(processes.len(), 1);
    each_piece(&processes[0], longest, |place, bytes, own| {
        for (at, start) in bytes[..own].windows(2).enumerate() {
            if !is_start[usize::from(u16::from_be_bytes([start[0], start[1]]))] {
                continue;
            }
            let here = by_start[&[start[0], start[1]]].iter();
            for (what, _) in here.filter(|(_, needle)| bytes[at..].starts_with(needle)) {
                found.push(format!("{what} in {place} + {at:#x}"));
            }
        }
    });
    found
}

/// Reads every readable mapping that the process can have written to. `look` gets the line of proc(5)'s
/// `maps`, some bytes, and how many of them the next call does not repeat.
fn each_piece(process: &Path, overlap: usize, mut look: impl FnMut(&str, &[u8], usize)) {
    let memory = File::open(process.join("mem")).unwrap();
    let maps = fs::read_to_string(process.join("maps")).unwrap();
    let mut read = 0;
    let mut buffer = vec![0; PIECE + overlap];
    for map in maps.lines() {
        let of_kernel = map.contains("[vvar") || map.contains("[vsyscall]");
        let of_program = map.contains('/') && !map.contains(" rw");
        if !map.contains(" r") || of_kernel || of_program {
            continue;
        }
        let (start, end) = map.split_once(' ').unwrap().0.split_once('-').unwrap();
        let address = |text| u64::from_str_radix(text, 16).unwrap();
        let (mut at, end) = (address(start), address(end));
        while at < end {
            let length = (end - at).min(buffer.len() as u64) as usize;
            memory
                .read_exact_at(&mut buffer[..length], at)
                .unwrap_or_else(|e| panic!("{map}: {e}"));
            let own = length.min(PIECE);
            look(&format!("{map} at {at:#x}"), &buffer[..length], own);
            at += own as u64;
            read += own;
        }
    }
    assert!(read > 1 << 20, "{read} bytes are not the memory of a function");
}
