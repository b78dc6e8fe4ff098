//! Where in a file an error is: `FILE:LINE: REASON`.

use local_stack::Planned;
use sql_function::{Catalogue, Statement};
use std::fs;
use std::path::{Path, PathBuf};

/// The file of a function's statement, where the caller knows it.
pub(crate) fn file(planned: &Planned, name: &str) -> PathBuf {
    let folder = &planned.function.folder;
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path()).filter(|path| Catalogue::takes(path));
    let named = paths.find(|path| path.file_stem().is_some_and(|stem| stem == name));
    named.unwrap_or_else(|| folder.join(name).with_extension("sql"))
}

/// A function's words about the statement `name` in `file`, without the place, which is told once.
pub(crate) fn reason(name: &str, file: &Path, message: &str) -> String {
    let failed = format!("statement {name:?} failed: ");
    let reason = message.strip_prefix(&failed).unwrap_or(message);
    // `/path/to/NAME.sql: line 3: `
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    let own = reason.split_once(&format!("/{file}: ")).filter(|(path, _)| path.starts_with('/'));
    let reason = own.map_or(reason, |(_, reason)| reason);
    let numbered = reason.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    let numbered = numbered.filter(|(line, _)| line.parse::<u64>().is_ok());
    numbered.map_or(reason, |(_, reason)| reason).to_owned()
}

/// The line of a statement that a server's words are about, where the server names none: MySQL and MariaDB
/// tell it only of syntax errors. It is that of the name that `message` quotes first among those in the
/// statement, or else of its first word.
pub(crate) fn line(statement: &Statement, message: &str) -> u64 {
    let quoted = ['\'', '"'].map(|quote| message.split(quote).skip(1).step_by(2));
    let quoted = quoted.into_iter().flatten();
    let names = quoted.map(|name| name.rsplit('.').next().unwrap_or(name));
    let at = |name: &str| {
        let is_it = |text: &str| text.trim_matches(['`', '"']).eq_ignore_ascii_case(name);
        statement.tokens().find(|token| is_it(token.text)).map(|token| token.at)
    };
    let first = || statement.tokens().next().map(|token| token.at);
    let at = names.filter_map(at).next().or_else(first).unwrap_or(0);
    1 + statement.sql[..at].matches('\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::{line, reason};
    use sql_function::{Statement, sql::MYSQL};
    use std::path::Path;

    #[test]
    fn the_name_that_the_server_quotes_is_found() {
        let sql =
            "-- nocol is missing\n\nSELECT id,\n  o.`NoCol`\nFROM orders AS o\nJOIN nope ON true";
        let statement = Statement::parse("a", sql.to_owned(), MYSQL).unwrap();
        for (message, expected) in [
            ("Unknown column 'o.nocol' in 'field list'", 4),
            ("Unknown column 'nocol' in 'SELECT'", 4),
            ("Table 'app.nope' doesn't exist", 6),
            ("FUNCTION app.f does not exist", 3),
            ("relation \"nope\" does not exist", 6),
            ("", 3),
        ] {
            assert_eq!(line(&statement, message), expected, "{message}");
        }
    }

    #[test]
    fn a_place_is_told_once() {
        for message in [
            "statement \"a\" failed: ERROR 1064",
            "/x/mysql/a.sql: line 12: ERROR 1064",
            "/x/mysql/a.sql: ERROR 1064",
            "ERROR 1064",
        ] {
            assert_eq!(reason("a", Path::new("mysql/a.sql"), message), "ERROR 1064", "{message}");
        }
        let (upper, message) =
            (Path::new("UPPER.SQL"), "/x/mysql/UPPER.SQL: line 1: no such option");
        assert_eq!(reason("UPPER", upper, message), "no such option");
        assert_eq!(reason("a", Path::new("a.sql"), "line up: first"), "line up: first");
    }
}
