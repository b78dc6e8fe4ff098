//! The statements that are packed with a function. They are read as the function will read them, so
//! that a file that it would refuse is never packed.

use engine::Engine;
use sql_function::Catalogue;
use sql_function::sql::{Dialect, MYSQL};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cargo::workspace;
use crate::{FUNCTIONS, Failure};

/// The workspace's folder of statements, with a folder for each engine.
///
/// # Errors
/// This program is not in a workspace.
pub fn statements() -> Result<PathBuf, Failure> {
    Ok(workspace()?.join("deploy/statements"))
}

/// Reads the statements of an engine in a folder of all statements, as its function does.
///
/// # Errors
/// The folder cannot be read, or has no statement.
pub fn catalogue(statements: &Path, engine: Engine) -> Result<Catalogue, sql_function::Error> {
    let dialect = match engine {
        Engine::MySql | Engine::MariaDb => MYSQL,
        Engine::Postgres => Dialect::Postgres,
    };
    Catalogue::load(&statements.join(engine.statements()), dialect)
}

/// Checks the statements of every function.
///
/// # Errors
/// A line for each invalid file: its path, the line, the reason and what to do.
pub(crate) fn check(folder: &Path) -> Result<(), Failure> {
    let mut wrong = vec![];
    for engine in FUNCTIONS {
        match catalogue(folder, engine) {
            Ok(catalogue) => {
                let refused = catalogue.iter().filter_map(|(_, statement)| statement.err());
                wrong.extend(refused.map(sql_function::Error::report));
            }
            Err(error) => wrong.push(error.report()),
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let workspace = format!("{}/", workspace()?.display());
    let wrong = wrong.join("\n  ").replace(&workspace, "");
    Err(format!("nothing was built: the functions would refuse these statements:\n  {wrong}")
        .into())
}

/// The statement files in `folder`, by name.
///
/// # Errors
/// The folder or a file in it cannot be read.
pub(crate) fn read(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let at = |path: &Path, error| format!("{}: {error}", path.display());
    let mut statements = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|error| at(folder, error))? {
        let path = entry.map_err(|error| at(folder, error))?.path();
        if Catalogue::takes(&path) {
            let name = path.file_name().unwrap_or_default().to_str();
            let name = name.ok_or_else(|| format!("{}: not UTF-8", path.display()))?;
            let content = fs::read(&path).map_err(|error| at(&path, error))?;
            statements.insert(name.to_owned(), content);
        }
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn those_of_the_workspace_are_valid() {
        check(&statements().unwrap()).unwrap();
        check(&workspace().unwrap().join("examples/statements")).unwrap();
    }

    #[test]
    fn what_a_function_reads_is_packed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.sql", "b.SQL", "notes.txt", "sql", "c.sql.bak"] {
            fs::write(folder.path().join(name), "SELECT 1").unwrap();
        }
        let packed = read(folder.path()).unwrap();
        assert!(packed.keys().eq(["a.sql", "b.SQL"]), "{:?}", packed.keys());
    }
}
