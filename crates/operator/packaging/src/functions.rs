//! The functions of a folder of statements: one for each folder in it.

use engine::Engine;
use sql_function::Catalogue;
use sql_function::sql::Dialect;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{FUNCTIONS, Failure};

/// A function and the folder of its statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// An engine that it serves: [`Engine::MySql`] or [`Engine::Postgres`].
    pub engine: Engine,
    /// `mysql-function`, or `mysql-function-NAME` for the folder `mysql-NAME`.
    pub name: String,
    /// The folder of its `.sql` files.
    pub folder: PathBuf,
}

impl Function {
    /// `mysql`, or `mysql-NAME`: the name of its folder, and what options call it.
    pub fn short_name(&self) -> String {
        match self.further() {
            Some(name) => format!("{}-{name}", self.engine.statements()),
            None => self.engine.statements().to_owned(),
        }
    }

    /// The function of this name whose statements are in `folder`; `None` if the name is no function's.
    pub(crate) fn named(name: &str, folder: PathBuf) -> Option<Self> {
        let is_of = |engine: &Engine| match name.strip_prefix(engine.function()) {
            Some(rest) => rest.is_empty() || rest.strip_prefix('-').is_some_and(is_name),
            None => false,
        };
        let engine = FUNCTIONS.into_iter().find(is_of)?;
        Some(Self { engine, name: name.to_owned(), folder })
    }

    /// `NAME` of a further function of its engine; `None` for the engine's first.
    pub fn further(&self) -> Option<&str> {
        self.name.strip_prefix(self.engine.function())?.strip_prefix('-')
    }

    /// Reads its statements as it reads them itself.
    ///
    /// # Errors
    /// The folder cannot be read, or has no `.sql` file.
    pub fn catalogue(&self) -> Result<Catalogue, sql_function::Error> {
        Catalogue::load(&self.folder, Dialect::of(self.engine)).map_err(|error| {
            if self.folder.is_dir() && files(&self.folder).next().is_none() {
                // The function's own advice is for whoever deployed it.
                return error.advice("put a .sql file into it, or remove the folder");
            }
            error
        })
    }
}

/// Whether one folder belongs to a function of each engine.
pub fn share_a_folder(functions: &[Function]) -> bool {
    functions.windows(2).any(|two| two[0].folder == two[1].folder)
}

/// The functions of the folder `statements`: `mysql` and `postgres`, and `mysql-NAME` and `postgres-NAME` for
/// more of an engine, sorted by engine and name. A folder that has `.sql` files itself, and no such folders,
/// belongs to a function of each engine.
///
/// # Errors
/// The folder cannot be read, has no statements, or has a folder whose name is nearly one of these.
pub fn functions(statements: &Path) -> Result<Vec<Function>, Failure> {
    functions_beside(statements, &[])
}

/// The same for a folder that also has the files `schemas`, which are no statements.
///
/// # Errors
/// Those of [`functions`]; or a schema is among the statements of a function.
pub fn functions_beside(statements: &Path, schemas: &[&Path]) -> Result<Vec<Function>, Failure> {
    let whole = |path: &Path| path.canonicalize().ok();
    let is_schema = |path: &Path| {
        whole(path)
            .is_some_and(|path| schemas.iter().any(|schema| whole(schema).as_ref() == Some(&path)))
    };
    let functions = find(statements, &is_schema)?;
    for function in &functions {
        if let Some(schema) = files(&function.folder).find(|path| is_schema(path)) {
            return Err(format!(
                "{}: the schema is among the statements of {}, which would take it for one; move it out of this \
                 folder",
                schema.display(),
                function.name
            )
            .into());
        }
    }
    Ok(functions)
}

/// The `.sql` files in a folder.
fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| Catalogue::takes(path))
}

