//! The statements of a function: the `.sql` files of a folder.
//!
//! An invalid file does not affect the others: they run, and whoever calls it gets the error.

use diagnosis::Cause;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use crate::error::{Error, Kind};
use crate::loggable;
use crate::said::{Loggable, Said};
use crate::sql::Dialect;
use crate::statement::{Mode, Statement, counted};

/// What a schedule runs unless `SCHEDULED_STATEMENT` names another.
pub const SCHEDULED: &str = "items";

/// How many names an error shows.
const SHOWN: usize = 50;

/// The statements of a function, by name.
#[derive(Debug, Default)]
pub struct Catalogue(BTreeMap<String, Result<Statement, Error>>);

impl Catalogue {
    /// Reads every `.sql` file of `folder`.
    ///
    /// # Errors
    /// [`Kind::Settings`] if the folder cannot be read or contains no such file.
    pub fn load(folder: &Path, dialect: Dialect) -> Result<Catalogue, Error> {
        let unreadable = |error: io::Error| {
            Error::new(
                Kind::Settings,
                loggable!("cannot read the statements in {}", folder.display()),
            )
            .with_cause(Cause::StatementsMissing)
            .says(Loggable::of_io(&error))
            .advice("set STATEMENTS_DIR to the folder that holds the .sql files")
        };
        let mut statements = BTreeMap::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if !Catalogue::takes(&path) {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let statement = match statements.contains_key(&name) {
                true => Err(invalid(
                    &path,
                    "another file defines a statement of this name",
                    "remove one of them: their names differ only in the case of .sql",
                )),
                false => read(&path, &name, dialect),
            };
            statements.insert(name, statement);
        }
        if statements.is_empty() {
            return Err(Error::new(
                Kind::Settings,
                loggable!("no .sql file in {}", folder.display()),
            )
            .with_cause(Cause::StatementsMissing)
            .advice("deploy at least one statement, or set STATEMENTS_DIR"));
        }
        Ok(Catalogue(statements))
    }

    /// Whether `folder` has a statement.
    pub(crate) fn is_in(folder: &Path) -> bool {
        let takes = |entry: io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| Catalogue::takes(&entry.path()))
        };
        fs::read_dir(folder).is_ok_and(|mut entries| entries.any(takes))
    }

    /// Whether a file of this name is a statement.
    pub fn takes(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
    }

    /// The statement called `name`.
    ///
    /// # Errors
    /// [`Kind::Statement`] if there is none, with the names of those there are, or if its file is
    /// invalid.
    pub fn get(&self, name: &str) -> Result<&Statement, Error> {
        match self.0.get(name) {
            Some(Ok(statement)) => Ok(statement),
            Some(Err(error)) => Err(error.clone()),
            None => {
                let missing = Error::new(Kind::Statement, "no such statement");
                Err(missing.says(Said::name(name)).advice(loggable!(
                    "use one of the deployed statements ({}), or deploy one with this name",
                    self.some_names()
                )))
            }
        }
    }

    /// The statement called `name`, for a schedule, which passes no parameters.
    ///
    /// # Errors
    /// [`Kind::Settings`] if there is none or it takes parameters; [`Kind::Statement`] if its file
    /// is invalid. They affect schedules only.
    pub fn scheduled(&self, name: &str) -> Result<&Statement, Error> {
        if !self.0.contains_key(name) {
            let message =
                loggable!("SCHEDULED_STATEMENT is {name:?}, but there is no such statement");
            return Err(Error::new(Kind::Settings, message).with_cause(Cause::ScheduledUnknown).advice(
                loggable!(
                    "set it to the name of a .sql file without its extension ({}), or deploy {name}.sql",
                    self.some_names()
                ),
            ));
        }
        let statement = self.get(name)?;
        match statement.params() {
            0 => Ok(statement),
            params => {
                let message = loggable!(
                    "SCHEDULED_STATEMENT is {name:?}, which takes {}, but a schedule passes none",
                    counted(params)
                );
                Err(Error::new(Kind::Settings, message)
                    .with_cause(Cause::ScheduledUnknown)
                    .advice("set it to a statement without parameters"))
            }
        }
    }

    /// The names of all files, valid or not.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The first names, for an error.
    fn some_names(&self) -> String {
        let mut shown = self.names().take(SHOWN).collect::<Vec<_>>().join(", ");
        if let Some(more) = self.0.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            shown += &format!(" and {more} more");
        }
        shown
    }

    /// Whether there are statements, and all of them only read, without a lock.
    pub(crate) fn reads_alone(&self) -> bool {
        let reads = |statement: &Statement| statement.mode == Mode::Read && !statement.exclusive;
        let mut statements =
            self.0.values().filter_map(|statement| statement.as_ref().ok()).peekable();
        statements.peek().is_some() && statements.all(reads)
    }

    /// All files, by name: the statement or the error.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Result<&Statement, &Error>)> {
        self.0.iter().map(|(name, statement)| (name.as_str(), statement.as_ref()))
    }
}

