//! A tokenizer for SQL: words, quoted parts and signs, without comments.
//!
//! Only the server parses a statement. The tokens decide what a file may contain (see `statement`),
//! where MySQL's placeholders are, and which side effects a statement may have on its session.

use engine::Engine;
use std::iter;

/// A SQL dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// MySQL and MariaDB:
    /// <https://dev.mysql.com/doc/refman/8.4/en/lexical-structure.html>.
    MySql {
        /// Whether a backslash in quotes escapes the next character: not if `sql_mode` has
        /// `NO_BACKSLASH_ESCAPES`.
        backslash_escapes: bool,
    },
    /// PostgreSQL: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html>.
    Postgres,
}

impl Dialect {
    /// The dialect of an engine's statements and schemas, with the default `sql_mode`.
    pub const fn of(engine: Engine) -> Dialect {
        match engine {
            Engine::MySql | Engine::MariaDb => MYSQL,
            Engine::Postgres => Dialect::Postgres,
        }
    }
}

/// MySQL and MariaDB with the default `sql_mode`.
pub const MYSQL: Dialect = Dialect::MySql { backslash_escapes: true };

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// A keyword, a name, or a number.
    Word,
    /// A quoted string or name.
    Quoted,
    /// MySQL's `?` or PostgreSQL's `$1`.
    Placeholder,
    /// Any other character.
    Sign,
}

/// A part of a statement that is not a comment or whitespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// The kind.
    pub kind: TokenKind,
    /// The text.
    pub text: &'a str,
    /// Where it begins, as a byte offset.
    pub at: usize,
    /// Whether it is in a comment that only some servers execute (`/*!80000 … */`).
    pub conditional: bool,
}

impl Token<'_> {
    /// Whether it is this keyword, in upper or lower case.
    pub fn is(&self, word: &str) -> bool {
        self.kind == TokenKind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is one of these keywords.
    pub fn is_one_of(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Whether it is this sign.
    pub fn is_sign(&self, sign: char) -> bool {
        self.kind == TokenKind::Sign && self.text.starts_with(sign)
    }

    /// Where it ends, as a byte offset.
    pub fn end(&self) -> usize {
        self.at + self.text.len()
    }
}

/// The tokens of `sql`. An unterminated quote or comment extends to the end of the text, as it does
/// for the server.
pub fn tokens(sql: &str, dialect: Dialect) -> impl Iterator<Item = Token<'_>> {
    let mut lexer = Lexer::new(sql, dialect);
    iter::from_fn(move || lexer.next())
}

/// Whether `sql` has a comment that some servers execute (`/*! … */`, `/*M! … */`), be it an empty one.
pub fn has_executable_comment(sql: &str, dialect: Dialect) -> bool {
    let mut lexer = Lexer::new(sql, dialect);
    while lexer.next().is_some() {}
    lexer.executable
}

struct Lexer<'a> {
    sql: &'a str,
    at: usize,
    dialect: Dialect,
    conditional: bool,
    /// Whether there was an executable comment.
    executable: bool,
}

impl<'a> Lexer<'a> {
    fn new(sql: &'a str, dialect: Dialect) -> Lexer<'a> {
        Lexer { sql, at: 0, dialect, conditional: false, executable: false }
    }

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip();
        let rest = &self.sql[self.at..];
        let first = rest.chars().next()?;
        let (kind, length) = match first {
            '\'' | '"' => (TokenKind::Quoted, self.quoted(rest, first)),
            '`' if self.is_mysql() => (TokenKind::Quoted, quoted(rest, '`', false)),
            '?' if self.is_mysql() => (TokenKind::Placeholder, 1),
            '$' if !self.is_mysql() => self.dollar(rest),
            first if is_word(first) => (TokenKind::Word, self.word(rest)),
            first => (TokenKind::Sign, first.len_utf8()),
        };
        let text = &rest[..length];
        let token = Token { kind, text, at: self.at, conditional: self.conditional };
        self.at += length;
        Some(token)
    }

    fn is_mysql(&self) -> bool {
        matches!(self.dialect, Dialect::MySql { .. })
    }

    /// Skips whitespace and comments.
    fn skip(&mut self) {
        loop {
            let rest = &self.sql[self.at..];
            let blanks = rest.len() - rest.trim_start().len();
            let length = match (blanks, self.dialect) {
                (1.., _) => blanks,
                (0, Dialect::Postgres) => match rest {
                    _ if rest.starts_with("--") => line(rest, &['\n', '\r']),
                    _ if rest.starts_with("/*") => nested_comment(rest),
                    _ => return,
                },
                (0, Dialect::MySql { .. }) => match rest {
                    _ if rest.starts_with('#') || is_dashes(rest) => line(rest, &['\n']),
                    _ if rest.starts_with("/*!") || rest.starts_with("/*M!") => {
                        self.conditional = true;
                        self.executable = true;
                        executable(rest)
                    }
                    _ if rest.starts_with("/*") => {
                        rest.find("*/").map_or(rest.len(), |end| end + 2)
                    }
                    _ if self.conditional && rest.starts_with("*/") => {
                        self.conditional = false;
                        2
                    }
                    _ => return,
                },
            };
            self.at += length;
        }
    }

    /// The length of a quoted part. PostgreSQL has backslash escapes only in `E'…'`.
    fn quoted(&self, rest: &str, quote: char) -> usize {
        let escapes = match self.dialect {
            Dialect::MySql { backslash_escapes } => backslash_escapes,
            Dialect::Postgres => {
                let before = &self.sql[..self.at];
                let is_e = before.ends_with(['e', 'E']);
                let alone = !before[..before.len() - usize::from(is_e)].ends_with(is_word);
                quote == '\'' && is_e && alone
            }
        };
        quoted(rest, quote, escapes)
    }

