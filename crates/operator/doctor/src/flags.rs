//! The command line, which `help.txt` describes.

use aws_cli::Target;
use command_line::CommandLine;
use engine::Engine;
use std::ffi::OsString;

use crate::Failure;

/// The text of `--help`.
pub(crate) const HELP: &str = include_str!("help.txt");

/// What to diagnose, and how to show it.
#[derive(Default)]
pub(crate) struct Flags {
    /// The deployed function. `None` runs the function here.
    pub(crate) function: Option<String>,
    /// The database to ask AWS about.
    pub(crate) target: Option<Target>,
    /// The function's variables that options set.
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) engine: Option<Engine>,
    pub(crate) profile: Option<String>,
    pub(crate) json: bool,
}

/// The options that set a variable of the function.
const SETTINGS: [(&str, &str); 9] = [
    ("host", "DB_HOST"),
    ("port", "DB_PORT"),
    ("user", "DB_USER"),
    ("database", "DB_NAME"),
    ("region", "DB_REGION"),
    ("connect-to", "DB_CONNECT_TO"),
    ("trust", "DB_TRUST"),
    ("ca-bundle", "DB_CA_BUNDLE"),
    ("statements", "STATEMENTS_DIR"),
];

impl Flags {
    /// The variable, if an option set it.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        let given = self.settings.iter().find(|(variable, _)| *variable == name);
        given.map(|(_, value)| value.as_str())
    }
}

/// Reads the command line; `None` when it asks for help.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Option<Flags>, Failure> {
    let mut line = CommandLine::new("doctor", arguments);
    let mut flags = Flags::default();
    while let Some(option) = line.option()? {
        match option.as_str() {
            "help" => return Ok(None),
            "json" => flags.json = true,
            "function" => flags.function = Some(line.value()?),
            "profile" => flags.profile = Some(line.value()?),
            "engine" => flags.engine = Some(line.value()?),
            "db-instance" | "db-cluster" | "db-proxy" => {
                let name: String = line.value()?;
                let set = Target::set(&mut flags.target, &option, &name);
                set.map_err(|message| line.error(message))?;
            }
            _ => {
                let setting = SETTINGS.iter().find(|(name, _)| *name == option);
                let (_, variable) = setting.ok_or_else(|| line.unknown_in(HELP))?;
                let value: String = line.value()?;
                flags.settings.push((variable, absolute(variable, value)?));
            }
        }
    }
    // A deployed function has its own settings.
    if let Some(function) = &flags.function {
        let mut own = SETTINGS.iter().map(|(option, _)| *option).filter(|it| *it != "region");
        if let Some(option) = own.find(|option| line.has(option)) {
            return Err(line
                .error(format!(
                    "{function} is deployed with its own settings; omit --{option}, or omit --function to \
                     run the function here"
                ))
                .into());
        }
        if flags.engine.is_some() {
            let why = format!("{function} is deployed for its own engine; omit --engine");
            return Err(line.error(why).into());
        }
    }
    Ok(Some(flags))
}

/// The value of a variable: a path becomes absolute, because the function runs in another folder.
pub(crate) fn absolute(variable: &str, value: String) -> Result<String, Failure> {
    if !matches!(variable, "DB_CA_BUNDLE" | "STATEMENTS_DIR") {
        return Ok(value);
    }
    let path =
        std::path::absolute(&value).map_err(|error| format!("{variable}: {value:?}: {error}"))?;
    Ok(path.to_string_lossy().into_owned())
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
    fn the_help_describes_every_option() {
        assert!(parsed("--host db --help --nonsense").unwrap().is_none());
        let others = ["function", "db-instance", "db-cluster", "db-proxy", "engine", "profile"];
        for option in SETTINGS.iter().map(|(option, _)| *option).chain(others) {
            assert!(HELP.contains(&format!("  --{option} ")), "{option}");
        }
    }

    #[test]
    fn a_wrong_command_line_is_refused() {
        for (line, says) in [
            (
                "--hots db",
                "unknown option --hots: did you mean --host?; see `cargo xtask doctor --help`",
            ),
            ("stray", "stray"),
            ("--host a --host b", "--host is given twice"),
            ("--function a --function b", "--function is given twice"),
            ("--db-instance a --db-cluster b", "name one database"),
            ("--function f --host db", "omit --host"),
            ("--function f --engine mysql", "omit --engine"),
            ("--engine oracle", "oracle"),
            ("--host=", "empty"),
            ("--host", "--host needs a value"),
        ] {
            let error = parsed(line).err().unwrap_or_else(|| panic!("{line} was accepted"));
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
