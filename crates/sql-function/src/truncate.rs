//! Truncates text that an error, a diagnosis or a log line quotes.
//!
//! Lengths are in bytes of JSON, because an error response has at most 8 KB of it.

use std::borrow::Cow;

/// The maximum number of characters of a key, a name, a path or a value.
const MAX_SHORT: usize = 80;
/// More than the note about the length of a truncated text takes.
const TAIL: usize = 40;

/// `name` in quotes. A long one is truncated, with its length.
pub fn quote_short(name: &str) -> String {
    match name.char_indices().nth(MAX_SHORT) {
        None => format!("{name:?}"),
        Some((end, _)) => format!("{:?}… ({} bytes in all)", &name[..end], name.len()),
    }
}

/// `text`, truncated to `most` bytes of JSON, with its length.
pub fn truncate(text: &str, most: usize) -> Cow<'_, str> {
    let (mut size, mut fits) = (0, 0);
    for (at, character) in text.char_indices() {
        size += in_json(character);
        if size > most {
            return format!("{}… ({} bytes in all)", &text[..fits], text.len()).into();
        }
        if size + TAIL <= most {
            fits = at + character.len_utf8();
        }
    }
    text.into()
}

/// The maximum number of bytes that a character takes in a JSON string.
fn in_json(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        '\0'..' ' => 6,
        other => other.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_shows_its_beginning_and_its_length() {
        assert_eq!(quote_short("a\"b"), r#""a\"b""#);
        let long = quote_short(&"é".repeat(1 << 20));
        assert_eq!(long, format!("\"{}\"… (2097152 bytes in all)", "é".repeat(80)));
    }

    #[test]
    fn a_cut_text_takes_no_more_json_than_it_may() {
        for text in ["a", "é", "\u{1}", "\"", "\u{1F600}"].map(|one| one.repeat(5000)) {
            let cut = truncate(&text, 1000);
            let json = serde_json::to_string(&cut).unwrap();
            assert!((900..=1002).contains(&json.len()), "{}", json.len());
            assert!(cut.ends_with(&format!("({} bytes in all)", text.len())), "{cut}");
        }
        assert_eq!(truncate("whole", 5), "whole");
        assert!(matches!(truncate("whole", 5), Cow::Borrowed(_)));
        assert_eq!(truncate("longer", 5), "… (6 bytes in all)");
    }
}
