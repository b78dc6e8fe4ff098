//! The statements a function may run: the `.sql` files it was deployed with.
//!
//! A statement is one file in its engine's own SQL, with its engine's own placeholders, that runs as
//! it is in `mysql` or `psql`. Options are comments at its top:
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

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::doctor::Cause;
use crate::error::{Error, Kind};

const DEFAULT_MAX_ROWS: u64 = 10_000;

/// Whether a statement may change data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The server is told to refuse writes.
    Read,
    /// Writes are allowed.
    Write,
}

/// One statement of the catalogue.
///
/// Two kinds are never run. One that controls transactions would leave one open, or end the one that
/// an event is. And one that the server cannot hold to reading, such as a procedure that may begin a
/// transaction of its own, is no read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The file's name without `.sql`: what events call it by.
    pub name: String,
    /// The whole file.
    pub sql: String,
    /// Whether it may change data.
    pub mode: Mode,
    /// Whether a server lock keeps a second run of it out.
    pub exclusive: bool,
    /// How long it may run, when less than the function's own deadline.
    pub timeout: Option<Duration>,
    /// How many rows it may return.
    pub max_rows: u64,
}

impl Statement {
    /// The first word of its SQL, in capital letters: what kind of statement it is.
    pub fn verb(&self) -> String {
        let mut sql = self.sql.trim_start();
        loop {
            let rest = if let Some(comment) = sql.strip_prefix("/*") {
                comment.split_once("*/").map(|(_, rest)| rest)
            } else if sql.starts_with("--") || sql.starts_with('#') {
                sql.split_once('\n').map(|(_, rest)| rest)
            } else {
                sql.strip_prefix('(')
            };
            let Some(rest) = rest else { break };
            sql = rest.trim_start();
        }
        let end = sql.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(sql.len());
        sql[..end].to_ascii_uppercase()
    }

    /// Whether it is carried out as a whole or not at all. A procedure may commit on its way, and so
    /// may most of what is not about rows.
    pub fn is_atomic(&self) -> bool {
        const ATOMIC: [&str; 9] =
            ["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", "WITH", "VALUES", "TABLE"];
        ATOMIC.contains(&self.verb().as_str())
    }

    /// Whether it may leave a session that is not a new one: a role, a variable, a temporary table, a
    /// lock. Such a connection is not used again. It is told by its words, which may also stand in a
    /// comment or a string: that costs a login.
    pub(crate) fn may_change_session(&self) -> bool {
        const VERBS: [&str; 15] = [
            "CALL",
            "DEALLOCATE",
            "DECLARE",
            "DISCARD",
            "DO",
            "EXECUTE",
            "GET",
            "HANDLER",
            "LISTEN",
            "LOAD",
            "LOCK",
            "PREPARE",
            "RESET",
            "SET",
            "USE",
        ];
        // To read a variable of MySQL's changes nothing, and `@` is also an operator of PostgreSQL's.
        const MARKS: [&str; 6] =
            [":=", "INTO @", "PG_TEMP", "SET_CONFIG", "GET_LOCK", "ADVISORY_LOCK"];
        const BEFORE_TEMPORARY: [&str; 5] = ["CREATE", "REPLACE", "LOCAL", "GLOBAL", "INTO"];
        let sql = self.sql.to_ascii_uppercase();
        let words: Vec<_> = sql.split_ascii_whitespace().collect();
        let makes_temporary = words.windows(2).any(|pair| {
            BEFORE_TEMPORARY.contains(&pair[0]) && matches!(pair[1], "TEMP" | "TEMPORARY")
        });
        let sql = words.join(" ");
        makes_temporary
            || VERBS.contains(&self.verb().as_str())
            || MARKS.iter().any(|mark| sql.contains(mark))
    }

