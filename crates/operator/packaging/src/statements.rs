//! The statements that are packed with a function. They are read as the function will read them, so
//! that a file that it would refuse is never packed.

use sql_function::Catalogue;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::cargo::workspace;
use crate::functions::{Function, share_a_folder};
use crate::places::places;

/// The workspace's folder of statements, with a folder for each function.
///
/// # Errors
/// This program is not in a workspace.
pub fn statements() -> Result<PathBuf, Failure> {
    Ok(workspace()?.join("deploy/statements"))
}

/// Checks the statements of these functions.
///
/// # Errors
/// A line for each invalid file: its path, the line, the reason and what to do.
pub fn check(functions: &[Function]) -> Result<(), Failure> {
    let mut wrong = vec![];
    for function in functions {
        match function.catalogue() {
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
    let wrong = places(&wrong.join("\n  ")).replace(&workspace, "");
    // Of a folder that is every engine's, a file is refused by the engines whose SQL it is not.
    let hint = match share_a_folder(functions) {
        true => {
            "\nput each engine's files into a folder mysql or postgres, or name one engine with --engine"
        }
        false => "",
    };
    Err(format!("nothing was built: the functions would refuse these statements:\n  {wrong}{hint}")
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
    use crate::functions;

    #[test]
    fn those_of_the_workspace_are_valid() {
        check(&functions(&statements().unwrap()).unwrap()).unwrap();
        check(&functions(&workspace().unwrap().join("examples/statements")).unwrap()).unwrap();
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
