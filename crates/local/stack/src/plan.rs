//! Which functions there are, and on which servers.

use engine::Engine;
use local_rds::Version;
use std::path::Path;

use crate::failure::Failure;

/// A function, and the server that it logs in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The engine of its server.
    pub engine: Engine,
    /// The version of its server, of the same engine.
    pub version: Version,
    /// `mysql-function`, or `mariadb-function-reports`.
    pub name: String,
    /// The function, with the folder of its statements.
    pub function: packaging::Function,
}

/// The functions of a folder of statements on `servers`, or, if there are none, on those of the engines
/// that have a folder in it. The files `schemas` may be beside those folders.
///
/// # Errors
/// The folder cannot be read, has no statements, or none for one of the engines; or it has files for every
/// engine, and none is given.
pub fn plan(
    statements: &Path,
    schemas: &[&Path],
    servers: &[Version],
) -> Result<Vec<Planned>, Failure> {
    let functions = packaging::functions_beside(statements, schemas)?;
    let of = |version: &Version| {
        let (version, folder) = (version.clone(), version.engine().statements());
        let own = functions.iter().filter(move |function| function.engine.statements() == folder);
        own.map(move |function| planned(version.clone(), function))
    };
    let shown = statements.display();
    if servers.is_empty() {
        if functions.iter().any(|function| function.folder == statements) {
            return Err(format!(
                "{shown} has no folder named for an engine: name the one of its files with --engine"
            )
            .into());
        }
        return Ok(functions
            .iter()
            .map(|function| planned(function.engine.into(), function))
            .collect());
    }
    let mut planned = Vec::new();
    for version in servers {
        let before = planned.len();
        planned.extend(of(version));
        if planned.len() == before {
            let engine = version.engine();
            let folder = engine.statements();
            return Err(format!("{shown} has no folder {folder}, for --engine {engine}").into());
        }
    }
    Ok(planned)
}

fn planned(version: Version, function: &packaging::Function) -> Planned {
    let engine = version.engine();
    let further = function.further().map(|name| format!("-{name}")).unwrap_or_default();
    let name = format!("{engine}-function{further}");
    Planned { engine, version, name, function: function.clone() }
}

/// The engines of functions, each once, in their order.
pub fn engines(functions: &[Planned]) -> Vec<Engine> {
    let mut engines = Vec::new();
    for planned in functions {
        if !engines.contains(&planned.engine) {
            engines.push(planned.engine);
        }
    }
    engines
}

/// The servers of functions, one for each engine.
pub fn servers(functions: &[Planned]) -> Vec<Version> {
    let of = |engine: Engine| functions.iter().find(|planned| planned.engine == engine);
    let planned = engines(functions).into_iter().filter_map(of);
    planned.map(|planned| planned.version.clone()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use Engine::{MariaDb, MySql, Postgres};
    use std::fs;
    use tempfile::TempDir;

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
    fn the_engines_are_those_with_a_folder_or_those_asked_for() {
        let folder = folder(&["mysql/a.sql", "mysql-reports/a.sql", "postgres/a.sql"]);
        let names = |engines: &[Engine]| {
            let versions: Vec<_> = engines.iter().map(|&engine| engine.into()).collect();
            let planned = plan(folder.path(), &[], &versions).unwrap();
            planned.into_iter().map(|planned| planned.name).collect::<Vec<_>>()
        };
        let all = ["mysql-function", "mysql-function-reports", "postgres-function"];
        assert_eq!(names(&[]), all);
        assert_eq!(names(&[MariaDb]), ["mariadb-function", "mariadb-function-reports"]);
        assert_eq!(names(&[Postgres]), ["postgres-function"]);
        assert_eq!(engines(&plan(folder.path(), &[], &[]).unwrap()), [MySql, Postgres]);
    }

    #[test]
    fn an_engine_without_statements_is_refused() {
        let own = folder(&["postgres/a.sql"]);
        let error = plan(own.path(), &[], &[MariaDb.into()]).unwrap_err().to_string();
        assert!(error.ends_with("has no folder mysql, for --engine mariadb"), "{error}");
        let flat = folder(&["a.sql"]);
        let error = plan(flat.path(), &[], &[]).unwrap_err().to_string();
        assert!(error.contains("with --engine"), "{error}");
        assert_eq!(plan(flat.path(), &[], &[MariaDb.into(), Postgres.into()]).unwrap().len(), 2);
    }
}
