//! The command lines of `cargo xtask certs` and `cargo xtask layer`.

use command_line::{CommandLine, Error};
use rds_ca::Source;
use std::ffi::OsString;

const CERTS: &str = include_str!("help/certs.txt");
const LAYER: &str = include_str!("help/layer.txt");

/// What to do.
pub(crate) enum Command {
    Help(&'static str),
    Check,
    Embed,
    List,
    Snapshot { accept: bool },
    Update { sources: Vec<Source>, accept: bool },
    Layer { regions: Vec<String> },
}

/// Reads the arguments: the command's name, and those after it.
pub(crate) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Command, Error> {
    if arguments.next().is_some_and(|name| name == "layer") {
        layer(CommandLine::new("layer", arguments).repeatable(&["region"]))
    } else {
        certs(CommandLine::new("certs", arguments).repeatable(&["partition"]).words(1))
    }
}

fn layer(mut line: CommandLine) -> Result<Command, Error> {
    let mut regions = Vec::new();
    while let Some(option) = line.option()? {
        match option.as_str() {
            "help" => return Ok(Command::Help(LAYER)),
            "region" => regions.push(line.value()?),
            _ => return Err(line.unknown_in(LAYER)),
        }
    }
    Ok(Command::Layer { regions })
}

fn certs(mut line: CommandLine) -> Result<Command, Error> {
    let mut sources = Vec::new();
    while let Some(option) = line.option()? {
        match option.as_str() {
            "help" => return Ok(Command::Help(CERTS)),
            "accept" => {}
            "partition" => {
                let name: String = line.value()?;
                let source = Source::of(&name).ok_or_else(|| {
                    line.error(format!("unknown partition {name:?}; use aws, aws-us-gov or aws-cn"))
                })?;
                sources.push(source);
            }
            _ => return Err(line.unknown_in(CERTS)),
        }
    }
    let accept = line.has("accept");
    let name = line.given_words().first().map_or("check", String::as_str);
    let (command, options) = match name {
        "check" => (Command::Check, &[][..]),
        "embed" => (Command::Embed, &[][..]),
        "list" => (Command::List, &[][..]),
        "snapshot" => (Command::Snapshot { accept }, &["accept"][..]),
        "update" => {
            if sources.is_empty() {
                sources.extend(Source::of("aws"));
            }
            (Command::Update { sources, accept }, &["accept", "partition"][..])
        }
        _ => return Err(line.error(format!("certs has no command {name:?}"))),
    };
    match ["accept", "partition"].iter().find(|it| line.has(it) && !options.contains(it)) {
        Some(option) => Err(line.error(format!("`certs {name}` takes no --{option}"))),
        None => Ok(command),
    }
}

#[cfg(test)]
mod tests {
    use super::{Command, parse};

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split(' ').map(Into::into)).map_err(|error| error.to_string())
    }

    #[test]
    fn certs_checks_unless_told_otherwise() {
        assert!(matches!(parsed("certs"), Ok(Command::Check)));
        assert!(matches!(parsed("certs list"), Ok(Command::List)));
        assert!(matches!(parsed("certs embed"), Ok(Command::Embed)));
        let accepted = parsed("certs --accept snapshot");
        assert!(matches!(accepted, Ok(Command::Snapshot { accept: true })));
        let Ok(Command::Update { sources, accept: false }) = parsed("certs update") else {
            panic!("an update")
        };
        assert_eq!(sources.len(), 1);
        let two = parsed("certs update --partition aws --partition aws-cn");
        assert!(matches!(two, Ok(Command::Update { sources, .. }) if sources.len() == 2));
        let layer = parsed("layer --region a --region b");
        assert!(matches!(layer, Ok(Command::Layer { regions }) if regions == ["a", "b"]));
    }

    #[test]
    fn a_wrong_option_is_refused() {
        for (line, says) in [
            ("certs list --accept", "`certs list` takes no --accept"),
            ("certs snapshot --partition aws", "`certs snapshot` takes no --partition"),
            ("certs renew", "certs has no command \"renew\""),
            ("certs update --partition mars", "unknown partition \"mars\""),
            ("certs list update", "unexpected argument \"update\""),
            (
                "layer --regions x",
                "unknown option --regions: did you mean --region?; see `cargo xtask layer --help`",
            ),
        ] {
            let error = parsed(line).err().unwrap_or_else(|| panic!("{line} was accepted"));
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
