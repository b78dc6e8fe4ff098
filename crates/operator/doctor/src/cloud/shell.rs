//! Values in a command for a POSIX shell.

/// `word`, quoted where it need be:
/// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_shell_reads_the_word_that_was_quoted() {
        assert_eq!(quoted("arn:aws:iam::1:role/a-b"), "arn:aws:iam::1:role/a-b");
        for word in ["", "o'neil", "$HOME `id` \\ \"x\" *", r#"{"a":"o'neil"}"#] {
            let echo = format!("printf %s {}", quoted(word));
            let said = std::process::Command::new("sh").args(["-c", &echo]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word);
        }
    }
}
