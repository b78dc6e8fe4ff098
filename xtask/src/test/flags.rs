//! The command line of `cargo xtask test`.

use command_line::CommandLine;
use engine::Engine;
use local_packages::{Version, named_by};
use std::ffi::OsString;
use std::num::NonZero;
use std::thread;

use crate::Failure;

/// How many test processes run at once for each core: they wait for more than half of their time. With four, no
/// core is idle either, and tests that meet deadlines fail.
const JOBS_PER_CORE: usize = 3;

/// What the command line asks for.
#[derive(Debug)]
pub(super) struct Flags {
    pub(super) quick: bool,
    /// All versions of each engine.
    pub(super) versions: bool,
    /// The servers that the tests run on, in place of any of their engine.
    pub(super) servers: Vec<Version>,
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
            versions: false,
            servers: vec![],
            names: vec![],
            jobs: JOBS_PER_CORE * cores(),
            arguments: arguments_of_cargo,
        };
        let line = CommandLine::new("test", arguments);
        let mut line = line.repeatable(&["engine"]).words(usize::MAX);
        while let Some(option) = line.option()? {
            match option.as_str() {
                "quick" => flags.quick = true,
                "versions" => flags.versions = true,
                "engine" => {
                    let server: Version = line.value()?;
                    let is_same = |other: &Version| other.engine() == server.engine();
                    if flags.servers.iter().any(|other| is_same(other) && *other != server) {
                        let engine = server.engine();
                        let twice = format!("--engine {engine} is given with two versions");
                        return Err(line.error(twice).into());
                    }
                    flags.servers.push(server);
                }
                "jobs" => flags.jobs = line.value::<NonZero<usize>>()?.get(),
                _ => return Err(line.unknown_in(include_str!("help.txt")).into()),
            }
        }
        flags.names = line.given_words().to_vec();
        Ok(flags)
    }

    /// The arguments for `cargo test`, which would run each version: the test programs are told to skip those
    /// that this command leaves out.
    pub(super) fn cargo_arguments(&self) -> Vec<OsString> {
        let mut arguments = self.arguments.clone();
        if !arguments.iter().any(|argument| argument == "--") {
            arguments.push("--".into());
        }
        let wanted = self.wanted_versions();
        let all = Engine::ALL.into_iter().flat_map(Version::all);
        for version in all.filter(|version| !wanted.contains(version)) {
            arguments.extend(["--skip".into(), name_of(&version).into()]);
        }
        arguments
    }

    /// Whether nothing is left out.
    pub(super) fn is_all(&self) -> bool {
        !self.quick && !self.versions && self.servers.is_empty() && self.names.is_empty()
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
        let of_engine = |engine: Engine| test.starts_with(&format!("{engine}::"));
        let is_of_versions = test.contains(VERSIONS);
        let is_wanted_version = || self.wanted_versions().iter().any(|v| test == name_of(v));
        (self.servers.is_empty() || self.servers.iter().any(|server| of_engine(server.engine())))
            && (self.names.is_empty() || self.names.iter().any(|name| test.contains(name)))
            && (!self.versions || is_of_versions)
            && (!is_of_versions || is_wanted_version())
    }

    /// The versions that have tests of their own in this run: all, or the oldest and the newest of each
    /// engine, and one that is named.
    pub(super) fn wanted_versions(&self) -> Vec<Version> {
        let engines = Engine::ALL.into_iter().filter(|engine| {
            self.servers.is_empty() || self.servers.iter().any(|one| one.engine() == *engine)
        });
        let of_cargo = self.arguments.iter().filter_map(|argument| argument.to_str());
        let names: Vec<_> = self.names.iter().map(String::as_str).chain(of_cargo).collect();
        let is_wanted = |version: &Version| {
            let name = name_of(version);
            self.versions
                || Version::ends(version.engine()).any(|end| end == *version)
                || names.iter().any(|part| part.contains(ONE) && name.contains(part))
        };
        engines.flat_map(Version::all).filter(is_wanted).collect()
    }

    /// The environment in which servers are of the versions asked for.
    pub(super) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let variable = |server: &Version| named_by(server.engine()).0;
        self.servers.iter().filter_map(move |server| Some((variable(server), server.numbers()?)))
    }
}

/// The module of the tests of single versions, in their names.
const VERSIONS: &str = "::versions::";
/// What a name on the command line has that asks for one of them.
const ONE: &str = "versions::v";

/// The name of a version's test: `postgres::versions::v17`.
fn name_of(version: &Version) -> String {
    let numbers = version.numbers().unwrap_or_default().replace('.', "_");
    format!("{}{VERSIONS}v{numbers}", version.engine())
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
    fn the_oldest_and_the_newest_version_are_tested_and_others_on_request() {
        let wanted = |line: &str| {
            let flags = flags(line);
            let all = Engine::ALL.into_iter().flat_map(Version::all);
            let mut tests: Vec<_> = all.map(|version| name_of(&version)).collect();
            tests.retain(|test| flags.want(test));
            let names: Vec<_> = flags.wanted_versions().iter().map(name_of).collect();
            assert!(tests.iter().all(|test| names.contains(test)), "{line}: {names:?}");
            tests
        };
        assert_eq!(
            wanted("--engine postgres"),
            ["postgres::versions::v14", "postgres::versions::v18"]
        );
        assert_eq!(wanted("").len(), 6);
        assert_eq!(wanted("--versions").len(), 12);
        assert_eq!(wanted("--versions --engine mysql").len(), 3);
        assert_eq!(wanted("versions::v16"), ["postgres::versions::v16"]);
        assert_eq!(wanted("login"), [""; 0]);
        assert!(!flags("--versions").want("mysql::login::denied"));
    }

    #[test]
    fn a_version_is_in_the_environment() {
        let flags = flags("--engine mysql@8.4 --engine postgres");
        assert!(flags.environment().eq([("LOCAL_RDS_MYSQLD", "8.4")]));
        let twice = Flags::parse(vec!["--engine=mysql@8.4".into(), "--engine=mysql".into()]);
        assert!(twice.unwrap_err().to_string().contains("mysql is given with two versions"));
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
        assert!(flags.quick && flags.servers.is_empty());
        assert_eq!(flags.arguments, ["-p", "iam-auth", "--engine"]);
    }

    #[test]
    fn cargo_runs_no_more_versions() {
        let skipped = |line: &str| -> Vec<String> {
            let given = line.split_once("-- ").map_or("", |(_, given)| given).split_whitespace();
            let mut arguments = flags(line).cargo_arguments().into_iter();
            for given in given {
                assert_eq!(arguments.next().unwrap(), given);
            }
            let rest = arguments.map(|argument| argument.into_string().unwrap());
            rest.filter(|argument| argument.contains("::versions::")).collect()
        };
        let postgres =
            ["v15", "v16", "v17"].map(|version| format!("postgres::versions::{version}"));
        for line in ["-- -p postgres-function", "-- -p postgres-function -- --nocapture"] {
            let skipped = skipped(line);
            assert_eq!(skipped.len(), 6, "{skipped:?}");
            assert!(skipped.ends_with(&postgres), "{skipped:?}");
        }
        let one = skipped("-- -p postgres-function versions::v16");
        assert!(one.contains(&postgres[0]) && !one.contains(&postgres[1]), "{one:?}");
        assert_eq!(skipped("--versions -- -p postgres-function"), [""; 0]);
    }
}
