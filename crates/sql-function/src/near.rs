//! Finds what a misspelt word was meant to be.

/// The name that `word` is most likely a misspelling of, if it is near one.
pub(crate) fn near<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    // The distance takes time for each pair of letters, and a word may have millions.
    let alike = names.iter().filter(|name| word.len() <= name.len() + 2);
    let near = alike.filter_map(|name| {
        let distance = distance(&word.to_ascii_lowercase(), name);
        (distance <= most(name)).then_some((distance, *name))
    });
    near.min().map(|(_, name)| name)
}

/// How far a misspelling of `name` may be from it.
pub(crate) fn most(name: &str) -> usize {
    if name.len() > 5 { 2 } else { 1 }
}

/// The edit distance of two words: inserted, deleted, replaced and transposed letters.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut rows = vec![vec![0; other.len() + 1]; one.len() + 1];
    for i in 0..=one.len() {
        for j in 0..=other.len() {
            rows[i][j] = match (i, j) {
                (0, _) => j,
                (_, 0) => i,
                _ => {
                    let same = usize::from(one[i - 1] != other[j - 1]);
                    let mut least =
                        (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same);
                    let swapped =
                        i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
                    if swapped {
                        least = least.min(rows[i - 2][j - 2] + 1);
                    }
                    least
                }
            };
        }
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found() {
        let names = ["statement", "params", "describe", "id"];
        for (word, name) in [
            ("statment", Some("statement")),
            ("Statement", Some("statement")),
            ("parms", Some("params")),
            ("desribe", Some("describe")),
            ("sql", None),
            ("", None),
        ] {
            assert_eq!(near(word, &names), name, "{word}");
        }
        assert_eq!(near(&"a".repeat(1 << 22), &names), None);
    }
}
