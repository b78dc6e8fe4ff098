//! A statement that a function may run: one `.sql` file that was deployed with it.
//!
//! It uses its engine's own SQL and placeholders, and runs unchanged in `mysql` or `psql`. Options
//! are comments at its top:
//!
//! ```sql
//! -- Adds an item. This line is only a comment.
//! -- mode: write
//! -- timeout: 5s
//! INSERT INTO items (name) VALUES (?);
//! ```
//!
//! | option | values | default |
//! |---|---|---|
//! | `mode` | `read` (the server refuses writes), `write` | `read` |
//! | `exclusive` | `true` (skipped if it is already running elsewhere), `false` | `false` |
//! | `timeout` | `250ms`, `30s`, `5m` | the function's own deadline |
//! | `max_rows` | a number of rows | `10000` |
//! | `param` | a name, a type and words, one line for each parameter | |
//! | `schedule` | an expression of EventBridge Scheduler, and a time zone; any number of lines | |
//! | `params` | the parameters of the schedule before it, as JSON | |
//!
//! All other comments at the top are its description. A file is read once, when the function starts. [`check`] refuses statements that no event may
//! run.

mod calendar;
mod check;
mod declared;
mod fit;
mod options;
mod schedule;

use diagnosis::Cause;
use std::ops::Range;
use std::time::Duration;

use crate::error::{Error, Kind};
use crate::loggable;
use crate::sql::{self, Dialect, Token, TokenKind};

pub use declared::{Declared, ParamType, Scalar};
pub use schedule::Schedule;

/// Whether a statement may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The server refuses writes.
    Read,
    /// Writes are allowed.
    Write,
}

/// One statement of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The file's name without `.sql`, which events use.
    pub name: String,
    /// The whole file, without a byte order mark.
    pub sql: String,
    /// Whether it may write.
    pub mode: Mode,
    /// Whether a server lock prevents it from running twice at the same time.
    pub exclusive: bool,
    /// How long it may run, if it has its own limit.
    pub timeout: Option<Duration>,
    /// How many rows it may return.
    pub max_rows: u64,
    /// What it does, in words: the comments at its top that are no option. May be empty.
    pub description: String,
    /// Its parameters by position, if they are declared; else empty.
    pub declared: Vec<Declared>,
    /// When it is run.
    pub schedules: Vec<Schedule>,
    dialect: Dialect,
    tokens: Vec<Place>,
}

/// A token's kind and position.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    kind: TokenKind,
    range: Range<usize>,
    conditional: bool,
}

/// Why a file is refused.
#[derive(Debug, PartialEq, Eq)]
struct Refusal {
    /// The line, from 1; `None` for the whole file.
    line: Option<usize>,
    why: String,
    fix: String,
    cause: Cause,
}

impl Refusal {
    /// The error about the text at `place`.
    fn at(self, place: &str) -> Error {
        let Refusal { line, why, fix, cause } = self;
        let at = line.map(|line| format!("line {line}: ")).unwrap_or_default();
        Error::new(Kind::Statement, loggable!("{place}: {at}{why}"))
            .at_line(line)
            .with_cause(cause)
            .advice(loggable!("{fix}"))
    }
}

