//! The statement of the schedule: it must be deployed and take no parameter. Nobody waits for a schedule,
//! so nobody would notice that it fails.

use std::path::Path;

use packaging::{FUNCTIONS, catalogue};
use sql_function::SCHEDULED;

use crate::Failure;
use crate::parameters::prefix;

/// Checks the scheduled statement of every function that the parameters create, in the engines' folders
/// in `statements`. `value` returns a parameter's value, or `None` for the template's default.
///
/// # Errors
/// The schedule is enabled, and its statement does not exist, takes parameters, or is invalid.
pub(crate) fn check<'a>(
    statements: &Path,
    value: impl Fn(&str) -> Option<&'a str>,
) -> Result<(), Failure> {
    if value("ScheduleState") == Some("DISABLED") {
        return Ok(());
    }
    let name = value("ScheduledStatement").unwrap_or(SCHEDULED);
    for engine in FUNCTIONS {
        if value(&format!("{}Endpoint", prefix(engine))).is_none_or(str::is_empty) {
            continue;
        }
        let scheduled = catalogue(statements, engine).and_then(|all| all.scheduled(name).map(drop));
        scheduled.map_err(|error| {
            format!(
                "every scheduled run would fail: {}; choose another statement with --statement, or deploy \
                 without a schedule, with --no-schedule",
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

    /// The refusal of these parameters in a workspace with these statements for MySQL.
    fn refusal(files: &[(&str, &str)], parameters: &[(&str, &str)]) -> Option<String> {
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
    fn the_scheduled_statement_must_be_able_to_run() {
        let files = [("items", "SELECT 1"), ("one", "SELECT ?"), ("bad", "-- mode: wrte\nDO 1")];
        assert_eq!(refusal(&files, &[]), None);
        for (statement, why) in [
            ("none", "there is no such statement"),
            ("one", "takes 1 parameter"),
            ("bad", "bad.sql: line 1: mode must be read or write"),
        ] {
            let parameters = [("ScheduledStatement", statement)];
            let refusal_of = refusal(&files, &parameters).expect(statement);
            assert!(refusal_of.contains(why), "{refusal_of}");
            assert!(
                refusal_of.contains("--statement, or deploy without a schedule"),
                "{refusal_of}"
            );
            let disabled = [parameters[0], ("ScheduleState", "DISABLED")];
            assert_eq!(refusal(&files, &disabled), None, "{statement}");
            let elsewhere = [parameters[0], ("MySqlEndpoint", ""), ("PostgresEndpoint", "")];
            assert_eq!(refusal(&files, &elsewhere), None, "{statement}");
        }
    }

    #[test]
    fn every_deployed_function_must_have_it() {
        let files = [("purge", "SELECT 1"), ("items", "SELECT 1")];
        let purge = ("ScheduledStatement", "purge");
        assert_eq!(refusal(&files, &[purge]), None);
        assert!(refusal(&files, &[purge, ("PostgresEndpoint", "host")]).is_some());
        assert!(refusal(&files[..1], &[]).is_some(), "the default is items");
    }

    #[test]
    fn the_templates_defaults_are_these() {
        let template = include_str!("../../../../deploy/template.yaml");
        let default = |parameter: &str| {
            let (_, after) = template.split_once(&format!("\n  {parameter}:\n")).unwrap();
            let (_, after) = after.split_once("    Default: ").unwrap();
            after.lines().next().unwrap().to_owned()
        };
        assert_eq!(default("ScheduledStatement"), SCHEDULED);
        assert_eq!(default("ScheduleState"), "ENABLED");
    }
}
