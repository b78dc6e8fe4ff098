//! The command lines of the three commands, which the texts in `flags/` describe.

use lexopt::prelude::*;
use std::ffi::OsString;

use aws_cli::{Engine, Target};
use deployment::user::User;
use deployment::{Account, Deploy, Destroy, Failure, Given};
use packaging::Architecture;

const DEPLOY: &str = include_str!("flags/deploy.txt");
const DESTROY: &str = include_str!("flags/destroy.txt");
const USER: &str = include_str!("flags/user.txt");

/// The stack, where none is named.
const STACK: &str = "rds-iam-lambda";

/// What the command line asks for.
pub(crate) enum Command {
    Help(&'static str),
    Deploy { deploy: Deploy, account: Account, json: bool },
    Destroy { destroy: Destroy, account: Account, json: bool },
    User { user: User, account: Account },
}

/// Reads the command line.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Failure> {
    let mut parser = lexopt::Parser::from_args(arguments);
    match parser.next()? {
        Some(Value(command)) if command == "deploy" => deploy(parser),
        Some(Value(command)) if command == "destroy" => destroy(parser),
        Some(Value(command)) if command == "user" => user(parser),
        _ => Err("the commands are: deploy, destroy, user".into()),
    }
}

/// Options that have a value each, as they are read.
#[derive(Default)]
struct Read {
    target: Option<Target>,
    values: Vec<(&'static str, String)>,
    switches: Vec<&'static str>,
    parameters: Vec<(String, String)>,
}

/// The template's parameters that have an option of their own.
const PARAMETERS: [(&str, &str); 5] = [
    ("schedule", "Schedule"),
    ("statement", "ScheduledStatement"),
    ("connect-to", "ConnectTo"),
    ("ca-bundle", "CaBundle"),
    ("permissions-boundary", "PermissionsBoundary"),
];

impl Read {
    /// Reads everything. `None` when help was asked for.
    fn all(
        mut parser: lexopt::Parser,
        values: &[&'static str],
        switches: &[&'static str],
    ) -> Result<Option<Self>, Failure> {
        let mut read = Self::default();
        while let Some(argument) = parser.next()? {
            let option = match argument {
                Short('h') | Long("help") => return Ok(None),
                Long(option) => option.to_owned(),
                other => return Err(other.unexpected().into()),
            };
            let known =
                |options: &[&'static str]| options.iter().find(|known| **known == option).copied();
            if let Some(switch) = known(switches) {
                read.switches.push(switch);
            } else if let Some(name) = known(values) {
                let value = parser.value()?.string()?;
                read.take(name, value)?;
            } else {
                return Err(format!("there is no option --{option}").into());
            }
        }
        Ok(Some(read))
    }

    fn take(&mut self, option: &'static str, value: String) -> Result<(), Failure> {
        if value.is_empty() {
            return Err(format!("--{option} has an empty value").into());
        }
        let target = match option {
            "db-instance" => Some(Target::Instance(value.clone())),
            "db-cluster" => Some(Target::Cluster(value.clone())),
            "db-proxy" => Some(Target::Proxy(value.clone())),
            _ => None,
        };
        if let Some(target) = target {
            if self.target.replace(target).is_some() {
                return Err("name one database: --db-instance, --db-cluster or --db-proxy".into());
            }
            return Ok(());
        }
        if option == "parameter" {
            let pair = value.split_once('=').ok_or("--parameter takes NAME=VALUE")?;
            self.parameters.push((pair.0.to_owned(), pair.1.to_owned()));
            return Ok(());
        }
        if let Some((_, parameter)) = PARAMETERS.iter().find(|(name, _)| *name == option) {
            self.parameters.push(((*parameter).to_owned(), value));
            return Ok(());
        }
        if self.values.iter().any(|(name, _)| *name == option) {
            return Err(format!("--{option} is given twice").into());
        }
        self.values.push((option, value));
        Ok(())
    }

    fn value(&self, option: &str) -> Option<String> {
        self.values.iter().find(|(name, _)| *name == option).map(|(_, value)| value.clone())
    }

    fn required(&self, option: &str, what: &str) -> Result<String, Failure> {
        self.value(option).ok_or_else(|| format!("--{option} is missing: {what}").into())
    }

    fn has(&self, switch: &str) -> bool {
        self.switches.contains(&switch)
    }

    fn account(&self) -> Account {
        Account {
            region: self.value("region"),
            profile: self.value("profile"),
            ..Account::default()
        }
    }

    fn stack(&self) -> String {
        self.value("stack-name").unwrap_or_else(|| STACK.to_owned())
    }

    fn engine(&self) -> Result<Option<Engine>, Failure> {
        self.value("engine").map(|name| Ok(Engine::named(&name)?)).transpose()
    }

    /// `a,b` as two.
    fn list(&self, option: &str) -> Vec<String> {
        let value = self.value(option).unwrap_or_default();
        let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }
}

fn deploy(parser: lexopt::Parser) -> Result<Command, Failure> {
    let values = [
        &["db-instance", "db-cluster", "db-proxy", "db-user", "db-name", "engine", "endpoint"][..],
        &["port", "resource-id", "subnets", "security-groups", "stack-name", "region", "profile"],
        &["arch", "s3-bucket", "schedule", "statement", "connect-to", "ca-bundle", "parameter"],
        &["permissions-boundary"],
    ]
    .concat();
    let switches = ["enable-iam-auth", "no-schedule", "no-build", "dry-run", "yes", "json"];
    let Some(mut read) = Read::all(parser, &values, &switches)? else {
        return Ok(Command::Help(DEPLOY));
    };
    if read.has("no-schedule") {
        read.parameters.push(("ScheduleState".to_owned(), "DISABLED".to_owned()));
    }
    let given = Given {
        engine: read.engine()?,
        endpoint: read.value("endpoint"),
        port: read
            .value("port")
            .map(|port| port.parse())
            .transpose()
            .map_err(|_| "--port takes a number to 65535")?,
        resource_id: read.value("resource-id"),
        subnets: read.list("subnets"),
        security_groups: read.list("security-groups"),
    };
    let deploy = Deploy {
        target: read.target.clone(),
        given,
        user: read.required("db-user", "the user to log in as; `cargo xtask user` makes one")?,
        database: read.required("db-name", "the database to use")?,
        stack: read.stack(),
        architecture: architecture(read.value("arch").as_deref())?,
        parameters: read.parameters.clone(),
        enable_iam_auth: read.has("enable-iam-auth"),
        bucket: read.value("s3-bucket"),
        prebuilt: read.has("no-build"),
        yes: read.has("yes"),
        dry_run: read.has("dry-run"),
    };
    Ok(Command::Deploy { deploy, account: read.account(), json: read.has("json") })
}

fn architecture(name: Option<&str>) -> Result<Architecture, Failure> {
    match name {
        Some(name) => Ok(name.parse()?),
        None => Architecture::of_this_machine()
            .ok_or_else(|| "name the architecture: --arch arm64 or x86_64".into()),
    }
}

fn destroy(parser: lexopt::Parser) -> Result<Command, Failure> {
    let values = ["stack-name", "region", "profile"];
    let Some(read) = Read::all(parser, &values, &["yes", "json"])? else {
        return Ok(Command::Help(DESTROY));
    };
    // What is removed is named; it is never the default.
    let stack = read.required("stack-name", "the stack to remove")?;
    let destroy = Destroy { stack, yes: read.has("yes") };
    Ok(Command::Destroy { destroy, account: read.account(), json: read.has("json") })
}

fn user(parser: lexopt::Parser) -> Result<Command, Failure> {
    let values = [
        &["db-instance", "db-cluster", "db-proxy", "engine", "user", "database", "schema"][..],
        &["grant", "region", "profile"],
    ]
    .concat();
    let Some(read) = Read::all(parser, &values, &[])? else {
        return Ok(Command::Help(USER));
    };
    let user = User {
        engine: read.engine()?,
        target: read.target.clone(),
        name: read.required("user", "the name of the user to make")?,
        database: read.required("database", "the database that the user works in")?,
        schema: read.value("schema").unwrap_or_else(|| "public".to_owned()),
        grants: read.value("grant").unwrap_or_else(|| "SELECT".to_owned()),
    };
    Ok(Command::User { user, account: read.account() })
}
