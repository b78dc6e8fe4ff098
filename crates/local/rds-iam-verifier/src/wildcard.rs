//! The wildcards of IAM policies.

/// Whether `pattern` matches all of `text`, by the rules for ARNs ("IAM JSON policy elements:
/// Resource", IAM User Guide), which fit actions too.
///
/// `?` matches one character and `*` any number, within a segment between colons; a `*` at the end of
/// its segment also matches the colons that follow. Matching is case-sensitive.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // The lengths of text that the pattern so far matches: time grows with the product of the two
    // lengths, however many stars there are.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for (at, letter) in pattern.iter().enumerate() {
        let mut next = vec![false; text.len() + 1];
        if *letter == '*' {
            let crosses_colons = matches!(pattern.get(at + 1), None | Some(':'));
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
                let fits = if *letter == '?' { *found != ':' } else { found == letter };
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
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_its_prefix_with_a_star(text in "[^*?]{0,40}", at in 0_usize..40) {
            prop_assert!(matches(&text, &text));
            let prefix: String = text.chars().take(at).collect();
            let pattern = format!("{prefix}*");
            prop_assert!(matches(&pattern, &text));
        }
    }
}
