//! The command line, which the text `help.txt` describes.

use aws_cli::Target;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::Failure;
use engine::Engine;

/// What `--help` shows.
pub(crate) const HELP: &str = include_str!("help.txt");

/// What to diagnose, and how to tell.
#[derive(Default)]
pub(crate) struct Flags {
    /// The deployed function to ask. `None` runs one here.
    pub(crate) function: Option<String>,
    /// The database to ask AWS about.
    pub(crate) target: Option<Target>,
    /// The function's variables that were given by an option, each once.
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) engine: Option<Engine>,
    pub(crate) profile: Option<String>,
    pub(crate) json: bool,
}

impl Flags {
    /// The variable that was given by an option.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        let given = self.settings.iter().find(|(variable, _)| *variable == name);
        given.map(|(_, value)| value.as_str())
    }
}

/// Reads the command line; `None` when it asks for help.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Option<Flags>, Failure> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut flags = Flags::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("json") => flags.json = true,
            Long("function") => once(&mut flags.function, "--function", text(&mut parser)?)?,
            Long("profile") => once(&mut flags.profile, "--profile", text(&mut parser)?)?,
            Long("engine") => once(&mut flags.engine, "--engine", parser.value()?.parse()?)?,
            Long("db-instance") => database(&mut flags, Target::Instance(text(&mut parser)?))?,
            Long("db-cluster") => database(&mut flags, Target::Cluster(text(&mut parser)?))?,
            Long("db-proxy") => database(&mut flags, Target::Proxy(text(&mut parser)?))?,
            Long(name) => match variable(name) {
                Some(variable) => setting(&mut flags, variable, &mut parser)?,
                None => return Err(Long(name).unexpected().into()),
            },
            other => return Err(other.unexpected().into()),
        }
    }
    check(&flags)?;
    Ok(Some(flags))
}

/// The function's variable that an option stands for.
fn variable(option: &str) -> Option<&'static str> {
    Some(match option {
        "host" => "DB_HOST",
        "port" => "DB_PORT",
        "user" => "DB_USER",
        "database" => "DB_NAME",
        "region" => "DB_REGION",
        "connect-to" => "DB_CONNECT_TO",
        "ca-bundle" => "DB_CA_BUNDLE",
        "statements" => "STATEMENTS_DIR",
        _ => return None,
    })
}

fn setting(
    flags: &mut Flags,
    variable: &'static str,
    parser: &mut lexopt::Parser,
) -> Result<(), Failure> {
    if flags.setting(variable).is_some() {
        return Err(format!("the option for {variable} was given twice").into());
    }
    let mut value = text(parser)?;
    if matches!(variable, "DB_CA_BUNDLE" | "STATEMENTS_DIR") {
        // The function runs in a folder of its own.
        value = here(&value)?;
    }
    flags.settings.push((variable, value));
    Ok(())
}

/// The absolute form of a path that a person typed.
pub(crate) fn here(path: &str) -> Result<String, Failure> {
    let path = std::path::absolute(PathBuf::from(path))
        .map_err(|error| format!("{path:?} is no path: {error}"))?;
    Ok(path.to_string_lossy().into_owned())
}

fn text(parser: &mut lexopt::Parser) -> Result<String, Failure> {
    let value = parser.value()?.string()?;
    if value.is_empty() { Err("an option's value is empty".into()) } else { Ok(value) }
}

fn once<T>(place: &mut Option<T>, option: &str, value: T) -> Result<(), Failure> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("{option} was given twice").into()),
    }
}

fn database(flags: &mut Flags, target: Target) -> Result<(), Failure> {
    match flags.target.replace(target) {
        None => Ok(()),
        Some(_) => Err("name one database: --db-instance, --db-cluster or --db-proxy".into()),
    }
}

/// A deployed function has its own settings: those of the command line would not be looked at.
fn check(flags: &Flags) -> Result<(), Failure> {
    let ignored = flags.settings.iter().find(|(variable, _)| *variable != "DB_REGION");
    match (&flags.function, ignored, flags.engine) {
        (Some(name), Some((variable, _)), _) => Err(format!(
            "{name} is deployed with settings of its own: leave out the option for {variable}, or \
             leave out --function to try it from here"
        )
        .into()),
        (Some(name), None, Some(_)) => {
            Err(format!("{name} has its engine built in: leave out --engine").into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Flags>, String> {
        let arguments = line.split_whitespace().map(OsString::from);
        parse(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn options_become_the_functions_variables() {
        let flags = parsed("--host db --port=3307 --ca-bundle roots.pem --db-proxy p --json");
        let flags = flags.unwrap().unwrap();
        assert_eq!(flags.setting("DB_HOST"), Some("db"));
        assert_eq!(flags.setting("DB_PORT"), Some("3307"));
        assert_eq!(flags.setting("DB_USER"), None);
        assert!(flags.setting("DB_CA_BUNDLE").unwrap().ends_with("/roots.pem"));
        assert!(flags.setting("DB_CA_BUNDLE").unwrap().starts_with('/'));
        assert_eq!(flags.target, Some(Target::Proxy("p".into())));
        assert!(flags.json && flags.function.is_none());
    }

    #[test]
    fn help_is_shown_whatever_else_stands_there() {
        assert!(parsed("--host db --help --nonsense").unwrap().is_none());
        for option in ["--function", "--db-instance", "--connect-to", "--statements", "--engine"] {
            assert!(HELP.contains(option), "{option}");
        }
        for line in HELP.lines() {
            assert!(line.chars().count() <= 96, "{line}");
        }
    }

    #[test]
    fn a_wrong_call_is_explained() {
        for (line, says) in [
            ("--hots db", "hots"),
            ("stray", "stray"),
            ("--host a --host b", "DB_HOST was given twice"),
            ("--function a --function b", "--function was given twice"),
            ("--db-instance a --db-cluster b", "name one database"),
            ("--function f --host db", "leave out the option for DB_HOST"),
            ("--function f --engine mysql", "leave out --engine"),
            ("--engine oracle", "oracle"),
            ("--host=", "empty"),
            ("--host", "missing argument"),
        ] {
            let error = parsed(line).err().unwrap_or_else(|| panic!("{line} was taken"));
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
