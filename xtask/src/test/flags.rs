//! The command line of `cargo xtask test`.

use command_line::CommandLine;
use engine::Engine;
use std::ffi::OsString;
use std::num::NonZero;
use std::thread;

use crate::Failure;

/// How many test processes run at once for each core: they mostly wait.
const JOBS_PER_CORE: usize = 4;

/// What the command line asks for.
#[derive(Debug)]
pub(super) struct Flags {
    pub(super) quick: bool,
    pub(super) engines: Vec<Engine>,
    /// Parts of tests' names.
    pub(super) names: Vec<String>,
    /// How many test processes run at once.
    pub(super) jobs: usize,
    /// The arguments for `cargo test`.
    pub(super) arguments: Vec<OsString>,
}

impl Flags {
    /// Reads the arguments after `test`.
    pub(super) fn parse(mut arguments: Vec<OsString>) -> Result<Flags, Failure> {
        let arguments_of_cargo = match arguments.iter().position(|argument| argument == "--") {
            Some(at) => arguments.split_off(at).split_off(1),
            None => vec![],
        };
        let mut flags = Flags {
            quick: false,
            engines: vec![],
            names: vec![],
            jobs: JOBS_PER_CORE * cores(),
            arguments: arguments_of_cargo,
        };
        let line = CommandLine::new("test", arguments);
        let mut line = line.repeatable(&["engine"]).words(usize::MAX);
        while let Some(option) = line.option()? {
            match option.as_str() {
                "quick" => flags.quick = true,
                "engine" => flags.engines.push(line.value()?),
                "jobs" => flags.jobs = line.value::<NonZero<usize>>()?.get(),
                _ => return Err(line.unknown_in(include_str!("help.txt")).into()),
            }
        }
        flags.names = line.given_words().to_vec();
        Ok(flags)
    }

    /// Whether nothing is left out.
    pub(super) fn is_all(&self) -> bool {
        !self.quick && self.engines.is_empty() && self.names.is_empty()
    }

    /// # Errors
    /// A name is in the name of none of the tests.
    pub(super) fn check_names(&self, tests: &[String]) -> Result<(), Failure> {
        let mut unmatched = vec![];
        for name in &self.names {
            if !tests.iter().any(|test| self.want(test) && test.contains(name)) {
                unmatched.push(format!("{name:?}"));
            }
        }
        if unmatched.is_empty() {
            return Ok(());
        }
        let names = unmatched.join(" or ");
        Err(format!("no test's name contains {names}; names look like login::denied").into())
    }

    /// Whether a test is selected. The names of integration tests begin with their engine.
    pub(super) fn want(&self, test: &str) -> bool {
        let of_engine = |engine: &Engine| test.starts_with(&format!("{engine}::"));
        (self.engines.is_empty() || self.engines.iter().any(of_engine))
            && (self.names.is_empty() || self.names.iter().any(|name| test.contains(name)))
    }
}

/// How many cores this machine has.
pub(super) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> Flags {
        Flags::parse(line.split_whitespace().map(Into::into).collect()).unwrap()
    }

    #[test]
    fn an_engine_and_a_name_select_tests() {
        assert!(flags("").is_all());
        let flags = flags("--engine mysql --engine postgres login:: size::");
        assert!(flags.want("postgres::login::denied") && flags.want("mysql::size::memory"));
        assert!(!flags.want("mariadb::login::denied") && !flags.want("mysql::start::denied"));
    }

    #[test]
    fn every_name_must_be_in_the_name_of_a_test() {
        let tests = ["mysql::login::denied", "postgres::size::memory"].map(str::to_owned);
        let check = |line: &str| match flags(line).check_names(&tests) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        };
        assert_eq!(check(""), "");
        assert_eq!(check("login size"), "");
        let says =
            |names| format!("no test's name contains {names}; names look like login::denied");
        assert_eq!(check("nosuch login"), says(r#""nosuch""#));
        assert_eq!(check("nosuch login nor"), says(r#""nosuch" or "nor""#));
        assert_eq!(check("--engine postgres login"), says(r#""login""#));
    }

    #[test]
    fn what_follows_two_dashes_is_for_cargo() {
        let flags = flags("--quick -- -p iam-auth --engine");
        assert!(flags.quick && flags.engines.is_empty());
        assert_eq!(flags.arguments, ["-p", "iam-auth", "--engine"]);
    }
}
