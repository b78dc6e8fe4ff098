//! What is deployed: the functions of a folder of statements, their schedules, and the template for them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::Engine;
use packaging::{Function, Scheduled, share_a_folder};
use serde_json::{Value, json};

use crate::Failure;
use crate::report::table;
use crate::stack::Stack;

/// Where the statements are.
#[derive(Clone, Debug)]
pub enum Statements {
    /// In the workspace, in `deploy/statements`.
    Workspace,
    /// In this folder.
    Folder(PathBuf),
    /// In `target/lambda`, where the last build left the zips and the template.
    LastBuild,
}

/// The functions and their template.
pub(crate) struct Plan {
    /// All functions of the template.
    pub(crate) functions: Vec<Function>,
    /// The one that logs in to the database of the command line.
    pub(crate) function: Function,
    /// The template's text, with paths of zips in `target/lambda`.
    pub(crate) template: String,
}

impl Plan {
    /// Reads the statements.
    ///
    /// # Errors
    /// A statement is invalid, or no function serves the database's engine or has this name.
    pub(crate) fn of(
        statements: &Statements,
        function: Option<&str>,
        engine: Engine,
    ) -> Result<Self, Failure> {
        let folder = match statements {
            Statements::LastBuild => None,
            Statements::Workspace => Some(packaging::statements()?),
            // Errors name files by their whole path.
            Statements::Folder(folder) => {
                Some(folder.canonicalize().unwrap_or_else(|_| folder.clone()))
            }
        };
        let (template, functions) = match folder {
            None => packaging::built()?,
            Some(folder) => {
                let mut functions = packaging::functions(&folder)?;
                if share_a_folder(&functions) {
                    functions.retain(|function| serves(function, engine));
                }
                packaging::check_statements(&functions)?;
                (packaging::template(&functions)?, functions)
            }
        };
        let function = chosen(&functions, function, engine)?.clone();
        Ok(Self { functions, function, template })
    }

    /// The functions with their statements, and the schedules, for a person.
    pub(crate) fn shown(&self) -> Result<String, Failure> {
        let mut functions = vec![];
        let mut schedules = vec![];
        for function in &self.functions {
            let catalogue = function.catalogue().map_err(|error| error.report())?;
            let names: Vec<_> = catalogue.names().collect();
            functions.push(vec![function.name.clone(), names.join(", ")]);
            for Scheduled { statement, expression, timezone, params, .. } in function.schedules()? {
                schedules.push(vec![
                    function.name.clone(),
                    statement,
                    expression,
                    timezone.unwrap_or_else(|| "UTC".to_owned()),
                    params.map(|params| params.to_string()).unwrap_or_default(),
                ]);
            }
        }
        let functions = table(&["function", "statements"], &functions);
        if schedules.is_empty() {
            return Ok(format!("{functions}\nno statement has a schedule"));
        }
        let head = ["function", "scheduled", "at", "time zone", "parameters"];
        Ok(format!("{functions}\n{}", table(&head, &schedules)))
    }

    /// Which functions a new stack with these parameters has, and which are packed for others.
    pub(crate) fn placed(&self, parameters: &[(String, String)]) -> String {
        let endpoint = |function: &Function| format!("{}Endpoint", function.prefix());
        let has_database = |function: &&Function| {
            parameters.iter().any(|(name, value)| *name == endpoint(function) && !value.is_empty())
        };
        let (there, packed): (Vec<_>, Vec<_>) = self.functions.iter().partition(has_database);
        let there: Vec<_> = there.iter().map(|function| function.name.as_str()).collect();
        let packed = packed.iter().map(|function| {
            format!(
                "\n{} is packed, but not in the stack unless {} is set there already",
                function.name,
                endpoint(function)
            )
        });
        format!("the stack will have {}{}", there.join(", "), packed.collect::<String>())
    }

    /// What is [shown](Self::shown), for a program.
    pub(crate) fn document(&self) -> Result<Value, Failure> {
        let document = |function: &Function| {
            let catalogue = function.catalogue().map_err(|error| error.report())?;
            Ok(json!({
                "function": function.name,
                "statements": catalogue.names().collect::<Vec<_>>(),
                "schedules": function.schedules()?,
            }))
        };
        self.functions.iter().map(document).collect()
    }

