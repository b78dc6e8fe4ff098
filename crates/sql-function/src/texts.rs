//! Statements in a handler's own code, which are read once.
//!
//! They pass the checks of a statement's file, and may have its options, except for `exclusive` and
//! `schedule`.
//! The engines keep prepared statements by name, so each text has a name of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Kind};
use crate::loggable;
use crate::sql::Dialect;
use crate::statement::{Mode, Statement};

/// How many characters of a text are in its name.
const NAME: usize = 60;

/// The statements that were used so far.
#[derive(Default)]
pub(crate) struct Texts(Mutex<HashMap<(&'static str, Mode), Arc<Statement>>>);

impl Texts {
    /// The statement `sql`, in `mode`.
    ///
    /// # Errors
    /// [`Kind::Statement`]: it is refused as a file would be.
    pub(crate) fn read(
        &self,
        sql: &'static str,
        mode: Mode,
        dialect: Dialect,
    ) -> Result<Arc<Statement>, Error> {
        // Nothing panics while it holds the lock.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = known.get(&(sql, mode)) {
            return Ok(statement.clone());
        }
        let name = name(sql, known.len());
        let statement = Statement::parse_as(&name, sql.to_owned(), mode, dialect)?;
        if statement.exclusive || !statement.schedules.is_empty() {
            let message = loggable!("statement {name:?} is exclusive or has a schedule");
            return Err(Error::new(Kind::Statement, message)
                .advice("only a deployed statement, a file, can have these options"));
        }
        let statement = Arc::new(statement);
        known.insert((sql, mode), statement.clone());
        Ok(statement)
    }
}

/// The beginning of a text on one line, and a number if that may be another's. A deployed
/// statement's name has no blank.
fn name(sql: &str, number: usize) -> String {
    let lines = sql.lines().map(str::trim).filter(|line| !line.starts_with("--"));
    let words = lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ");
    let mut short: String = words.chars().take(NAME).collect();
    if short.len() < sql.len() || !short.contains(' ') {
        short += &format!(" … (text {})", number + 1);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::MYSQL;

    #[test]
    fn a_text_is_read_once_for_each_mode() {
        let texts = Texts::default();
        let read = |sql, mode| texts.read(sql, mode, Dialect::Postgres);
        let select = read("SELECT 1 AS one", Mode::Read).unwrap();
        assert_eq!(select.name, "SELECT 1 AS one");
        assert!(Arc::ptr_eq(&select, &read("SELECT 1 AS one", Mode::Read).unwrap()));
        let write = read("SELECT 1 AS one", Mode::Write).unwrap();
        assert_eq!((select.mode, write.mode), (Mode::Read, Mode::Write));
    }

    #[test]
    fn texts_that_begin_alike_have_different_names() {
        let texts = Texts::default();
        let long = "SELECT 1 AS a_column_with_a_name_that_takes_all_of_the_characters, 2 AS";
        let texts_of = [
            format!("{long} a").leak() as &'static str,
            format!("{long} b").leak(),
            "SELECT 1",
            "SELECT\n  1",
            "-- timeout: 1s\nSELECT 1",
            "VACUUM",
        ];
        let named = texts_of.map(|sql| texts.read(sql, Mode::Write, MYSQL).unwrap().name.clone());
        let different: std::collections::BTreeSet<_> = named.iter().collect();
        assert_eq!(different.len(), named.len(), "{named:?}");
        assert!(named.iter().all(|name| name.contains(' ')), "{named:?}");
    }

    #[test]
    fn a_text_is_refused_as_a_file_is() {
        let texts = Texts::default();
        for (sql, mode, why) in [
            ("SELECT 1; SELECT 2", Mode::Read, "a second statement begins here"),
            ("COMMIT", Mode::Write, "COMMIT controls transactions"),
            ("-- exclusive: true\nSELECT 1", Mode::Write, "is exclusive or has a schedule"),
            ("-- timeout: 5 parsecs\nSELECT 1", Mode::Read, "line 1: timeout"),
            ("-- mode: write\nSELECT 1", Mode::Read, "mode"),
            ("CALL p()", Mode::Read, "cannot restrict to reading"),
        ] {
            let report = texts.read(sql, mode, MYSQL).expect_err(sql).report();
            assert!(report.contains(why), "{sql}: {report}");
        }
        assert!(texts.read("CALL p()", Mode::Write, MYSQL).is_ok());
    }
}
