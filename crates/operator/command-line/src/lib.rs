//! The options of a command, such as `cargo xtask build`: read one by one, each given once, with errors that
//! name the option and point to the command's `--help`. And how a command prints texts and errors.
//!
//! ```
//! use command_line::CommandLine;
//!
//! let mut line = CommandLine::new("build", ["--arch=arm64", "--json"].map(Into::into));
//! let (mut architecture, mut json) = (None, false);
//! while let Some(option) = line.option()? {
//!     match option.as_str() {
//!         "arch" => architecture = Some(line.value::<String>()?),
//!         "json" => json = true,
//!         _ => return Err(line.unknown()),
//!     }
//! }
//! assert_eq!((architecture.as_deref(), json), (Some("arm64"), true));
//! # Ok::<(), command_line::Error>(())
//! ```

#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::io::{self, Write as _};
use std::iter;
use std::str::FromStr;

use lexopt::{Arg, ValueExt as _};

/// The arguments of a command.
pub struct CommandLine {
    /// The command that prints the help.
    help: String,
    parser: lexopt::Parser,
    repeatable: &'static [&'static str],
    /// The options so far.
    given: BTreeSet<String>,
    /// The last option.
    option: String,
    words: Vec<String>,
    most_words: usize,
}

impl CommandLine {
    /// Reads the arguments after `cargo xtask COMMAND`.
    pub fn new(command: &str, arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self::of(format!("cargo xtask {command} --help"), arguments)
    }

    /// Reads the arguments of a program that people start by its name.
    pub fn program(name: &str, arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self::of(format!("{name} --help"), arguments)
    }

    fn of(help: String, arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self {
            help,
            parser: lexopt::Parser::from_args(arguments),
            repeatable: &[],
            given: BTreeSet::new(),
            option: String::new(),
            words: Vec::new(),
            most_words: 0,
        }
    }

    /// Allows options to be given more than once.
    #[must_use]
    pub fn repeatable(self, options: &'static [&'static str]) -> Self {
        Self { repeatable: options, ..self }
    }

    /// Allows arguments that are no options.
    #[must_use]
    pub fn words(self, most: usize) -> Self {
        Self { most_words: most, ..self }
    }

    /// The next option, without its dashes: `-h` is `help`. `None` at the end.
    ///
    /// # Errors
    /// An option is given twice, the option before has a value and takes none, or there is an argument
    /// that is no option.
    pub fn option(&mut self) -> Result<Option<String>, Error> {
        loop {
            let option = match self.parser.next() {
                Ok(None) => return Ok(None),
                Ok(Some(Arg::Value(word))) if self.words.len() < self.most_words => {
                    let word = word.string().map_err(|error| self.error(error))?;
                    self.words.push(word);
                    continue;
                }
                Ok(Some(Arg::Value(word))) => {
                    return Err(self.error(format!("unexpected argument {word:?}")));
                }
                Ok(Some(Arg::Short('h'))) => "help".to_owned(),
                Ok(Some(Arg::Short(short))) => {
                    return Err(self.error(format!("unknown option -{short}")));
                }
                Ok(Some(Arg::Long(option))) => option.to_owned(),
                Err(lexopt::Error::UnexpectedValue { .. }) => {
                    return Err(self.error(format!("--{} takes no value", self.option)));
                }
                Err(error) => return Err(self.error(error)),
            };
            self.option.clone_from(&option);
            if !self.given.insert(option.clone()) && !self.repeatable.contains(&option.as_str()) {
                return Err(self.error(format!("--{option} is given twice")));
            }
            return Ok(Some(option));
        }
    }

    /// The value of the last option.
    ///
    /// # Errors
    /// There is none, it is empty or not UTF-8, or it does not parse.
    pub fn value<T: FromStr<Err: Display>>(&mut self) -> Result<T, Error> {
        let value = self.os_value()?;
        let Some(text) = value.to_str() else {
            return Err(self.error(format!("--{}: {value:?} is not UTF-8", self.option)));
        };
        text.parse().map_err(|error| self.error(format!("--{}: {error}", self.option)))
    }

    /// The value of the last option, which may be a path in any encoding.
    ///
    /// # Errors
    /// There is none, or it is empty.
    pub fn os_value(&mut self) -> Result<OsString, Error> {
        match self.parser.value() {
            Ok(value) if value.is_empty() => {
                Err(self.error(format!("--{} has an empty value", self.option)))
            }
            Ok(value) => Ok(value),
            Err(_) => Err(self.error(format!("--{} needs a value", self.option))),
        }
    }

    /// The arguments so far that are no options.
    pub fn given_words(&self) -> &[String] {
        &self.words
    }

    /// Whether an option was given so far.
    pub fn has(&self, option: &str) -> bool {
        self.given.contains(option)
    }

    /// The error that the command has no such option as the last one.
    pub fn unknown(&self) -> Error {
        self.error(format!("unknown option --{}", self.option))
    }

    /// The same, with the option of the command's `help` that was perhaps meant.
    pub fn unknown_in(&self, help: &str) -> Error {
        let words = help.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-');
        match nearest(&self.option, words.filter_map(|word| word.strip_prefix("--"))) {
            None => self.unknown(),
            Some(near) => {
                let option = &self.option;
                self.error(format!("unknown option --{option}: did you mean --{near}?"))
            }
        }
    }

    /// An error in the command line: what is wrong, and where the options are described.
    pub fn error(&self, what: impl Display) -> Error {
        Error(format!("{what}; see `{}`", self.help))
    }
}

