//! Wraps text to the width of a terminal. A command between backticks is never broken, so that it can be
//! copied.

use diagnosis::{Part, parts};
use unicode_width::UnicodeWidthStr;

/// `text` in lines of at most `width` columns. Its line breaks are kept. A longer word or command gets its
/// own line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    text.lines().flat_map(|line| wrap_line(line, width)).collect()
}

fn wrap_line(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        // `lines` is never empty; a first one is cheaper than a proof.
        let fits = lines
            .last()
            .is_none_or(|line| line.is_empty() || line.width() + 1 + word.width() <= width);
        match lines.last_mut() {
            Some(line) if fits => {
                if !line.is_empty() {
                    line.push(' ');
                }
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The words of `text`; blanks in a command do not end a word.
fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut at) = (0, 0);
    for part in parts(text) {
        let taken = match part {
            Part::Text(part) => {
                for (blank, _) in part.match_indices(' ') {
                    words.push(&text[start..at + blank]);
                    start = at + blank + 1;
                }
                part
            }
            Part::Command { marked, .. } => marked,
        };
        at += taken.len();
    }
    words.push(&text[start..]);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::wrap;

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("a longest b", 3), ["a", "longest", "b"]);
        assert_eq!(wrap("one  two\n\nthree", 80), ["one two", "", "three"]);
        assert_eq!(wrap("東京 東京", 8), ["東京", "東京"]);
        assert!(wrap("", 80).is_empty());
    }

    #[test]
    fn a_command_is_one_word() {
        assert_eq!(wrap("run `aws x y z`, then go", 9), ["run", "`aws x y z`,", "then go"]);
        assert_eq!(wrap("a ` b c", 3), ["a `", "b c"]);
        assert_eq!(wrap("`a b` c ` d", 5), ["`a b`", "c ` d"]);
        assert_eq!(wrap("``a `b`.* c``, `d e` f", 3), ["``a `b`.* c``,", "`d e`", "f"]);
        assert_eq!(wrap("``a `b c", 3), ["``a", "`b", "c"]);
    }
}
