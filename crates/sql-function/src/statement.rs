//! A statement that a function may run: one `.sql` file that it was deployed with.
//!
//! It is in its engine's own SQL, with its engine's own placeholders, and runs as it is in `mysql` or
//! `psql`. Options are comments at its top:
//!
//! ```sql
//! -- Adds an item. A line like this one is only a comment.
//! -- mode: write
//! -- timeout: 5s
//! INSERT INTO items (name) VALUES (?);
//! ```
//!
//! | option | values | default |
//! |---|---|---|
//! | `mode` | `read` (the server refuses writes), `write` | `read` |
//! | `exclusive` | `true` (a run that finds another one going is skipped), `false` | `false` |
//! | `timeout` | `250ms`, `30s`, `5m` | the function's own deadline |
//! | `max_rows` | a number of rows | `10000` |
//!
//! A file is read once, when the function starts: its options, its tokens, and whether it is of a kind
//! that no event may run ([`check`]).

mod check;
mod options;

use diagnosis::Cause;
use std::ops::Range;
use std::time::Duration;

use crate::error::{Error, Kind};
use crate::named;
use crate::sql::{self, Dialect, Token, TokenKind};

/// Whether a statement may change data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The server is told to refuse writes.
    Read,
    /// Writes are allowed.
    Write,
}

/// One statement of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The file's name without `.sql`: what events call it by.
    pub name: String,
    /// The whole file, without a byte order mark.
    pub sql: String,
    /// Whether it may change data.
    pub mode: Mode,
    /// Whether a server lock keeps a second run of it out.
    pub exclusive: bool,
    /// How long it may run, when less than the function's own deadline.
    pub timeout: Option<Duration>,
    /// How many rows it may return.
    pub max_rows: u64,
    dialect: Dialect,
    tokens: Vec<Place>,
}

/// Where a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    kind: TokenKind,
    range: Range<usize>,
    conditional: bool,
}

/// Why a file is no statement.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    /// The line, counted from 1. Some refusals concern the whole file.
    line: Option<usize>,
    why: String,
    way_out: String,
    cause: Cause,
}

impl Statement {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`Kind::Statement`], with the line and the way out: an option is wrong, or the SQL is of a kind
    /// that no event may run.
    pub fn parse(name: &str, sql: String, dialect: Dialect) -> Result<Statement, Error> {
        Statement::parse_file(&format!("statement {name:?}"), name, sql, dialect)
    }

    /// Reads the text of the file that errors call `place`.
    pub(crate) fn parse_file(
        place: &str,
        name: &str,
        sql: String,
        dialect: Dialect,
    ) -> Result<Statement, Error> {
        read(name, sql, dialect).map_err(|Refusal { line, why, way_out, cause }| {
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            Error::new(Kind::Statement, named!("{place}: {line}{why}"))
                .named(cause)
                .advice(named!("{way_out}"))
        })
    }

    /// The same statement for a session in which a backslash in quotes is an ordinary character.
    ///
    /// # Errors
    /// [`Kind::Statement`] where it is of a kind then that no event may run.
    pub fn without_backslash_escapes(&self) -> Result<Statement, Error> {
        let dialect = Dialect::MySql { backslash_escapes: false };
        Statement::parse(&self.name, self.sql.clone(), dialect)
    }

    /// Its words and signs.
    pub fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        self.tokens.iter().map(|Place { kind, range, conditional }| Token {
            kind: *kind,
            text: &self.sql[range.clone()],
            at: range.start,
            conditional: *conditional,
        })
    }

    /// Where MySQL's placeholders are, or PostgreSQL's.
    pub fn placeholders(&self) -> impl Iterator<Item = Token<'_>> {
        self.tokens().filter(|token| token.kind == TokenKind::Placeholder)
    }

    /// How many parameters it takes.
    pub fn params(&self) -> usize {
        match self.dialect {
            Dialect::MySql { .. } => self.placeholders().count(),
            Dialect::Postgres => {
                let numbers = self.placeholders().filter_map(|token| token.text[1..].parse().ok());
                numbers.max().unwrap_or(0)
            }
        }
    }

    /// The first word of its SQL, in capital letters: what kind of statement it is. A word in a
    /// comment that some servers execute counts.
    pub fn verb(&self) -> String {
        let word = self.tokens().find(|token| !token.is_sign('('));
        word.map(|token| token.text.to_ascii_uppercase()).unwrap_or_default()
    }

    /// What it does in the end, in capital letters: what a WITH leads to, else its first word.
    pub fn main_verb(&self) -> String {
        const VERBS: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"];
        let verb = self.verb();
        if verb != "WITH" {
            return verb;
        }
        let mut depth = 0_i64;
        for token in self.tokens() {
            match () {
                () if token.is_sign('(') => depth += 1,
                () if token.is_sign(')') => depth -= 1,
                () if depth == 0 && token.is_one_of(&VERBS) => {
                    return token.text.to_ascii_uppercase();
                }
                () => {}
            }
        }
        verb
    }

    /// Whether it adds, changes or removes rows.
    pub fn changes_rows(&self) -> bool {
        const CHANGES: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"];
        CHANGES.contains(&self.main_verb().as_str())
    }

    /// Whether it is carried out as a whole or not at all. A procedure may commit on its way, and so
    /// may most of what is not about rows.
    pub fn is_atomic(&self) -> bool {
        const ATOMIC: [&str; 9] =
            ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "WITH", "VALUES", "TABLE"];
        check::verbs(self).all(|verb| verb.is_one_of(&ATOMIC))
    }

    /// Whether `word` stands in it, outside of quotes and comments.
    pub fn has_word(&self, word: &str) -> bool {
        self.tokens().any(|token| token.is(word))
    }

    /// Compares the number of parameters the server found in the statement with those given.
    ///
    /// # Errors
    /// [`Kind::Statement`] when they differ.
    pub fn check_params(&self, expected: usize, given: usize) -> Result<(), Error> {
        if expected == given {
            return Ok(());
        }
        Err(Error::new(
            Kind::Statement,
            named!(
                "statement {:?} takes {}, and the event has {given}",
                self.name,
                counted(expected)
            ),
        )
        .advice("send one value in \"params\" for each placeholder, in their order"))
    }
}

/// So many parameters, in words.
pub(crate) fn counted(params: usize) -> String {
    if params == 1 { "1 parameter".to_owned() } else { format!("{params} parameters") }
}

fn read(name: &str, sql: String, dialect: Dialect) -> Result<Statement, Refusal> {
    // Editors on Windows write one, and neither server takes it.
    let sql = sql.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(sql);
    let options = options::read(&sql, dialect)?;
    let tokens = sql::tokens(&sql, dialect)
        .map(|token| Place {
            kind: token.kind,
            range: token.at..token.end(),
            conditional: token.conditional,
        })
        .collect();
    let statement = Statement {
        name: name.to_owned(),
        sql,
        mode: options.mode.unwrap_or(Mode::Read),
        exclusive: options.exclusive.unwrap_or(false),
        timeout: options.timeout,
        max_rows: options.max_rows.unwrap_or(options::DEFAULT_MAX_ROWS),
        dialect,
        tokens,
    };
    check::all(&statement)?;
    Ok(statement)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
