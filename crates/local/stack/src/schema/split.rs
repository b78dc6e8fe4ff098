//! The statements of a schema, each with its line.
//!
//! A server would split the text itself, but names no line of it. Files of `mysqldump` and `pg_dump` are
//! understood as far as they are SQL: `DELIMITER`, and the `\restrict` of `pg_dump`. Other commands of the
//! clients are refused.

use engine::Engine;
use sql_function::sql::{Dialect, Token, TokenKind, tokens};

/// One statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// The text, with the comments before it, without its delimiter.
    pub(super) sql: &'a str,
    /// The line of the file on which the text begins.
    pub(super) line: usize,
    /// The line of its first word.
    pub(super) first_line: usize,
}

/// What is not understood, and where.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotUnderstood {
    pub(super) line: usize,
    pub(super) why: String,
}

/// The statements of `sql`, in order.
///
/// # Errors
/// A command of a client, data for one, or another database than the function's.
pub(super) fn split(sql: &str, engine: Engine) -> Result<Vec<Piece<'_>>, NotUnderstood> {
    let mut splitter = Splitter { sql, engine, at: 0, lines: (0, 1), delimiter: ";".to_owned() };
    let mut pieces = Vec::new();
    while let Some(piece) = splitter.next()? {
        pieces.push(piece);
    }
    Ok(pieces)
}

struct Splitter<'a> {
    sql: &'a str,
    engine: Engine,
    /// Where the next statement begins.
    at: usize,
    /// An offset, and its line.
    lines: (usize, usize),
    delimiter: String,
}

impl<'a> Splitter<'a> {
    fn next(&mut self) -> Result<Option<Piece<'a>>, NotUnderstood> {
        loop {
            let rest = &self.sql[self.at..];
            let (start, base) = (self.at, self.at);
            let Some(first) = tokens(rest, Dialect::of(self.engine)).next() else {
                return Ok(None);
            };
            let first_at = base + first.at;
            if self.is_client_command(&first, first_at)? {
                // It extends to the end of its line.
                self.at = self.sql[first_at..]
                    .find('\n')
                    .map_or(self.sql.len(), |end| first_at + end + 1);
                continue;
            }
            let (end, next) = self.end(start)?;
            self.at = next;
            let text = &self.sql[start..end];
            if first_at >= end {
                continue; // Nothing before the delimiter.
            }
            let begin = start + text.len() - text.trim_start().len();
            let line = self.line(begin);
            let first_line = self.line(first_at);
            return Ok(Some(Piece { sql: text.trim(), line, first_line }));
        }
    }

    /// The end of the statement at `start`, and where the next one begins.
    fn end(&mut self, start: usize) -> Result<(usize, usize), NotUnderstood> {
        let mut nesting = Nesting::new(self.engine);
        let mut words: Vec<&str> = Vec::new();
        for token in tokens(&self.sql[start..], Dialect::of(self.engine)) {
            let at = start + token.at;
            if let Some(found) = self.delimiter_in(&token, nesting.is_open()) {
                return Ok((at + found, at + found + self.delimiter.len()));
            }
            if token.is_sign('\\') && !(self.is_mysql() && self.sql[at + 1..].starts_with('N')) {
                return Err(self.client_command(at));
            }
            if token.kind == TokenKind::Word && words.len() < 2 {
                words.push(token.text);
                self.refuse_database(&words, at)?;
            }
            if nesting.is_copy_from_stdin(&token) {
                return Err(self.not(
                    at,
                    "COPY … FROM stdin is followed by data for psql: let pg_dump write --inserts",
                ));
            }
            nesting.enter(token);
        }
        Ok((self.sql.len(), self.sql.len()))
    }

    /// Where the delimiter begins in `token`, as an offset from its start.
    fn delimiter_in(&self, token: &Token<'_>, is_open: bool) -> Option<usize> {
        let rest = &self.sql[self.at..][token.at..];
        match token.kind {
            TokenKind::Quoted => None,
            _ if self.delimiter == ";" => (token.is_sign(';') && !is_open).then_some(0),
            // `$` may be part of a name, as in END$$.
            TokenKind::Word => token.text.find(&self.delimiter),
            _ => rest.starts_with(&self.delimiter).then_some(0),
        }
    }

    /// Obeys DELIMITER, and says whether the line is a command that needs nothing else.
    fn is_client_command(&mut self, first: &Token<'_>, at: usize) -> Result<bool, NotUnderstood> {
        let line = self.sql[at..].lines().next().unwrap_or_default();
        let words: Vec<_> = line.split_whitespace().collect();
        if self.is_mysql() && first.is("DELIMITER") {
            let delimiter = words.get(1).ok_or_else(|| self.not(at, "DELIMITER names none"))?;
            self.delimiter = (*delimiter).to_owned();
            return Ok(true);
        }
        if self.is_mysql() && first.is("SOURCE") {
            return Err(self.client_command(at));
        }
        // pg_dump protects its files with them since August 2025.
        Ok(!self.is_mysql() && matches!(words.first(), Some(&"\\restrict" | &"\\unrestrict")))
    }

    fn refuse_database(&mut self, words: &[&str], at: usize) -> Result<(), NotUnderstood> {
        let is = |index: usize, word: &str| {
            words.get(index).is_some_and(|text| text.eq_ignore_ascii_case(word))
        };
        let mysql = self.is_mysql();
        let creates = is(0, "CREATE") && (is(1, "DATABASE") || mysql && is(1, "SCHEMA"));
        if creates || mysql && is(0, "USE") {
            let what = if creates { "CREATE DATABASE" } else { "USE" };
            let why = format!(
                "{what}: the function uses one database, which is there already; remove the statement"
            );
            return Err(self.not(at, &why));
        }
        Ok(())
    }

    fn is_mysql(&self) -> bool {
        self.engine != Engine::Postgres
    }

    fn client_command(&mut self, at: usize) -> NotUnderstood {
        let client = if self.is_mysql() { "mysql" } else { "psql" };
        let word = self.sql[at..].split_whitespace().next().unwrap_or_default().to_owned();
        self.not(
            at,
            &format!(
                "{word} is a command of the client {client}, not of the server; remove the line"
            ),
        )
    }

    fn not(&mut self, at: usize, why: &str) -> NotUnderstood {
        NotUnderstood { line: self.line(at), why: why.to_owned() }
    }

    /// The line of an offset.
    fn line(&mut self, at: usize) -> usize {
        let (from, line) = if at < self.lines.0 { (0, 1) } else { self.lines };
        let breaks = self.sql.as_bytes()[from..at].iter().filter(|byte| **byte == b'\n').count();
        self.lines = (at, line + breaks);
        self.lines.1
    }
}

