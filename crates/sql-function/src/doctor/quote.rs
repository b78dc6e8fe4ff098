//! Values as a command takes them: what the form in a blank such as `{user:mysql_string}` makes of
//! them, whatever characters they hold.

/// `value` in `form`; `None` when there is no such form.
pub(super) fn quoted(form: &str, value: &str) -> Option<String> {
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

/// A command between backticks, as Markdown has it: as many as mark no place inside it.
/// <https://spec.commonmark.org/0.31.2/#code-spans>
pub(super) fn command(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let marks = "`".repeat(longest + 1);
    format!("{marks}{text}{marks}")
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

/// A word of a POSIX shell, quoted only where it need be:
/// <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>.
fn shell(word: &str) -> String {
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
    fn a_command_stands_between_more_backticks_than_it_holds() {
        assert_eq!(command("SHOW ssl"), "`SHOW ssl`");
        assert_eq!(command("GRANT ALL ON `a`.* TO u"), "``GRANT ALL ON `a`.* TO u``");
        assert_eq!(command("GRANT ALL ON `a``b`.* TO u"), "```GRANT ALL ON `a``b`.* TO u```");
    }
}
