//! Schemas: files of SQL that make the tables which statements use, on a fresh database.

mod apply;
mod split;

pub use apply::{Cancelled, apply};

use engine::Engine;
use std::fs;
use std::path::{Path, PathBuf};

use crate::examples::ITEMS;
use crate::failure::Failure;

/// A text of SQL, any number of statements, and the file that errors name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub sql: String,
}

impl Schema {
    /// The table of the example statements.
    #[must_use]
    pub fn examples() -> Self {
        Self { path: "examples/schema.sql".into(), sql: ITEMS.to_owned() }
    }
}

/// Which file is which engine's schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schemas {
    every: Option<PathBuf>,
    own: Vec<(Engine, PathBuf)>,
}

impl Schemas {
    /// Adds what an option `--schema` gives: `FILE` for every engine, or `ENGINE=FILE`.
    ///
    /// # Errors
    /// There is one already; or `ENGINE` is none, and there is no file of this name.
    pub fn add(&mut self, value: &Path) -> Result<(), String> {
        let named = value.to_str().and_then(|text| text.split_once('='));
        let named = match named.map(|(name, file)| (name, name.parse::<Engine>(), file)) {
            Some((_, Ok(engine), file)) => Some((engine, PathBuf::from(file))),
            Some((name, Err(error), _)) if is_word(name) && !value.exists() => {
                return Err(format!("--schema {}: {error}", value.display()));
            }
            _ => None,
        };
        let twice = match named {
            None => self.every.replace(value.to_owned()).map(|_| "for every engine".to_owned()),
            Some((engine, file)) => {
                let twice = self.own.iter().any(|(other, _)| *other == engine);
                self.own.push((engine, file));
                twice.then(|| format!("for {engine}"))
            }
        };
        twice.map_or(Ok(()), |which| Err(format!("--schema {which} is given twice")))
    }

    /// The file for `engine`: its own, for MariaDB else MySQL's, else the one for every engine.
    pub fn path(&self, engine: Engine) -> Option<&Path> {
        let own = |engine| self.own.iter().find(|(one, _)| *one == engine).map(|(_, path)| path);
        let of_mysql = || own(Engine::MySql).filter(|_| engine == Engine::MariaDb);
        own(engine).or_else(of_mysql).or(self.every.as_ref()).map(PathBuf::as_path)
    }

    /// The schema for `engine`, if there is one.
    ///
    /// # Errors
    /// The file cannot be read as text.
    pub fn read(&self, engine: Engine) -> Result<Option<Schema>, Failure> {
        let Some(path) = self.path(engine) else { return Ok(None) };
        let sql = fs::read_to_string(path)
            .map_err(|error| format!("cannot read the schema {}: {error}", path.display()))?;
        Ok(Some(Schema { path: path.to_owned(), sql }))
    }

    /// Every file.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.every.iter().chain(self.own.iter().map(|(_, path)| path)).map(PathBuf::as_path)
    }

    /// The engines that have a file of their own.
    pub fn engines(&self) -> impl Iterator<Item = Engine> {
        self.own.iter().map(|(engine, _)| *engine)
    }
}

/// Whether it looks like the name of an engine, and not like a path.
fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schemas(values: &[&str]) -> Result<Schemas, String> {
        let mut schemas = Schemas::default();
        values.iter().try_for_each(|value| schemas.add(Path::new(value)))?;
        Ok(schemas)
    }

    #[test]
    fn an_engine_has_its_own_file_or_that_of_every_engine() {
        let schemas = schemas(&["all.sql", "mysql=a=b.sql", "postgres=p.sql"]).unwrap();
        let paths = Engine::ALL.map(|engine| schemas.path(engine).unwrap().to_str().unwrap());
        assert_eq!(paths, ["a=b.sql", "a=b.sql", "p.sql"]);
    }

    #[test]
    fn mariadb_may_differ_from_mysql() {
        let schemas = schemas(&["mariadb=m.sql", "./oracle=x.sql"]).unwrap();
        let paths = Engine::ALL.map(|engine| schemas.path(engine).unwrap().to_str().unwrap());
        assert_eq!(paths, ["./oracle=x.sql", "m.sql", "./oracle=x.sql"]);
        assert_eq!(Schemas::default().path(Engine::MySql), None);
    }

    #[test]
    fn one_file_is_given_once() {
        let error = schemas(&["a.sql", "b.sql"]).unwrap_err();
        assert_eq!(error, "--schema for every engine is given twice");
        let error = schemas(&["mysql=a.sql", "mysql=b.sql"]).unwrap_err();
        assert_eq!(error, "--schema for mysql is given twice");
    }

    #[test]
    fn an_engine_that_is_none_is_refused_unless_the_file_is_there() {
        let error = schemas(&["postgre=a.sql"]).unwrap_err();
        assert!(error.starts_with("--schema postgre=a.sql: unknown engine \"postgre\""), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("postgre=a.sql");
        fs::write(&file, "").unwrap();
        assert_eq!(schemas(&[file.to_str().unwrap()]).unwrap().paths().count(), 1);
    }
}
