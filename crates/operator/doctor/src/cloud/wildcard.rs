//! Patterns of policies, with `*` and `?`.

/// Whether a pattern matches all of `text`. A variable such as `${aws:username}` may stand for anything.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let mut simple = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("${") {
        simple.push_str(before);
        simple.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    simple.push_str(rest);
    let (pattern, text): (Vec<_>, Vec<_>) = (simple.chars().collect(), text.chars().collect());
    // Which lengths of the text the pattern so far may have matched.
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for letter in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match letter {
                '*' => reached[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && reached[at - 1],
                letter => at > 0 && reached[at - 1] && text[at - 1] == letter,
            };
        }
        reached = next;
    }
    reached[text.len()]
}

/// Whether an ARN's pattern matches `arn`, part by part: only in the last one a wildcard matches colons.
pub(super) fn matches_arn(pattern: &str, arn: &str) -> bool {
    let (patterns, parts): (Vec<_>, Vec<_>) =
        (pattern.splitn(6, ':').collect(), arn.splitn(6, ':').collect());
    patterns.len() == parts.len()
        && patterns.iter().zip(&parts).all(|(pattern, part)| matches(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a?c", "abbc", false),
            ("*/ap?", "db-A/app", true),
            ("*/${aws:username}", "db-A/app", true),
            ("A", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern}");
        }
        let role = "arn:aws:iam::123456789012:role/team/app";
        assert!(matches_arn("arn:aws:iam::*:role/*", role));
        assert!(!matches_arn("arn:*:role/team/app", role));
    }
}
