//! The statement that the deployed schedule runs: it must be one of those that are deployed, and take
//! no parameter. A schedule that fails is noticed by nobody who waits for it.

use std::path::Path;

use sql_function::Catalogue;
use sql_function::sql::{Dialect, MYSQL};

use crate::Failure;

/// The engines, by what their parameters begin with, and where their statements are.
const ENGINES: [(&str, &str, Dialect); 2] =
    [("MySql", "mysql", MYSQL), ("Postgres", "postgres", Dialect::Postgres)];

/// The template's own value of `ScheduledStatement`.
const STATEMENT: &str = "items";

/// Checks the scheduled statement of every function that the parameters make, in the engines' folders
/// in `statements`. `value` gives a parameter's value, or `None` where it is the template's own.
///
/// # Errors
/// A schedule would run, and there is no such statement, it takes parameters, or its file is wrong.
pub(crate) fn check<'a>(
    statements: &Path,
    value: impl Fn(&str) -> Option<&'a str>,
) -> Result<(), Failure> {
    if value("ScheduleState") == Some("DISABLED") {
        return Ok(());
    }
    let name = value("ScheduledStatement").unwrap_or(STATEMENT);
    for (prefix, folder, dialect) in ENGINES {
        if value(&format!("{prefix}Endpoint")).is_none_or(str::is_empty) {
            continue;
        }
        let catalogue = Catalogue::load(&statements.join(folder), dialect);
        let scheduled = catalogue.and_then(|all| all.scheduled(name).map(drop));
        scheduled.map_err(|error| {
            format!(
                "the schedule would fail at each run: {}. Name another statement with --statement, \
                 or deploy without the schedule: --no-schedule",
                error.report()
            )
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::TempDir;

    /// What is told of a deployment with these parameters, for a workspace with these statements for
    /// MySQL.
    fn told(files: &[(&str, &str)], parameters: &[(&str, &str)]) -> Option<String> {
        let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
        for (engine, files) in [("mysql", files), ("postgres", &[("items", "SELECT 1")])] {
            fs::create_dir(folder.path().join(engine)).unwrap();
            for (name, sql) in files {
                let path = folder.path().join(engine).join(format!("{name}.sql"));
                fs::write(path, sql).unwrap();
            }
        }
        let value = |name: &str| {
            let mut all = parameters.iter().chain(&[("MySqlEndpoint", "host")]);
            all.find(|(parameter, _)| *parameter == name).map(|(_, value)| *value)
        };
        check(folder.path(), value).err().map(|error| error.to_string())
    }

    #[test]
    fn a_schedule_has_a_statement_that_it_can_run() {
        let files = [("items", "SELECT 1"), ("one", "SELECT ?"), ("bad", "-- mode: wrte\nDO 1")];
        assert_eq!(told(&files, &[]), None);
        for (statement, why) in [
            ("none", "there is no such statement"),
            ("one", "takes 1 parameter"),
            ("bad", "bad.sql: line 1: mode must be read or write"),
        ] {
            let parameters = [("ScheduledStatement", statement)];
            let told_of = told(&files, &parameters).expect(statement);
            assert!(told_of.contains(why), "{told_of}");
            assert!(told_of.contains("--statement, or deploy without the schedule"), "{told_of}");
            let disabled = [parameters[0], ("ScheduleState", "DISABLED")];
            assert_eq!(told(&files, &disabled), None, "{statement}");
            let elsewhere = [parameters[0], ("MySqlEndpoint", ""), ("PostgresEndpoint", "")];
            assert_eq!(told(&files, &elsewhere), None, "{statement}");
        }
    }

    #[test]
    fn every_engine_that_is_deployed_has_it() {
        let files = [("purge", "SELECT 1"), ("items", "SELECT 1")];
        let purge = ("ScheduledStatement", "purge");
        assert_eq!(told(&files, &[purge]), None);
        assert!(told(&files, &[purge, ("PostgresEndpoint", "host")]).is_some());
        assert!(told(&files[..1], &[]).is_some(), "the template's own is items");
    }

    #[test]
    fn the_templates_own_values_are_those() {
        let template = include_str!("../../../../deploy/template.yaml");
        let own = |parameter: &str| {
            let (_, after) = template.split_once(&format!("\n  {parameter}:\n")).unwrap();
            let (_, after) = after.split_once("    Default: ").unwrap();
            after.lines().next().unwrap().to_owned()
        };
        assert_eq!(own("ScheduledStatement"), STATEMENT);
        assert_eq!(own("ScheduleState"), "ENABLED");
    }
}
