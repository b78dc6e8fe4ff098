//! What a server says never drives the terminal that shows it.

/// `text` with its control characters written out, `\u{1b}` for an escape, and so with the marks
/// that turn the direction of writing, which would show a text as another
/// (<https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings>).
pub fn visible(text: &str) -> String {
    text.chars().flat_map(character).collect()
}

fn character(c: char) -> impl Iterator<Item = char> {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let written_out = c.is_control() || turns;
    let escaped = written_out.then(|| c.escape_default()).into_iter().flatten();
    escaped.chain((!written_out).then_some(c))
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_written_out_and_letters_stay() {
        assert_eq!(visible("a\u{1b}[2J\r\n\t\u{7f}\u{9b}"), r"a\u{1b}[2J\r\n\t\u{7f}\u{9b}");
        assert_eq!(visible("\u{202e}gpj.exe"), r"\u{202e}gpj.exe");
        assert_eq!(visible("Zürich 東京 \\ ✓"), "Zürich 東京 \\ ✓");
    }
}