/// The one of `known` that `word` was perhaps meant to be: it begins so, or few letters differ.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let differ = |known: &str| match known.strip_prefix(&word) {
        Some(_) if word.len() >= 3 => 0,
        _ => strsim::damerau_levenshtein(&word, known),
    };
    let most = (word.chars().count() / 3).max(1);
    let known = known.into_iter().filter(|known| known.len() > 1);
    let (differ, near) = known.map(|known| (differ(known), known)).min()?;
    (differ <= most).then_some(near)
}

/// Prints a text and a line break on standard output. A closed pipe, as of `head`, is not an error.
pub fn print(text: &str) {
    let _ = writeln!(io::stdout(), "{}", text.trim_end());
}

/// An error and its sources, on one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let sources = iter::successors(Some(error), |&error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A command line that a command does not accept.
#[derive(Debug)]
pub struct Error(String);

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::{CommandLine, nearest};

    /// Reads `--port NUMBER`, `--region NAME` more than once, `--json`, and one word.
    fn read(line: &str) -> Result<Vec<String>, String> {
        let mut line = CommandLine::new("try", line.split(' ').map(Into::into))
            .repeatable(&["region"])
            .words(1);
        let mut read = Vec::new();
        while let Some(option) = line.option().map_err(|error| error.to_string())? {
            let value = match option.as_str() {
                "port" => line.value::<u16>().map(|port| port.to_string()),
                "region" => line.value(),
                "json" | "help" => Ok(option),
                _ => Err(line.unknown()),
            };
            read.push(value.map_err(|error| error.to_string())?);
        }
        read.extend(line.given_words().iter().cloned());
        Ok(read)
    }

    #[test]
    fn options_are_read_in_all_their_forms() {
        let options = "word --port 1 --region=a --region b --json -h";
        assert_eq!(read(options).unwrap(), ["1", "a", "b", "json", "help", "word"]);
    }

    #[test]
    fn a_misspelt_option_is_recognized() {
        let help = "Usage: try [OPTIONS]\n\n  --statements DIR  The folder; see --schema\n  --schema[=FILE]";
        for (option, says) in [
            (
                "--statement",
                "unknown option --statement: did you mean --statements?; see `try --help`",
            ),
            ("--Shcema", "unknown option --Shcema: did you mean --schema?; see `try --help`"),
            ("--stat", "unknown option --stat: did you mean --statements?; see `try --help`"),
            ("--nonsense", "unknown option --nonsense; see `try --help`"),
            ("--s", "unknown option --s; see `try --help`"),
        ] {
            let mut line = CommandLine::program("try", [option.into()]);
            line.option().unwrap();
            assert_eq!(line.unknown_in(help).to_string(), says);
        }
        assert_eq!(nearest("chek", ["local", "check", "describe"]), Some("check"));
        assert_eq!(nearest("serve", ["local", "check", "describe"]), None);
    }

    #[test]
    fn an_error_names_the_option_and_the_help() {
        for (line, says) in [
            ("--prot 1", "unknown option --prot"),
            ("-p", "unknown option -p"),
            ("one two", "unexpected argument \"two\""),
            ("--json --json", "--json is given twice"),
            ("--port 1 --port 2", "--port is given twice"),
            ("--json=yes", "--json takes no value"),
            ("--port", "--port needs a value"),
            ("--port=", "--port has an empty value"),
            ("--port x", "--port: invalid digit found in string"),
        ] {
            let error = read(line).unwrap_err();
            assert_eq!(error, format!("{says}; see `cargo xtask try --help`"), "{line}");
        }
    }
}