    /// The functions of a stack that the template no longer has, by the prefixes of their outputs.
    pub(crate) fn removed<'a>(&self, stack: &'a Stack) -> Vec<&'a str> {
        let outputs = stack.outputs().into_keys();
        let prefixes = outputs.filter_map(|output| output.strip_suffix("FunctionName"));
        let is_kept = |prefix: &str| self.functions.iter().any(|it| it.prefix() == prefix);
        prefixes.filter(|prefix| !is_kept(prefix)).collect()
    }
}

fn serves(function: &Function, engine: Engine) -> bool {
    function.engine.function() == engine.function()
}

/// The function of this name, or else the engine's first, or else its only one.
fn chosen<'a>(
    functions: &'a [Function],
    name: Option<&str>,
    engine: Engine,
) -> Result<&'a Function, Failure> {
    let of_engine: Vec<_> = functions.iter().filter(|it| serves(it, engine)).collect();
    let names = of_engine.iter().map(|it| it.short_name()).collect::<Vec<_>>().join(", ");
    let title = engine.title();
    match (name, &of_engine[..]) {
        (_, []) => Err(format!(
            "no function serves {title}: put its statements into a folder {}",
            engine.statements()
        )
        .into()),
        (Some(name), all) => {
            let mut named = all.iter().filter(|it| it.short_name() == name || it.name == name);
            named.next().copied().ok_or_else(|| {
                format!(
                    "--function {name}: no function for {title} has this name; there is {names}"
                )
                .into()
            })
        }
        (None, [only]) => Ok(only),
        (None, all) => {
            let first = all.iter().find(|it| it.further().is_none());
            first.copied().ok_or_else(|| {
                format!("--function is missing: the functions for {title} are {names}").into()
            })
        }
    }
}

/// The value of a function's parameter, by its name without the function's prefix. An empty one counts as
/// not given.
pub(crate) fn parameter<'a>(
    values: &'a BTreeMap<String, Value>,
    prefix: &str,
    name: &str,
) -> Option<&'a str> {
    let value = values.get(&format!("{prefix}{name}")).and_then(Value::as_str);
    value.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(names: &[(Engine, &str)]) -> Vec<Function> {
        let function = |(engine, name): &(Engine, &str)| Function {
            engine: *engine,
            name: (*name).to_owned(),
            folder: "sql".into(),
        };
        names.iter().map(function).collect()
    }

    #[test]
    fn a_function_without_a_database_is_only_packed() {
        let functions = functions(&[
            (Engine::MySql, "mysql-function"),
            (Engine::Postgres, "postgres-function"),
            (Engine::Postgres, "postgres-function-a"),
        ]);
        let plan = Plan { function: functions[1].clone(), functions, template: String::new() };
        let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let placed = plan.placed(&[
            parameter("PostgresEndpoint", "db.example:5432"),
            parameter("PostgresAEndpoint", "db.example:5432"),
            parameter("MySqlEndpoint", ""),
        ]);
        assert_eq!(
            placed,
            "the stack will have postgres-function, postgres-function-a\nmysql-function is packed, but not in the \
             stack unless MySqlEndpoint is set there already"
        );
    }

    #[test]
    fn the_function_is_that_of_the_database_and_the_name() {
        let (mysql, reports) = ((Engine::MySql, "mysql-function"), "mysql-function-reports");
        let all = functions(&[
            mysql,
            (Engine::MySql, reports),
            (Engine::Postgres, "postgres-function-a"),
        ]);
        let choice = |name, engine| {
            chosen(&all, name, engine).map(|it| it.name.clone()).map_err(|error| error.to_string())
        };
        for (name, engine, expected) in [
            (None, Engine::MySql, "mysql-function"),
            (None, Engine::MariaDb, "mysql-function"),
            (None, Engine::Postgres, "postgres-function-a"),
            (Some("mysql"), Engine::MySql, "mysql-function"),
            (Some("mysql-reports"), Engine::MariaDb, reports),
            (Some(reports), Engine::MySql, reports),
        ] {
            assert_eq!(choice(name, engine).as_deref(), Ok(expected), "{name:?}, {engine}");
        }
        let error = choice(Some("mysql-reports"), Engine::Postgres).unwrap_err();
        assert!(error.contains("for PostgreSQL has this name; there is postgres-a"), "{error}");
        let error = chosen(&all[..2], None, Engine::Postgres).unwrap_err().to_string();
        assert!(error.contains("no function serves PostgreSQL"), "{error}");
        let two = functions(&[(Engine::MySql, reports), (Engine::MySql, "mysql-function-a")]);
        let error = chosen(&two, None, Engine::MySql).unwrap_err().to_string();
        assert!(error.contains("--function is missing"), "{error}");
    }
}
