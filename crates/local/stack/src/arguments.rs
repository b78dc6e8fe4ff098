//! The options that the commands have in common: statements, schemas and engines.

use command_line::{CommandLine, Error};
use local_rds::{Engine, Version};
use local_stack::{Failure, Planned, Schema, Schemas, engines, plan};
use std::path::PathBuf;

/// What runs.
#[derive(Default)]
pub(crate) struct Arguments {
    /// The folder of statements, if it is not that of the workspace.
    pub(crate) statements: Option<PathBuf>,
    pub(crate) schemas: Schemas,
    /// One for each engine.
    pub(crate) servers: Vec<Version>,
}

/// The options that may be given more than once.
pub(crate) const REPEATABLE: &[&str] = &["engine", "schema"];

impl Arguments {
    /// Takes an option of these, the last one of `line`. False if it is another.
    pub(crate) fn take(&mut self, option: &str, line: &mut CommandLine) -> Result<bool, Error> {
        match option {
            "statements" => self.statements = Some(line.os_value()?.into()),
            "schema" => {
                let value = PathBuf::from(line.os_value()?);
                self.schemas.add(&value).map_err(|error| line.error(error))?;
            }
            "engine" => {
                let value: String = line.value()?;
                let version: Version =
                    value.parse().map_err(|error| line.error(format!("--engine: {error}")))?;
                let same = self.servers.iter().find(|one| one.engine() == version.engine());
                match same {
                    None => self.servers.push(version),
                    Some(same) if *same == version => {}
                    Some(_) => {
                        let engine = version.engine();
                        let twice = format!("--engine {engine} is given with two versions");
                        return Err(line.error(twice));
                    }
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The folder of statements, and whether it is the workspace's.
    pub(crate) fn statements(&self) -> Result<(PathBuf, bool), Failure> {
        match &self.statements {
            Some(folder) => Ok((folder.clone(), false)),
            None => Ok((packaging::statements()?, true)),
        }
    }

    /// The functions, those of the engines that were asked for.
    pub(crate) fn functions(&self) -> Result<Vec<Planned>, Failure> {
        let schemas: Vec<_> = self.schemas.paths().collect();
        let functions = plan(&self.statements()?.0, &schemas, &self.servers)?;
        let started = engines(&functions);
        let serves = |engine| {
            started
                .iter()
                .any(|&one| one == engine || engine == Engine::MySql && one == Engine::MariaDb)
        };
        if let Some(idle) = self.schemas.engines().find(|&engine| !serves(engine)) {
            let names: Vec<_> = started.iter().map(|engine| engine.name()).collect();
            let names = names.join(", ");
            return Err(format!("--schema {idle}=…: the engines are {names}").into());
        }
        Ok(functions)
    }

    /// The schema for an engine: the one asked for, or else, for the workspace's statements, the table of
    /// the examples.
    pub(crate) fn schema(&self, engine: Engine) -> Result<Option<Schema>, Failure> {
        match self.schemas.read(engine)? {
            None if self.statements.is_none() => Ok(Some(Schema::examples())),
            schema => Ok(schema),
        }
    }
}