    /// Refuses what no event may run: see [`Statement`].
    ///
    /// # Errors
    /// [`Kind::Statement`], with the way out.
    pub(crate) fn check_kind(&self) -> Result<(), Error> {
        const CONTROL: [&str; 9] =
            ["ABORT", "BEGIN", "COMMIT", "END", "RELEASE", "ROLLBACK", "SAVEPOINT", "START", "XA"];
        const UNBOUND: [&str; 5] = ["CALL", "DO", "EXECUTE", "RESET", "SET"];
        let (name, verb) = (&self.name, self.verb());
        if CONTROL.contains(&verb.as_str()) {
            let message = format!("statement {name:?} is a {verb}, which controls transactions");
            return Err(Error::new(Kind::Statement, message).advice(
                "send the statements between BEGIN and COMMIT as one event: \
                 {\"transaction\": [{\"statement\": \"a\"}, {\"statement\": \"b\"}]}",
            ));
        }
        if self.mode == Mode::Read && UNBOUND.contains(&verb.as_str()) {
            let message =
                format!("statement {name:?} is a {verb}, which the server cannot hold to reading");
            return Err(Error::new(Kind::Statement, message)
                .named(Cause::StatementMode)
                .advice("it needs the line \"-- mode: write\" at its top"));
        }
        Ok(())
    }

    /// Compares the number of parameters the server found in the statement with those given.
    ///
    /// # Errors
    /// [`Kind::Statement`] when they differ.
    pub fn check_params(&self, expected: usize, given: usize) -> Result<(), Error> {
        if expected == given {
            return Ok(());
        }
        let few =
            |count| if count == 1 { "1 parameter".into() } else { format!("{count} parameters") };
        Err(Error::new(
            Kind::Statement,
            format!("statement {:?} takes {}, and the event has {given}", self.name, few(expected)),
        )
        .advice("send one value in \"params\" for each placeholder, in their order"))
    }
}

/// The statements of a function, by name.
#[derive(Debug)]
pub struct Catalogue(BTreeMap<String, Statement>);

impl Catalogue {
    /// Reads every `.sql` file of `folder`.
    ///
    /// # Errors
    /// [`Kind::Settings`] when the folder cannot be read or holds no statement, [`Kind::Statement`]
    /// when a file's name, text or options are wrong; both name the place.
    pub fn load(folder: &Path) -> Result<Catalogue, Error> {
        let unreadable = |error: io::Error| {
            Error::new(
                Kind::Settings,
                format!("cannot read the statements in {}", folder.display()),
            )
            .named(Cause::StatementsMissing)
            .caused_by(error)
            .advice("set STATEMENTS_DIR to the folder that holds the .sql files")
        };
        let mut statements = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_none_or(|extension| extension != "sql") {
                continue;
            }
            let statement = read(&path).map_err(|error| error.named(Cause::StatementFile))?;
            statements.insert(statement.name.clone(), statement);
        }
        if statements.is_empty() {
            return Err(Error::new(
                Kind::Settings,
                format!("no .sql file in {}", folder.display()),
            )
            .named(Cause::StatementsMissing)
            .advice("deploy at least one statement, or set STATEMENTS_DIR"));
        }
        Ok(Catalogue(statements))
    }

    /// The statement called `name`.
    ///
    /// # Errors
    /// [`Kind::Statement`] when there is none; the message lists those there are.
    pub fn get(&self, name: &str) -> Result<&Statement, Error> {
        self.0.get(name).ok_or_else(|| {
            let known: Vec<_> = self.0.keys().map(String::as_str).collect();
            Error::new(Kind::Statement, format!("no statement is called {name:?}")).advice(format!(
                "use one of the deployed statements ({}), or deploy {name}.sql",
                known.join(", ")
            ))
        })
    }

    /// All statements, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Statement> {
        self.0.values()
    }
}

fn read(path: &Path) -> Result<Statement, Error> {
    let wrong = |why: String| Error::new(Kind::Statement, format!("{}: {why}", path.display()));
    let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(wrong("the name of a statement is made of letters, digits, _ and -".into()));
    }
    let sql = fs::read_to_string(path)
        .map_err(|error| wrong("cannot be read as UTF-8 text".into()).caused_by(error))?;
    parse(name, sql).map_err(wrong)
}

