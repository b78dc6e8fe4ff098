//! The line of a statement that a server's words are about, where the server names none: MySQL and MariaDB
//! tell it only of syntax errors.

use sql_function::Statement;

/// The line of the name that `message` quotes first among those in the statement, or else of its first word.
pub(crate) fn of(statement: &Statement, message: &str) -> u64 {
    let quoted = message.split('\'').skip(1).step_by(2);
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
    use super::of;
    use sql_function::{Statement, sql::MYSQL};

    #[test]
    fn the_name_that_the_server_quotes_is_found() {
        let sql =
            "-- nocol is missing\n\nSELECT id,\n  o.`NoCol`\nFROM orders AS o\nJOIN nope ON true";
        let statement = Statement::parse("a", sql.to_owned(), MYSQL).unwrap();
        for (message, line) in [
            ("Unknown column 'o.nocol' in 'field list'", 4),
            ("Unknown column 'nocol' in 'SELECT'", 4),
            ("Table 'app.nope' doesn't exist", 6),
            ("FUNCTION app.f does not exist", 3),
            ("", 3),
        ] {
            assert_eq!(of(&statement, message), line, "{message}");
        }
    }
}
