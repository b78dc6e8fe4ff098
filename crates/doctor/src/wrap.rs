//! Lines that fit a terminal. What stands between backticks is a command to copy: it is never broken.

use unicode_width::UnicodeWidthStr;

/// `text` in lines of at most `width` columns. Its own line breaks stay. A word or command that is
/// longer has a line to itself.
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

/// The words of `text`; blanks between two backticks are no end of a word.
fn words(text: &str) -> Vec<&str> {
    // A lone backtick opens nothing.
    let last = text.rfind('`').filter(|_| text.matches('`').count() % 2 == 1);
    let mut quoted = false;
    let is_end = |(at, c): (usize, char)| {
        quoted ^= c == '`' && Some(at) != last;
        (!quoted && c == ' ').then_some(at)
    };
    let ends: Vec<usize> = text.char_indices().filter_map(is_end).collect();
    let starts = [0].into_iter().chain(ends.iter().map(|end| end + 1));
    let words = starts.zip(ends.iter().copied().chain([text.len()]));
    words.map(|(start, end)| &text[start..end]).filter(|word| !word.is_empty()).collect()
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
    }
}
