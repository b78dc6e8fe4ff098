//! The wildcards of IAM policies.

/// One position of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Glyph {
    /// `*`
    Any,
    /// `?`
    One,
    /// A character that stands for itself.
    Char(char),
}

impl Glyph {
    /// The glyphs of a text in which `*` and `?` are wildcards.
    pub(crate) fn of(pattern: &str) -> Vec<Self> {
        let glyph = |letter| match letter {
            '*' => Self::Any,
            '?' => Self::One,
            other => Self::Char(other),
        };
        pattern.chars().map(glyph).collect()
    }
}

/// Whether `pattern` matches all of `text`, by the rules for ARNs ("IAM JSON policy elements:
/// Resource", IAM User Guide), which fit actions too.
///
/// `?` matches one character and `*` any number, within a segment between colons; a `*` at the end of
/// its segment also matches the colons that follow. Matching is case-sensitive.
pub(crate) fn matches(pattern: &[Glyph], text: &str) -> bool {
    reaches(
        pattern,
        text,
        |next| matches!(next, None | Some(Glyph::Char(':'))),
        |found| found != ':',
    )
}

/// Whether `pattern` matches all of `text`, in which no character is special: as `StringLike` does.
pub(crate) fn like(pattern: &[Glyph], text: &str) -> bool {
    reaches(pattern, text, |_| true, |_| true)
}

/// Whether `pattern` matches all of `text`. `crosses_colons` is asked about a `*`, given what follows it
/// in the pattern, and `is_one` about a character for a `?`.
fn reaches(
    pattern: &[Glyph],
    text: &str,
    crosses_colons: impl Fn(Option<&Glyph>) -> bool,
    is_one: impl Fn(char) -> bool,
) -> bool {
    let text: Vec<char> = text.chars().collect();
    // The lengths of text that the pattern so far matches: time grows with the product of the two
    // lengths, however many stars there are.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for (at, glyph) in pattern.iter().enumerate() {
        let mut next = vec![false; text.len() + 1];
        if *glyph == Glyph::Any {
            let crosses_colons = crosses_colons(pattern.get(at + 1));
            let mut within = false;
            for length in 0..next.len() {
                if length > 0 && text[length - 1] == ':' && !crosses_colons {
                    within = false;
                }
                within |= reached[length];
                next[length] = within;
            }
        } else {
            for (length, found) in text.iter().enumerate() {
                let fits = match glyph {
                    Glyph::Char(letter) => found == letter,
                    Glyph::One | Glyph::Any => is_one(*found),
                };
                next[length + 1] = reached[length] && fits;
            }
        }
        reached = next;
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_rules_one_by_one() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("a", "", false),
            ("abc", "abc", true),
            ("abc", "ABC", false),
            ("abc", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "aéc", true),
            ("?", "*", true),
            ("*", "", true),
            ("*", "anything:at/all", true),
            ("a*c", "ac", true),
            ("a*c", "abbbc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("**", "a", true),
            // Colons.
            ("a:*:c", "a:b:c", true),
            ("a:*:c", "a:b:b:c", true),
            ("a:b*", "a:bcd:e", true),
            ("a:*b:c", "a:xb:c", true),
            ("a:*b:c", "a:x:b:c", false),
            ("a?b", "a:b", false),
        ] {
            assert_eq!(matches(&Glyph::of(pattern), text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_colon_is_nothing_special_in_a_string() {
        for (pattern, text) in [("a:*b:c", "a:x:b:c"), ("a?b", "a:b")] {
            assert!(like(&Glyph::of(pattern), text) && !matches(&Glyph::of(pattern), text));
        }
        assert!(!like(&Glyph::of("a*b"), "a:c") && !like(&Glyph::of("a"), "A"));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&Glyph::of(&"*a".repeat(200)), &"a".repeat(199)));
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_its_prefix_with_a_star(text in "[^*?]{0,40}", at in 0_usize..40) {
            prop_assert!(matches(&Glyph::of(&text), &text));
            let prefix: String = text.chars().take(at).collect();
            let pattern = Glyph::of(&format!("{prefix}*"));
            prop_assert!(matches(&pattern, &text));
            prop_assert!(like(&pattern, &text));
        }
    }
}