/// Reads a statement's options from the comments at its top. The error is the reason alone.
fn parse(name: &str, sql: String) -> Result<Statement, String> {
    let mut statement = Statement {
        name: name.to_owned(),
        sql: String::new(),
        mode: Mode::Read,
        exclusive: false,
        timeout: None,
        max_rows: DEFAULT_MAX_ROWS,
    };
    let mut seen = Vec::new();
    for (number, line) in sql.lines().enumerate() {
        let line = line.trim();
        let Some(comment) = line.strip_prefix("--") else {
            if line.is_empty() {
                continue;
            }
            break;
        };
        let Some((key, value)) = option(comment) else { continue };
        if seen.contains(&key) {
            return Err(format!("line {}: {key} is given twice", number + 1));
        }
        seen.push(key);
        set(&mut statement, key, value).map_err(|why| format!("line {}: {why}", number + 1))?;
    }
    let has_sql =
        sql.lines().map(str::trim).any(|line| !line.is_empty() && !line.starts_with("--"));
    if !has_sql {
        return Err("holds no SQL".into());
    }
    statement.sql = sql;
    Ok(statement)
}

/// A comment is an option when one lower-case word and a colon begin it, so that a misspelt option
/// is an error and prose is not.
fn option(comment: &str) -> Option<(&str, &str)> {
    let (key, value) = comment.split_once(':')?;
    let key = key.trim();
    let is_word = !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_word.then_some((key, value.trim()))
}

