//! Text from a server must not control the terminal that shows it.

/// `text` with control characters escaped, `\u{1b}` for an escape, and also the marks that change the
/// direction of writing, which could disguise a text
/// (<https://www.unicode.org/reports/tr9/#Explicit_Directional_Embeddings>).
pub fn visible(text: &str) -> String {
    text.chars().flat_map(character).collect()
}

fn character(c: char) -> impl Iterator<Item = char> {
    let is_direction_mark =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_escaped = c.is_control() || is_direction_mark;
    let escaped = is_escaped.then(|| c.escape_default()).into_iter().flatten();
    escaped.chain((!is_escaped).then_some(c))
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn control_characters_are_escaped_and_letters_are_kept() {
        assert_eq!(visible("a\u{1b}[2J\r\n\t\u{7f}\u{9b}"), r"a\u{1b}[2J\r\n\t\u{7f}\u{9b}");
        assert_eq!(visible("\u{202e}gpj.exe"), r"\u{202e}gpj.exe");
        assert_eq!(visible("Zürich 東京 \\ ✓"), "Zürich 東京 \\ ✓");
    }
}