fn read(path: &Path, name: &str, dialect: Dialect) -> Result<Statement, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(invalid(
            path,
            "the name of a statement may contain only letters, digits, _ and -",
            "rename the file: events call the statement by its name",
        ));
    }
    let sql = fs::read_to_string(path).map_err(|error| {
        invalid(path, "cannot be read as UTF-8 text", "save it as UTF-8")
            .says(Loggable::of_io(&error))
    })?;
    Statement::parse_file(&path.display().to_string(), name, sql, dialect)
}

fn invalid(path: &Path, why: &str, fix: &'static str) -> Error {
    Error::new(Kind::Statement, loggable!("{}: {why}", path.display()))
        .with_cause(Cause::StatementFile)
        .advice(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::MYSQL;

    #[test]
    fn a_catalogue_is_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let load = |folder: &Path| Catalogue::load(folder, MYSQL);
        assert_eq!(load(&folder.path().join("none")).unwrap_err().error_type(), "Settings");
        let error = load(folder.path()).unwrap_err();
        assert!(error.report().contains("no .sql file"), "{}", error.report());

        fs::write(folder.path().join("a.sql"), "SELECT 1").unwrap();
        fs::write(folder.path().join("b.SQL"), "SELECT 2").unwrap();
        fs::write(folder.path().join("notes.txt"), "not a statement").unwrap();
        let catalogue = load(folder.path()).unwrap();
        assert_eq!(catalogue.get("b").unwrap().sql, "SELECT 2");
        fs::write(folder.path().join("b.sql"), "SELECT 3").unwrap();
        let twice = load(folder.path()).unwrap().get("b").unwrap_err().report();
        assert!(twice.contains("another file defines a statement of this name"), "{twice}");
        let error = catalogue.get("c").unwrap_err();
        assert_eq!(error.error_type(), "Statement");
        assert!(error.report().contains("(a, b)"), "{}", error.report());
    }

    #[test]
    fn a_bad_file_concerns_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        for (file, content) in [
            ("good", &b"SELECT 1"[..]),
            ("typing", b"-- mode: wrte\nSELECT 1"),
            ("empty", b""),
            ("two words", b"SELECT 1"),
            ("latin1", b"SELECT '\xe9'"),
        ] {
            fs::write(folder.path().join(format!("{file}.sql")), content).unwrap();
        }
        fs::create_dir(folder.path().join("folder.sql")).unwrap();
        let catalogue = Catalogue::load(folder.path(), MYSQL).unwrap();
        assert!(catalogue.get("good").is_ok());
        for (name, why) in [
            ("typing", "typing.sql: line 1: mode must be read or write"),
            ("empty", "contains no SQL"),
            ("two words", "letters, digits, _ and -"),
            ("latin1", "UTF-8"),
            ("folder", "cannot be read"),
        ] {
            for _ in 0..2 {
                let error = catalogue.get(name).unwrap_err();
                assert_eq!(error.error_type(), "Statement");
                assert!(error.report().contains(why), "{name}: {}", error.report());
            }
        }
    }
}