fn find(statements: &Path, is_schema: &dyn Fn(&Path) -> bool) -> Result<Vec<Function>, Failure> {
    let shown = statements.display();
    let mut functions = BTreeMap::new();
    let mut loose = Vec::new();
    let entries = fs::read_dir(statements)
        .map_err(|error| format!("cannot read the folder of statements {shown}: {error}"))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{shown}: {error}"))?.path();
        if !path.is_dir() {
            if Catalogue::takes(&path) {
                loose.push(path);
            }
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some((engine, further)) =
            parse(&name).map_err(|why| format!("{}: {why}", path.display()))?
        {
            functions.insert((engine, further), path);
        }
    }
    if !functions.is_empty() {
        loose.retain(|path| !is_schema(path));
    }
    match (functions.is_empty(), loose.into_iter().max()) {
        (true, None) => Err(format!(
            "{shown} has no statements: put .sql files into it, or into the folders mysql and postgres in it"
        )
        .into()),
        (true, Some(_)) => Ok(FUNCTIONS.map(|engine| function(engine, None, statements.to_owned())).into()),
        (false, Some(file)) => Err(format!(
            "{}: belongs to no function, because {shown} has a folder for each; move it into one of them; if it \
             is a schema, keep it outside the folder of statements",
            file.display()
        )
        .into()),
        (false, None) => Ok(functions
            .into_iter()
            .map(|((engine, further), folder)| function(engine, further, folder))
            .collect()),
    }
}

fn function(engine: Engine, further: Option<String>, folder: PathBuf) -> Function {
    let name = further
        .iter()
        .fold(engine.function().to_owned(), |name, further| format!("{name}-{further}"));
    Function { engine, name, folder }
}

/// The engine and the `NAME` of a folder `mysql-NAME`; `None` for a folder that is no function's.
fn parse(folder: &str) -> Result<Option<(Engine, Option<String>)>, String> {
    for engine in FUNCTIONS {
        let Some(rest) = folder.strip_prefix(engine.statements()) else { continue };
        match rest.strip_prefix('-') {
            _ if rest.is_empty() => return Ok(Some((engine, None))),
            Some(name) if is_name(name) => return Ok(Some((engine, Some(name.to_owned())))),
            _ => {}
        }
    }
    let lower = folder.to_ascii_lowercase();
    if lower.starts_with("mariadb") {
        return Err(
            "MariaDB's statements are those of the MySQL function; call the folder mysql, or \
                    mysql-NAME for one more function"
                .to_owned(),
        );
    }
    match FUNCTIONS.into_iter().find(|engine| lower.starts_with(engine.statements())) {
        None => Ok(None),
        Some(engine) => Err(format!(
            "not the name of a function's folder; call it {0}, or {0}-NAME with at most {LONGEST} lower-case \
             letters, digits and single - between them",
            engine.statements()
        )),
    }
}

/// The longest `NAME`: with it and the default stack, the name of a role still has the 64 characters of IAM at
/// most. CloudFormation shortens others, and then no policy of a deployer matches.
const LONGEST: usize = 15;

fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    name.len() <= LONGEST && name.split('-').all(part)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use tempfile::TempDir;

    /// A folder with these empty files.
    fn folder(files: &[&str]) -> TempDir {
        let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "SELECT 1").unwrap();
        }
        folder
    }

    #[test]
    fn each_folder_is_a_function() {
        let folder = folder(&[
            "postgres/a.sql",
            "mysql-reports/a.sql",
            "mysql-2-b/a.sql",
            "mysql/a.sql",
            "schema/tables.sql",
            "README.md",
        ]);
        let functions = functions(folder.path()).unwrap();
        let found: Vec<_> = functions
            .iter()
            .map(|it| (it.engine, it.name.as_str(), it.short_name(), it.further()))
            .collect();
        assert_eq!(
            found,
            [
                (Engine::MySql, "mysql-function", "mysql".to_owned(), None),
                (Engine::MySql, "mysql-function-2-b", "mysql-2-b".to_owned(), Some("2-b")),
                (
                    Engine::MySql,
                    "mysql-function-reports",
                    "mysql-reports".to_owned(),
                    Some("reports")
                ),
                (Engine::Postgres, "postgres-function", "postgres".to_owned(), None),
            ]
        );
        for function in &functions {
            assert_eq!(function.folder, folder.path().join(function.short_name()));
            assert!(function.catalogue().unwrap().names().eq(["a"]));
        }
    }

    #[test]
    fn a_flat_folder_is_each_engines() {
        let folder = folder(&["a.sql", "notes/a.txt"]);
        let functions = functions(folder.path()).unwrap();
        let found: Vec<_> =
            functions.iter().map(|it| (it.name.as_str(), it.folder.as_path())).collect();
        assert_eq!(
            found,
            [("mysql-function", folder.path()), ("postgres-function", folder.path())]
        );
    }

    #[test]
    fn a_dialect_is_the_engines() {
        let folder = folder(&["mysql/a.sql", "postgres/a.sql"]);
        for engine in ["mysql", "postgres"] {
            fs::write(folder.path().join(engine).join("a.sql"), "SELECT $1::int").unwrap();
        }
        let taken = functions(folder.path()).unwrap();
        let taken: Vec<_> =
            taken.iter().map(|it| it.catalogue().unwrap().get("a").is_ok()).collect();
        assert_eq!(taken, [false, true]);
    }

    #[test]
    fn a_schema_may_be_beside_the_folders_but_not_in_one() {
        let folder = folder(&["schema.sql", "other.sql", "mysql/a.sql", "mysql/tables.sql"]);
        let path = |name: &str| folder.path().join(name);
        let found = |schemas: &[&Path]| {
            let functions = functions_beside(folder.path(), schemas);
            functions.map(|all| all.len()).map_err(|error| error.to_string())
        };
        let [schema, other, inside] =
            [path("./schema.sql"), path("other.sql"), path("mysql/tables.sql")];
        assert_eq!(found(&[&schema, &other, Path::new("/nowhere/at-all")]), Ok(1));
        let error = found(&[&schema]).unwrap_err();
        assert!(error.contains("other.sql: belongs to no function"), "{error}");
        assert!(error.contains("if it is a schema, keep it outside"), "{error}");
        let error = found(&[&schema, &other, &inside]).unwrap_err();
        assert!(
            error.contains("tables.sql: the schema is among the statements of mysql-function"),
            "{error}"
        );
        fs::remove_dir_all(path("mysql")).unwrap();
        let error = found(&[&schema]).unwrap_err();
        assert!(error.contains("schema.sql: the schema is among the statements"), "{error}");
    }

    #[test]
    fn an_empty_folder_is_to_be_filled_or_removed() {
        let folder = folder(&["mysql/notes.txt"]);
        let functions = functions(folder.path()).unwrap();
        let error = functions[0].catalogue().unwrap_err().report();
        assert!(error.contains("no .sql file in ") && error.contains("/mysql"), "{error}");
        assert!(error.ends_with("put a .sql file into it, or remove the folder"), "{error}");
    }

    #[test]
    fn other_folders_are_refused() {
        for (files, says) in [
            (&[][..], "has no statements: put .sql files into it"),
            (&["notes.txt", "schema/a.sql"], "has no statements"),
            (&["a.sql", "mysql/a.sql"], "a.sql: belongs to no function"),
            (&["MySQL/a.sql"], "MySQL: not the name of a function's folder; call it mysql"),
            (&["mysql_reports/a.sql"], "lower-case letters"),
            (&["mysql-Reports/a.sql"], "lower-case letters"),
            (&["mysql-/a.sql"], "lower-case letters"),
            (&["mysql-a--b/a.sql"], "lower-case letters"),
            (&["postgresql/a.sql"], "call it postgres, or postgres-NAME"),
            (&["postgres-a123456789012345/a.sql"], "at most 15"),
            (&["mariadb/a.sql"], "call the folder mysql"),
        ] {
            let folder = folder(files);
            let error = functions(folder.path()).unwrap_err().to_string();
            assert!(error.contains(says), "{files:?}: {error}");
            assert!(error.contains(&folder.path().display().to_string()), "{error}");
        }
        let error = functions(Path::new("/nowhere/at-all")).unwrap_err().to_string();
        assert!(error.contains("cannot read the folder of statements /nowhere/at-all"), "{error}");
    }
}
