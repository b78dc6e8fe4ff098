//! Any bytes are read or refused, a bundle is read as it was written, and a truncated one is never
//! accepted.

use proptest::prelude::*;

use super::{BEGIN, END, certificates};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64, as RFC 4648 has it.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0, |word, &byte| word << 8 | u32::from(byte));
        let word = word << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let value = word >> (18 - 6 * digit) & 63;
            let character = char::from(ALPHABET[value as usize]);
            text.push(if digit <= chunk.len() { character } else { '=' });
        }
    }
    text
}

/// Certificates, which nothing here looks into, and a bundle that holds them.
fn bundle() -> impl Strategy<Value = (Vec<Vec<u8>>, String)> {
    let block = (prop::collection::vec(any::<u8>(), 1..200), 1..20_usize, "(# \\PC{0,20}\n|\n)?");
    (prop::collection::vec(block, 0..4), any::<bool>()).prop_map(|(blocks, crlf)| {
        let mut text = String::new();
        let mut ders = Vec::new();
        for (der, quarters, between) in blocks {
            text += &format!("{between}{BEGIN}\n");
            let encoded = base64(&der);
            // All of it is ASCII, and its length a multiple of four.
            let mut rest = encoded.as_str();
            while !rest.is_empty() {
                let (line, more) = rest.split_at(rest.len().min(4 * quarters));
                text += &format!("{line}\n");
                rest = more;
            }
            text += &format!("{END}\n");
            ders.push(der);
        }
        (ders, if crlf { text.replace('\n', "\r\n") } else { text })
    })
}

fn read(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    certificates(text).map(|ders| ders.iter().map(|der| der.to_vec()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _either = read(&bytes);
    }

    #[test]
    fn any_lines_are_read_or_refused(
        lines in prop::collection::vec(
            prop_oneof![
                Just(BEGIN.to_owned()),
                Just(END.to_owned()),
                "-----(BEGIN|END) [A-Z ]{0,12}-----",
                "[A-Za-z0-9+/]{0,12}={0,3}",
                "#?\\PC{0,12}",
            ],
            0..12,
        ),
    ) {
        if let Err(why) = read(lines.join("\n").as_bytes()) {
            prop_assert!(why.contains("line"), "{why}");
        }
    }

    #[test]
    fn what_was_written_comes_back((ders, text) in bundle()) {
        prop_assert_eq!(read(text.as_bytes()), Ok(ders));
    }

    #[test]
    fn what_is_written_is_read((ders, _) in bundle()) {
        let certificates: Vec<_> = ders.iter().map(|der| der.clone().into()).collect();
        prop_assert_eq!(read(super::text(&certificates).as_bytes()), Ok(ders));
    }

    #[test]
    fn a_bundle_that_was_cut_short_has_no_damaged_certificate(
        (ders, text) in bundle(),
        at in any::<prop::sample::Index>(),
    ) {
        let cut = at.index(text.len() + 1);
        if let Ok(found) = read(&text.as_bytes()[..cut]) {
            prop_assert_eq!(&found[..], &ders[..found.len()]);
        }
    }
}
