//! SHA-256 in lowercase hex, as in SigV4 and certificate fingerprints.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The digest of the concatenated `parts`.
pub(crate) fn hex<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // writing to a String does not fail
        hex
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn parts_hash_as_one() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(super::hex([&b"abc"[..]]), abc);
        assert_eq!(super::hex([&b"a"[..], b"", b"bc"]), abc);
    }
}
