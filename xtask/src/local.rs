//! `cargo xtask local`: the whole system on this machine. Its program reads the options; here it only
//! matters which servers it will need.

use engine::Engine;
use std::ffi::OsString;

use crate::Failure;
use crate::cargo;
use crate::fetch;

pub(crate) fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    fetch::servers_during(&engines(&arguments), || {
        cargo::build(&["local-stack", "mysql-function", "postgres-function"])
    })?;
    cargo::exec(cargo::built("local-stack")?.args(arguments))
}

/// The engines of the options `--engine`, or else the program's default. A wrong name is for the
/// program to refuse.
fn engines(arguments: &[OsString]) -> Vec<Engine> {
    let texts: Vec<_> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let apart = texts.windows(2).filter(|pair| pair[0] == "--engine").map(|pair| pair[1]);
    let joined = texts.iter().filter_map(|text| text.strip_prefix("--engine="));
    let names: Vec<_> = apart.chain(joined).collect();
    if names.is_empty() {
        return vec![Engine::MySql, Engine::Postgres];
    }
    names.into_iter().filter_map(|name| name.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_that_are_needed_are_known() {
        use Engine::{MariaDb, MySql, Postgres};
        for (line, expected) in [
            ("", &[MySql, Postgres][..]),
            ("--once --json", &[MySql, Postgres]),
            ("--engine mariadb", &[MariaDb]),
            ("--once --engine postgres --engine=mysql", &[Postgres, MySql]),
            ("--engine oracle", &[]),
            ("--engine", &[MySql, Postgres]),
        ] {
            let arguments: Vec<_> = line.split_whitespace().map(Into::into).collect();
            assert_eq!(engines(&arguments), expected, "{line}");
        }
    }
}
