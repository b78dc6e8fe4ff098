//! Values as a command takes them: what the form in a blank such as `{user:mysql_string}` makes of
//! them, whatever characters they hold.

/// `value` in `form`; `None` when there is no such form.
pub(crate) fn quoted(form: &str, value: &str) -> Option<String> {
    Some(match form {
        // https://dev.mysql.com/doc/refman/8.4/en/string-literals.html
        "mysql_string" => enclosed(&value.replace('\\', r"\\"), '\''),
        "mysql_pattern" => enclosed(&mysql_pattern(value), '`'),
        // https://www.postgresql.org/docs/17/sql-syntax-lexical.html
        "postgres_string" => enclosed(value, '\''),
        "postgres_name" => enclosed(value, '"'),
        "shell" => shell(value),
        _ => return None,
    })
}

/// `text` between `quote`s, which are doubled inside.
fn enclosed(text: &str, quote: char) -> String {
    format!("{quote}{}{quote}", text.replace(quote, &format!("{quote}{quote}")))
}

/// The pattern that a database's name is read as where a right on all of it is granted, and which
/// only this name matches: <https://dev.mysql.com/doc/refman/8.4/en/grant.html>.
fn mysql_pattern(database: &str) -> String {
    database.replace('\\', r"\\").replace('_', r"\_").replace('%', r"\%")
}

/// A word of a POSIX shell, quoted only where necessary:
/// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>.
pub fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "%+,-./:=@_".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_takes_every_character() {
        for (form, value, expected) in [
            ("mysql_string", "lambda-user", "'lambda-user'"),
            ("mysql_string", r#"o'neil "x" `y` \"#, r#"'o''neil "x" `y` \\'"#),
            ("mysql_pattern", "my-app", "`my-app`"),
            ("mysql_pattern", r"my_app`100%\", r"`my\_app``100\%\\`"),
            ("postgres_string", r"o'neil\", r"'o''neil\'"),
            ("postgres_name", r#"o'neil "x"\"#, r#""o'neil ""x""\""#),
            ("shell", "arn:aws:iam::123456789012:role/a", "arn:aws:iam::123456789012:role/a"),
            ("shell", "$LATEST", "'$LATEST'"),
            ("shell", "[::1]:5432", "'[::1]:5432'"),
            ("shell", "o'neil x", r"'o'\''neil x'"),
            ("shell", "", "''"),
        ] {
            assert_eq!(quoted(form, value).as_deref(), Some(expected), "{form}: {value}");
        }
        assert_eq!(quoted("string", "x"), None);
    }

    #[test]
    fn a_shell_reads_the_word_that_was_quoted() {
        for word in ["", "o'neil", "$HOME `id` \\ \"x\" *", r#"{"a":"o'neil"}"#] {
            let echo = format!("printf %s {}", shell(word));
            let said = std::process::Command::new("sh").args(["-c", &echo]).output().unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), word);
        }
    }
}
