//! `cargo xtask local`, and the other commands of its program: what runs on this machine. The program reads
//! the options; here it only matters which servers it will need.

use engine::Engine;
use local_packages::Version;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use crate::Failure;
use crate::cargo;
use crate::fetch;

pub(crate) fn run(command: &str, arguments: Vec<OsString>) -> Result<(), Failure> {
    fetch::servers_during(&servers(&arguments), || {
        cargo::build(&["local-stack", "mysql-function", "postgres-function"])
    })?;
    cargo::exec(cargo::built("local-stack")?.arg(command).args(arguments))
}

/// The servers of the options `--engine`, or else the program's default. What is wrong is for the program to
/// refuse.
fn servers(arguments: &[OsString]) -> Vec<Version> {
    let names: Vec<_> = values(arguments, "--engine").filter_map(|value| value.to_str()).collect();
    let needs_none = |option: &str| values(arguments, option).next().is_some();
    if needs_none("--function") || needs_none("--from") {
        return vec![];
    }
    if !names.is_empty() {
        return names.iter().filter_map(|name| name.parse().ok()).collect();
    }
    let all = match values(arguments, "--statements").next() {
        None => vec![Engine::MySql, Engine::Postgres],
        Some(folder) => with_a_folder(Path::new(folder)),
    };
    let folder = values(arguments, "--function-folder").next().and_then(OsStr::to_str);
    let is_asked = |engine: &Engine| folder.is_none_or(|folder| is_of(folder, *engine));
    all.into_iter().filter(is_asked).map(Version::from).collect()
}

/// The values of an option, after it or after its `=`.
fn values<'a>(arguments: &'a [OsString], option: &'a str) -> impl Iterator<Item = &'a OsStr> {
    arguments.iter().enumerate().filter_map(move |(index, argument)| {
        if argument == option {
            return arguments.get(index + 1).map(OsString::as_os_str);
        }
        Some(argument.to_str()?.strip_prefix(option)?.strip_prefix('=')?.as_ref())
    })
}

/// The engines that have a folder in `statements`: `mysql` or `mysql-NAME`.
fn with_a_folder(statements: &Path) -> Vec<Engine> {
    let entries = fs::read_dir(statements).into_iter().flatten().flatten();
    let names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let has = |engine: &Engine| names.iter().any(|name| is_of(name, *engine));
    [Engine::MySql, Engine::Postgres].into_iter().filter(has).collect()
}

/// Whether a folder is named `mysql` or `mysql-NAME`.
fn is_of(folder: &str, engine: Engine) -> bool {
    folder.split('-').next() == Some(engine.statements())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers_of(line: &str) -> Vec<String> {
        let arguments: Vec<_> = line.split_whitespace().map(Into::into).collect();
        servers(&arguments).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_servers_that_are_needed_are_known() {
        for (line, expected) in [
            ("", &["mysql", "postgres"][..]),
            ("--once --json", &["mysql", "postgres"]),
            ("--engine mariadb", &["mariadb"]),
            ("--once --engine postgres --engine=mysql@8.4", &["postgres", "mysql@8.4"]),
            ("--engine oracle", &[]),
            ("--engine", &["mysql", "postgres"]),
            ("--engine postgres@", &[]),
            ("--statements /no/such/folder", &[]),
            ("--function mysql-function --typescript", &[]),
            ("--from=answer.json --engine postgres", &[]),
            ("--function-folder postgres-reports", &["postgres"]),
        ] {
            assert_eq!(servers_of(line), expected, "{line}");
        }
    }

    #[test]
    fn a_folder_of_statements_names_its_engines() {
        let folder = std::env::temp_dir().join(format!("statements-{}", std::process::id()));
        fs::create_dir_all(folder.join("postgres-reports")).unwrap();
        let shown = folder.display();
        let found = [
            servers_of(&format!("--statements {shown}")),
            servers_of(&format!("--statements={shown} --engine mysql")),
        ];
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, [["postgres"], ["mysql"]]);
    }
}
