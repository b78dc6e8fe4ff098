//! The command line. `cargo xtask certs --help` and `cargo xtask layer --help` describe it.

use lexopt::prelude::*;
use rds_ca::{Failure, Source};
use std::path::PathBuf;

/// What to do.
pub(crate) enum Command {
    Check,
    List,
    Snapshot { accept: bool },
    Update { sources: Vec<Source>, accept: bool },
    Layer { regions: Vec<String>, to: PathBuf },
}

/// Reads the folder of the certificates, and what to do with it.
pub(crate) fn parse() -> Result<(PathBuf, Command), Failure> {
    let mut parser = lexopt::Parser::from_env();
    let (mut words, mut regions, mut sources) = (Vec::new(), Vec::new(), Vec::new());
    let mut accept = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) => words.push(word),
            Long("accept") => accept = true,
            Long("region") => regions.push(parser.value()?.string()?),
            Long("partition") => {
                let name = parser.value()?.string()?;
                sources.push(Source::of(&name).ok_or_else(|| {
                    format!("no partition {name:?}: aws, aws-us-gov and aws-cn have bundles")
                })?);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    let (folder, command) = match words[..] {
        [folder, "check"] => (folder, Command::Check),
        [folder, "list"] => (folder, Command::List),
        [folder, "snapshot"] => (folder, Command::Snapshot { accept }),
        [folder, "update"] => {
            if sources.is_empty() {
                sources.extend(Source::of("aws"));
            }
            (folder, Command::Update { sources, accept })
        }
        [folder, "layer", to] => (folder, Command::Layer { regions, to: to.into() }),
        _ => return Err("use `cargo xtask certs` or `cargo xtask layer`".into()),
    };
    Ok((folder.into(), command))
}
