//! The command line of `cargo xtask describe`.

use command_line::{CommandLine, Error};
use std::ffi::OsString;
use std::path::PathBuf;
use typed_clients::Language;

use super::output::File;
use crate::arguments::{Arguments, REPEATABLE};

/// The text of `--help`.
pub(crate) const HELP: &str = include_str!("../help/describe.txt");

/// What is written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Format {
    /// A table for people.
    #[default]
    Table,
    /// The function's answer.
    Answer,
    /// A client.
    Client(Language),
}

/// The options.
#[derive(Default)]
pub(super) struct Flags {
    pub(super) arguments: Arguments,
    pub(super) function_folder: Option<String>,
    pub(super) function: Option<String>,
    pub(super) region: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) from: Option<PathBuf>,
    pub(super) format: Format,
    pub(super) file: Option<File>,
    pub(super) allow_errors: bool,
}

/// Reads the command line; `None` when it asks for help.
pub(super) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Option<Flags>, Error> {
    let mut line = CommandLine::new("describe", arguments).repeatable(REPEATABLE);
    let mut flags = Flags::default();
    while let Some(option) = line.option()? {
        let format = match option.as_str() {
            "json" => Some(Format::Answer),
            name => Language::ALL
                .into_iter()
                .find(|language| language.option() == name)
                .map(Format::Client),
        };
        if let Some(format) = format {
            if flags.format != Format::Table {
                return Err(line.error(format!("--{option}: give one format, and so one file")));
            }
            flags.format = format;
            continue;
        }
        match option.as_str() {
            "help" => return Ok(None),
            "function-folder" => flags.function_folder = Some(line.value()?),
            "function" => flags.function = Some(line.value()?),
            "region" => flags.region = Some(line.value()?),
            "profile" => flags.profile = Some(line.value()?),
            "from" => flags.from = Some(line.os_value()?.into()),
            "allow-errors" => flags.allow_errors = true,
            "output" => flags.file = Some(File::Write(line.os_value()?.into())),
            "check" => flags.file = Some(File::Check(line.os_value()?.into())),
            option if flags.arguments.take(option, &mut line)? => {}
            _ => return Err(line.unknown_in(HELP)),
        }
    }
    contradiction(&flags, &line).map_or(Ok(Some(flags)), |why| Err(line.error(why)))
}

/// What makes no sense together.
fn contradiction(flags: &Flags, line: &CommandLine) -> Option<String> {
    let given = |options: &[&'static str]| options.iter().copied().find(|option| line.has(option));
    let here = ["statements", "schema", "engine", "function-folder"];
    let there = ["region", "profile"];
    let whom = match (&flags.function, &flags.from) {
        (Some(_), Some(_)) => Some("--from has an answer already; omit --function".to_owned()),
        (Some(name), None) => given(&here).map(|option| {
            format!("{name} is deployed with its own statements and database; omit --{option}")
        }),
        (None, Some(_)) => given(&here)
            .or_else(|| given(&there))
            .map(|option| format!("--from has an answer already; omit --{option}")),
        (None, None) => {
            given(&there).map(|option| format!("--{option} is for a deployed --function"))
        }
    };
    let files = (line.has("output") && line.has("check"))
        .then(|| "--check writes nothing; omit --output".to_owned());
    let table = (flags.file.is_some() && flags.format == Format::Table)
        .then(|| "a file needs a format: --typescript, --rust, --json-schema or --json".to_owned());
    whom.or(files).or(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Option<Flags>, String> {
        let arguments = line.split_whitespace().map(OsString::from);
        parse(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn a_format_and_a_file_are_read() {
        let flags = parsed("--typescript --output client.ts --engine postgres").unwrap().unwrap();
        assert_eq!(flags.format, Format::Client(Language::TypeScript));
        assert_eq!(flags.file, Some(File::Write("client.ts".into())));
        assert!(parsed("").unwrap().unwrap().format == Format::Table);
        assert!(parsed("--function f --region eu-west-1 --json").unwrap().is_some());
        assert!(parsed("--help --nonsense").unwrap().is_none());
    }

    #[test]
    fn a_wrong_command_line_is_refused() {
        for (line, says) in [
            ("--typescript --rust", "--rust: give one format"),
            ("--json --json", "--json is given twice"),
            ("--function f --statements d", "omit --statements"),
            ("--function f --from x", "omit --function"),
            ("--from x --region r", "omit --region"),
            ("--region r", "--region is for a deployed --function"),
            ("--rust --output a --check b", "omit --output"),
            ("--output a", "a file needs a format"),
            ("--engine postgres@new", "the versions of postgres are 14, 15"),
            ("--nonsense", "unknown option --nonsense; see `cargo xtask describe --help`"),
        ] {
            let error = parsed(line).err().unwrap_or_else(|| panic!("{line} was accepted"));
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn the_help_describes_every_option() {
        let all = "statements schema engine function-folder function region profile from typescript rust \
                   json-schema json output check allow-errors help";
        for option in all.split(' ') {
            assert!(HELP.contains(&format!("--{option}")), "{option}");
        }
    }
}