fn set(statement: &mut Statement, key: &str, value: &str) -> Result<(), String> {
    match (key, value) {
        ("mode", "read") => statement.mode = Mode::Read,
        ("mode", "write") => statement.mode = Mode::Write,
        ("mode", _) => return Err(format!("mode is read or write, not {value:?}")),
        ("exclusive", "true") => statement.exclusive = true,
        ("exclusive", "false") => statement.exclusive = false,
        ("exclusive", _) => return Err(format!("exclusive is true or false, not {value:?}")),
        ("timeout", _) => {
            statement.timeout = Some(duration(value).ok_or_else(|| {
                format!("timeout is a time above zero such as 250ms, 30s or 5m, not {value:?}")
            })?);
        }
        ("max_rows", _) => {
            statement.max_rows = value
                .parse()
                .map_err(|_| format!("max_rows is a whole number of rows, not {value:?}"))?;
        }
        _ => {
            return Err(format!(
                "{key} is no option: there are mode, exclusive, timeout and max_rows (begin a \
                 comment with a capital letter)"
            ));
        }
    }
    Ok(())
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        _ => return None,
    };
    let millis = count.parse::<u64>().ok()?.checked_mul(unit)?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_options_reads_at_most_ten_thousand_rows() {
        let statement = parse("items", "SELECT * FROM items;\n".into()).unwrap();
        assert_eq!(
            statement,
            Statement {
                name: "items".into(),
                sql: "SELECT * FROM items;\n".into(),
                mode: Mode::Read,
                exclusive: false,
                timeout: None,
                max_rows: 10_000,
            }
        );
    }

    #[test]
    fn options_are_comments_at_the_top() {
        let sql = "-- Moves an item: slowly.\n\n--mode: write\n-- exclusive: true\n-- timeout: 250ms\n\
                   -- max_rows: 5\nSELECT 1 -- mode: read\n-- mode: nonsense";
        let statement = parse("move", sql.into()).unwrap();
        assert_eq!(statement.mode, Mode::Write);
        assert!(statement.exclusive);
        assert_eq!(statement.timeout, Some(Duration::from_millis(250)));
        assert_eq!(statement.max_rows, 5);
        assert_eq!(statement.sql, sql);
    }

    #[test]
    fn the_first_word_is_found_behind_comments() {
        for (sql, verb, atomic) in [
            ("select 1", "SELECT", true),
            ("-- Adds.\n-- mode: write\n\nINSERT INTO t VALUES (1)", "INSERT", true),
            ("/* a; b */ # c\n ((SELECT 1))", "SELECT", true),
            ("WITH a AS (SELECT 1) DELETE FROM t", "WITH", true),
            ("CALL p()", "CALL", false),
            ("DO $$ BEGIN COMMIT; END $$", "DO", false),
            ("/*! SELECT 1 */", "", false),
            ("-- nothing", "", false),
        ] {
            let statement = Statement { sql: sql.into(), ..parse("s", "SELECT 1".into()).unwrap() };
            assert_eq!((statement.verb().as_str(), statement.is_atomic()), (verb, atomic), "{sql}");
        }
    }

    #[test]
    fn what_changes_a_session_is_told_by_its_words() {
        let changes = |sql: &str| parse("s", sql.into()).unwrap().may_change_session();
        for sql in [
            "CALL p()",
            "set role a",
            "SELECT @a := 1",
            "SELECT id INTO\n@a FROM t",
            "GET DIAGNOSTICS @a = NUMBER",
            "CREATE TEMP  TABLE t (a INT)",
            "CREATE OR REPLACE TEMPORARY\nTABLE t (a INT)",
            "SELECT 1 INTO TEMP t",
            "CREATE TABLE pg_temp.t (a INT)",
            "SELECT pg_advisory_lock(1)",
            "SELECT GET_LOCK('a', 0)",
        ] {
            assert!(changes(sql), "{sql}");
        }
        for sql in [
            "-- Owner: team@example.com\nSELECT 1",
            "SELECT * FROM t WHERE tags @> '[1]' AND words @@ to_tsquery('a')",
            "SELECT temp, is_temporary FROM weather",
            "SELECT * FROM t WHERE mail LIKE '%@example.com'",
        ] {
            assert!(!changes(sql), "{sql}");
        }
    }

    #[test]
    fn a_wrong_option_names_its_line() {
        for (sql, why) in [
            ("-- mode: rw\nSELECT 1", "line 1: mode is read or write, not \"rw\""),
            ("\n-- exclusive: yes\nSELECT 1", "line 2: exclusive is true or false"),
            ("-- timeout: 30\nSELECT 1", "timeout is a time above zero"),
            ("-- timeout: 0s\nSELECT 1", "timeout is a time above zero"),
            ("-- timeout: 99999999999999999999m\nSELECT 1", "timeout is a time above zero"),
            ("-- max_rows: -1\nSELECT 1", "max_rows is a whole number"),
            ("-- exclusve: true\nSELECT 1", "exclusve is no option"),
            ("-- mode: read\n-- mode: write\nSELECT 1", "line 2: mode is given twice"),
            ("-- mode: write\n", "holds no SQL"),
            ("", "holds no SQL"),
        ] {
            let error = parse("s", sql.into()).expect_err(sql);
            assert!(error.contains(why), "{sql:?}: {error}");
        }
    }

    #[test]
    fn a_catalogue_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let error = Catalogue::load(&folder.path().join("none")).unwrap_err();
        assert_eq!(error.error_type(), "Settings");
        let error = Catalogue::load(folder.path()).unwrap_err();
        assert!(error.report().contains("no .sql file"), "{}", error.report());

        fs::write(folder.path().join("a.sql"), "SELECT 1").unwrap();
        fs::write(folder.path().join("b.sql"), "SELECT 2").unwrap();
        fs::write(folder.path().join("notes.txt"), "not a statement").unwrap();
        let catalogue = Catalogue::load(folder.path()).unwrap();
        assert_eq!(catalogue.get("b").unwrap().sql, "SELECT 2");
        let error = catalogue.get("c").unwrap_err();
        assert_eq!(error.error_type(), "Statement");
        assert!(error.report().contains("(a, b)"), "{}", error.report());

        fs::write(folder.path().join("c d.sql"), "SELECT 3").unwrap();
        assert!(Catalogue::load(folder.path()).unwrap_err().report().contains("c d.sql"));
        fs::remove_file(folder.path().join("c d.sql")).unwrap();
        fs::write(folder.path().join("d.sql"), [0xff]).unwrap();
        assert!(Catalogue::load(folder.path()).unwrap_err().report().contains("UTF-8"));
    }
}