    fn word(&self, rest: &str) -> usize {
        // `$` may be part of a name.
        rest.find(|c| !is_word(c) && c != '$').unwrap_or(rest.len())
    }

    /// A placeholder, or a dollar-quoted string.
    fn dollar(&self, rest: &str) -> (TokenKind, usize) {
        let after = &rest[1..];
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 {
            return (TokenKind::Placeholder, 1 + digits);
        }
        let Some(tag) = after.find('$').filter(|end| after[..*end].chars().all(is_word)) else {
            return (TokenKind::Sign, 1);
        };
        let tag = &rest[..tag + 2];
        let length = rest[tag.len()..].find(tag).map(|end| end + 2 * tag.len());
        (TokenKind::Quoted, length.unwrap_or(rest.len()))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || !c.is_ascii()
}

/// MySQL requires whitespace after the two dashes.
fn is_dashes(rest: &str) -> bool {
    rest.strip_prefix("--").is_some_and(|rest| {
        rest.chars().next().is_none_or(|c| c.is_ascii_whitespace() || c.is_control())
    })
}

fn line(rest: &str, ends: &[char]) -> usize {
    rest.find(ends).map_or(rest.len(), |end| end + 1)
}

/// The length of the start of an executable comment: `/*!` or `/*M!`, and a version.
fn executable(rest: &str) -> usize {
    let start = rest.find('!').map_or(rest.len(), |at| at + 1);
    let after = &rest[start..];
    let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    start + if digits >= 5 { digits.min(6) } else { 0 }
}

fn nested_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// The length of a part in quotes. A doubled quote begins another token, which makes no difference
/// here.
fn quoted(rest: &str, quote: char, escapes: bool) -> usize {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return at + 1;
        }
        if c == '\\' && escapes {
            chars.next();
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::TokenKind::{Placeholder, Quoted, Sign, Word};
    use super::*;
    use proptest::prelude::*;

    fn read(sql: &str, dialect: Dialect) -> Vec<(TokenKind, &str)> {
        tokens(sql, dialect).map(|token| (token.kind, token.text)).collect()
    }

    #[test]
    fn comments_and_quotes_hide_what_is_in_them() {
        for (sql, dialect, expected) in [
            ("a -- ? ;\n# ?\n/* ? */ ?", MYSQL, vec![(Word, "a"), (Placeholder, "?")]),
            ("5--1", MYSQL, vec![(Word, "5"), (Sign, "-"), (Sign, "-"), (Word, "1")]),
            ("5--1", Dialect::Postgres, vec![(Word, "5")]),
            (r"'it\'s ?' ?", MYSQL, vec![(Quoted, r"'it\'s ?'"), (Placeholder, "?")]),
            ("`a?`'b''?'", MYSQL, vec![(Quoted, "`a?`"), (Quoted, "'b'"), (Quoted, "'?'")]),
            (r"'\' $1", Dialect::Postgres, vec![(Quoted, r"'\'"), (Placeholder, "$1")]),
            (r"E'\' $1'", Dialect::Postgres, vec![(Word, "E"), (Quoted, r"'\' $1'")]),
            (r"de'\'", Dialect::Postgres, vec![(Word, "de"), (Quoted, r"'\'")]),
            ("/* /* */ ; */ x", Dialect::Postgres, vec![(Word, "x")]),
            (
                "$a$;$b$'$a$ $12",
                Dialect::Postgres,
                vec![(Quoted, "$a$;$b$'$a$"), (Placeholder, "$12")],
            ),
            ("$$;$$", Dialect::Postgres, vec![(Quoted, "$$;$$")]),
            ("a$1", Dialect::Postgres, vec![(Word, "a$1")]),
            ("x 'open", MYSQL, vec![(Word, "x"), (Quoted, "'open")]),
            ("/* open", MYSQL, vec![]),
            ("é = 1", MYSQL, vec![(Word, "é"), (Sign, "="), (Word, "1")]),
        ] {
            assert_eq!(read(sql, dialect), expected, "{sql}");
        }
        let without = Dialect::MySql { backslash_escapes: false };
        assert_eq!(read(r"'\' ?", without), [(Quoted, r"'\'"), (Placeholder, "?")]);
    }

    #[test]
    fn a_comment_that_may_be_executed_is_no_comment() {
        let read: Vec<_> = tokens("/*!80000 a */ b /*M!100100 c /* d */ e */ f", MYSQL)
            .map(|token| (token.text, token.conditional))
            .collect();
        let expected = [("a", true), ("b", false), ("c", true), ("e", true), ("f", false)];
        assert_eq!(read, expected);
        for (sql, expected) in [
            ("/*!80000 a */", true),
            ("a /*M! */", true),
            ("a -- /*! b */", false),
            ("'/*! b */' /* /*! */", false),
        ] {
            assert_eq!(has_executable_comment(sql, MYSQL), expected, "{sql}");
        }
        assert!(!has_executable_comment("/*! a */", Dialect::Postgres));
    }

    proptest! {
        #[test]
        fn tokens_follow_one_another(sql in "[\\PC\n]{0,40}", mysql: bool) {
            let dialect = if mysql { MYSQL } else { Dialect::Postgres };
            let mut end = 0;
            for token in tokens(&sql, dialect) {
                prop_assert!(token.at >= end && !token.text.is_empty());
                end = token.end();
                prop_assert_eq!(&sql[token.at..end], token.text);
            }
        }
    }
}