/// Where a semicolon does not end the statement: in parentheses, and in the body of a routine.
struct Nesting<'a> {
    engine: Engine,
    depth: usize,
    /// The kind of object that the statement creates, once it is known.
    creates: Option<Token<'a>>,
    first: Option<Token<'a>>,
    before: Option<Token<'a>>,
    /// The word after END decides what it ends.
    ends: bool,
    from: bool,
}

/// What a statement may create, as far as it tells routines from others.
const KINDS: [&str; 11] = [
    "PROCEDURE",
    "FUNCTION",
    "TRIGGER",
    "EVENT",
    "PACKAGE",
    "TABLE",
    "VIEW",
    "INDEX",
    "TYPE",
    "USER",
    "ROLE",
];

impl<'a> Nesting<'a> {
    fn new(engine: Engine) -> Self {
        let (creates, first, before) = (None, None, None);
        Self { engine, depth: 0, creates, first, before, ends: false, from: false }
    }

    fn is_open(&self) -> bool {
        // `END;` is decided by its semicolon.
        self.depth > usize::from(self.ends)
    }

    fn has_body(&self) -> bool {
        self.creates.is_some_and(|kind| kind.is_one_of(&KINDS[..5]))
            // An anonymous block of MariaDB: BEGIN NOT ATOMIC.
            || self.first.is_some_and(|first| first.is("BEGIN")) && self.depth > 0
    }

    fn is_copy_from_stdin(&mut self, token: &Token<'_>) -> bool {
        let copies = self.engine == Engine::Postgres
            && self.first.is_some_and(|first| first.is("COPY"))
            && self.depth == 0;
        let from = std::mem::replace(&mut self.from, token.is("FROM"));
        copies && from && token.is("STDIN")
    }

    fn enter(&mut self, token: Token<'a>) {
        const OPENED_OTHERWISE: [&str; 5] = ["IF", "LOOP", "WHILE", "REPEAT", "FOR"];
        let creates = self.first.is_some_and(|first| first.is_one_of(&["CREATE", "ALTER"]));
        if creates && self.creates.is_none() && token.is_one_of(&KINDS) {
            self.creates = Some(token);
        }
        let is_name = self.before.is_some_and(|before| before.is_sign('.'));
        let closes = std::mem::take(&mut self.ends);
        if closes && !token.is_one_of(&OPENED_OTHERWISE) {
            self.depth = self.depth.saturating_sub(1);
        }
        if token.is_sign('(') {
            self.depth += 1;
        } else if token.is_sign(')') {
            self.depth = self.depth.saturating_sub(1);
        } else if self.has_body() && !is_name {
            let begins = match self.engine {
                Engine::Postgres => {
                    token.is("ATOMIC") && self.before.is_some_and(|before| before.is("BEGIN"))
                        || token.is("CASE") && self.depth > 0
                }
                Engine::MySql | Engine::MariaDb => token.is_one_of(&["BEGIN", "CASE"]),
            };
            // END CASE has closed it already.
            self.depth += usize::from(begins && !closes);
            self.ends = token.is("END") && self.depth > 0;
        } else if token.is("NOT") && self.before.is_some_and(|before| before.is("BEGIN")) {
            self.depth += 1;
        }
        self.first = self.first.or(Some(token));
        self.before = Some(token);
    }
}

#[cfg(test)]
mod tests;