impl Statement {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`Kind::Statement`], with the line and a fix: an option is invalid, or no event may run the
    /// SQL.
    pub fn parse(name: &str, sql: String, dialect: Dialect) -> Result<Statement, Error> {
        Statement::parse_file(&format!("statement {name:?}"), name, sql, dialect)
    }

    /// Reads the text of the file at `place`, as errors call it.
    pub(crate) fn parse_file(
        place: &str,
        name: &str,
        sql: String,
        dialect: Dialect,
    ) -> Result<Statement, Error> {
        read(name, sql, dialect, None).map_err(|refusal| refusal.at(place))
    }

    /// Reads a text whose mode the code decides that contains it.
    pub(crate) fn parse_as(
        name: &str,
        sql: String,
        mode: Mode,
        dialect: Dialect,
    ) -> Result<Statement, Error> {
        let place = format!("statement {name:?}");
        read(name, sql, dialect, Some(mode)).map_err(|refusal| refusal.at(&place))
    }

    /// The same statement for a session in which backslashes in quotes do not escape.
    ///
    /// # Errors
    /// [`Kind::Statement`] if no event may run it when it is read that way.
    pub fn without_backslash_escapes(&self) -> Result<Statement, Error> {
        let dialect = Dialect::MySql { backslash_escapes: false };
        Statement::parse(&self.name, self.sql.clone(), dialect)
    }

    /// Its tokens.
    pub fn tokens(&self) -> impl Iterator<Item = Token<'_>> {
        self.tokens.iter().map(|Place { kind, range, conditional }| Token {
            kind: *kind,
            text: &self.sql[range.clone()],
            at: range.start,
            conditional: *conditional,
        })
    }

    /// Its placeholders.
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

    /// The first word of its SQL in upper case, including conditional comments.
    pub fn verb(&self) -> String {
        let word = self.tokens().find(|token| !token.is_sign('('));
        word.map(|token| token.text.to_ascii_uppercase()).unwrap_or_default()
    }

    /// The line of its SQL's first word, from 1.
    pub fn verb_line(&self) -> Option<usize> {
        let verb = self.tokens().find(|token| !token.is_sign('('));
        verb.map(|verb| 1 + self.sql[..verb.at].matches('\n').count())
    }

    /// The verb of its main command in upper case: the one after a WITH clause, or the first word.
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

    /// Whether it inserts, updates or deletes rows.
    pub fn changes_rows(&self) -> bool {
        const CHANGES: [&str; 5] = ["INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"];
        CHANGES.contains(&self.main_verb().as_str())
    }

    /// Whether a server that takes no writes may run it although its mode is write: a procedure, a function,
    /// a setting, or what looks after the one server. MySQL's and MariaDB's manuals have ANALYZE and OPTIMIZE
    /// among them, but the servers refuse both.
    ///
    /// Source for PostgreSQL: `ClassifyUtilityCommandAsReadOnly` in its sources, which takes a CHECKPOINT in
    /// recovery, and no ANALYZE.
    pub(crate) fn may_only_read(&self) -> bool {
        #[rustfmt::skip]
        const PERHAPS: [&str; 13] = [
            "CALL", "CHECK", "CHECKPOINT", "DO", "EXECUTE", "EXPLAIN", "FLUSH", "KILL", "SELECT", "SET",
            "SHOW", "TABLE", "VALUES",
        ];
        self.mode == Mode::Read || PERHAPS.contains(&self.main_verb().as_str())
    }

    /// Whether it is executed completely or not at all. Procedures and most statements that are not
    /// about rows may commit midway.
    pub fn is_atomic(&self) -> bool {
        const ATOMIC: [&str; 9] =
            ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "WITH", "VALUES", "TABLE"];
        check::verbs(self).all(|verb| verb.is_one_of(&ATOMIC))
    }

    /// Whether it may be part of a transaction. PostgreSQL runs some commands only outside one, and a
    /// procedure or a `DO` block may commit.
    ///
    /// Source: `PreventInTransactionBlock` in PostgreSQL's sources.
    pub fn is_transactional(&self) -> bool {
        // REINDEX of a partitioned table does not run in one, and its text does not tell.
        const ALONE: [&str; 7] =
            ["CALL", "CLUSTER", "DISCARD", "DO", "REINDEX", "REPACK", "VACUUM"];
        const OBJECTS: [&str; 3] = ["DATABASE", "SUBSCRIPTION", "TABLESPACE"];
        let verb = self.verb();
        let object = self.tokens().nth(1);
        let has_object = |object: &Token<'_>| match &*verb {
            "CREATE" | "DROP" => object.is_one_of(&OBJECTS),
            "ALTER" if object.is("DATABASE") => self.has_word("TABLESPACE"),
            "ALTER" => object.is_one_of(&["SUBSCRIPTION", "SYSTEM"]),
            _ => false,
        };
        // REFRESH MATERIALIZED VIEW CONCURRENTLY does run in one.
        let concurrently =
            matches!(&*verb, "ALTER" | "CREATE" | "DROP") && self.has_word("CONCURRENTLY");
        !(concurrently || ALONE.contains(&&*verb) || object.as_ref().is_some_and(has_object))
    }

    /// Whether it contains `word`, outside quotes and comments.
    pub fn has_word(&self, word: &str) -> bool {
        self.tokens().any(|token| token.is(word))
    }

    /// Compares the number of the statement's parameters with those in the event.
    ///
    /// # Errors
    /// [`Kind::Statement`] if they differ.
    pub fn check_params(&self, expected: usize, given: usize) -> Result<(), Error> {
        if expected == given {
            return Ok(());
        }
        let advice = if self.declared.is_empty() {
            "send one value in \"params\" for each placeholder, in order".into()
        } else {
            let shown = self.declared.iter().map(Declared::shown).collect::<Vec<_>>().join(", ");
            loggable!("send one value in \"params\" for each of its parameters, in order: {shown}")
        };
        Err(Error::new(
            Kind::Statement,
            loggable!(
                "statement {:?} takes {}, but the event has {given}",
                self.name,
                counted(expected)
            ),
        )
        .advice(advice))
    }
}

/// The number of parameters, with the word.
pub(crate) fn counted(params: usize) -> String {
    if params == 1 { "1 parameter".to_owned() } else { format!("{params} parameters") }
}

fn read(
    name: &str,
    sql: String,
    dialect: Dialect,
    mode: Option<Mode>,
) -> Result<Statement, Refusal> {
    // Some editors on Windows write a byte order mark, which no server accepts.
    let sql = sql.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(sql);
    let options = options::read(&sql, dialect)?;
    if let (Some(decided), Some(written)) = (mode, options.mode)
        && decided != written
    {
        return Err(Refusal {
            line: None,
            why: "its mode is not that of the call that runs it".into(),
            fix: "remove the option mode, or run it with query to read, with execute or query_mut \
                  to write"
                .into(),
            cause: Cause::StatementMode,
        });
    }
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
        mode: mode.or(options.mode).unwrap_or(Mode::Read),
        exclusive: options.exclusive.unwrap_or(false),
        timeout: options.timeout,
        max_rows: options.max_rows.unwrap_or(options::DEFAULT_MAX_ROWS),
        description: options.description,
        declared: options.declared,
        schedules: options.schedules,
        dialect,
        tokens,
    };
    check::all(&statement)?;
    declared::check(&statement, &options.lines)?;
    fit::check_schedules(&statement)?;
    Ok(statement)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
