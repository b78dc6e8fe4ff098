//! The command lines of `cargo xtask deploy`, `destroy` and `user`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use aws_cli::Target;
use command_line::{CommandLine, Error};
use deployment::user::User;
use deployment::{Account, Deploy, Destroy, Failure, Given, Statements};
use packaging::Architecture;

const DEPLOY: &str = include_str!("help/deploy.txt");
const DESTROY: &str = include_str!("help/destroy.txt");
const USER: &str = include_str!("help/user.txt");

/// The default stack.
const STACK: &str = "rds-iam-lambda";

/// What the command line asks for.
pub(crate) enum Command {
    Help(&'static str),
    Deploy { deploy: Box<Deploy>, account: Account, json: bool },
    Destroy { destroy: Destroy, account: Account, json: bool },
    User { user: User, account: Account },
}

/// Reads the arguments: the command's name, and those after it.
pub(crate) fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Command, Failure> {
    let command = arguments.next().unwrap_or_default();
    match command.to_str() {
        Some("deploy") => deploy(CommandLine::new("deploy", arguments).repeatable(&["parameter"])),
        Some("destroy") => destroy(CommandLine::new("destroy", arguments)),
        Some("user") => user(CommandLine::new("user", arguments)),
        _ => Err("the commands are deploy, destroy and user".into()),
    }
}

/// The template's parameters that have options.
const PARAMETERS: [(&str, &str); 3] = [
    ("connect-to", "ConnectTo"),
    ("ca-bundle", "CaBundle"),
    ("permissions-boundary", "PermissionsBoundary"),
];

/// Options of `deploy` for the one schedule that there was.
const OF_THE_SCHEDULE: [&str; 3] = ["schedule", "statement", "no-schedule"];

/// A command line that was read.
struct Options {
    line: CommandLine,
    target: Option<Target>,
    values: BTreeMap<String, String>,
    parameters: Vec<(String, String)>,
}

impl Options {
    /// Reads the options `values`, which have a value each, and `switches`. `None` when help was asked
    /// for.
    fn read(
        mut line: CommandLine,
        values: &[&str],
        switches: &[&str],
    ) -> Result<Option<Self>, Error> {
        let (mut target, mut read, mut parameters) = (None, BTreeMap::new(), Vec::new());
        while let Some(option) = line.option()? {
            if option == "help" {
                return Ok(None);
            }
            if switches.contains(&option.as_str()) {
                continue;
            }
            if OF_THE_SCHEDULE.contains(&option.as_str()) && values.contains(&"statements") {
                return Err(line.error(format!(
                    "--{option} is no option: write `-- schedule: rate(5 minutes)` at the top of the \
                     statement's file, or nothing for no schedule"
                )));
            }
            if !values.contains(&option.as_str()) {
                let known = values.iter().chain(switches).map(|option| format!("--{option} "));
                return Err(line.unknown_in(&known.collect::<String>()));
            }
            let value: String = line.value()?;
            let set = Target::set(&mut target, &option, &value);
            if set.map_err(|message| line.error(message))? {
                continue;
            }
            let parameter = PARAMETERS.iter().find(|(name, _)| *name == option);
            if let Some((_, parameter)) = parameter {
                parameters.push(((*parameter).to_owned(), value));
            } else if option == "parameter" {
                let pair = value.split_once('=');
                let (name, value) =
                    pair.ok_or_else(|| line.error("--parameter needs NAME=VALUE"))?;
                parameters.push((name.to_owned(), value.to_owned()));
            } else {
                read.insert(option, value);
            }
        }
        Ok(Some(Self { line, target, values: read, parameters }))
    }

    fn value(&self, option: &str) -> Option<String> {
        self.values.get(option).cloned()
    }

    fn required(&self, option: &str, what: &str) -> Result<String, Error> {
        self.value(option).ok_or_else(|| self.line.error(format!("--{option} is missing: {what}")))
    }

    fn parsed<T: std::str::FromStr>(&self, option: &str) -> Result<Option<T>, Error>
    where
        T::Err: std::fmt::Display,
    {
        let value = self.values.get(option).map(|value| value.parse()).transpose();
        value.map_err(|error| self.line.error(format!("--{option}: {error}")))
    }

    fn has(&self, switch: &str) -> bool {
        self.line.has(switch)
    }

    fn account(&self) -> Account {
        Account {
            region: self.value("region"),
            profile: self.value("profile"),
            ..Account::default()
        }
    }

    /// `a,b` as two.
    fn list(&self, option: &str) -> Vec<String> {
        let value = self.value(option).unwrap_or_default();
        let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }
}

fn deploy(line: CommandLine) -> Result<Command, Failure> {
    let values = [
        &["db-instance", "db-cluster", "db-proxy", "db-user", "db-name", "engine", "endpoint"][..],
        &["port", "resource-id", "subnets", "security-groups", "stack-name", "region", "profile"],
        &["statements", "function", "arch", "s3-bucket", "connect-to", "ca-bundle", "parameter"],
        &["permissions-boundary", "trust"],
    ]
    .concat();
    let switches = [
        &["no-vpc", "ipv6", "reader", "enable-iam-auth", "no-build", "dry-run", "yes"][..],
        &["json"],
    ]
    .concat();
    let Some(mut options) = Options::read(line, &values, &switches)? else {
        return Ok(Command::Help(DEPLOY));
    };
    let statements = match (options.has("no-build"), options.value("statements")) {
        (false, None) => Statements::Workspace,
        (false, Some(folder)) => Statements::Folder(folder.into()),
        (true, None) => Statements::LastBuild,
        (true, Some(_)) => {
            let why =
                "--no-build deploys the last build with its own statements; leave out --statements";
            return Err(options.line.error(why).into());
        }
    };
    let given = Given {
        engine: options.parsed("engine")?,
        is_aurora: options.value("engine").is_some_and(|engine| engine.starts_with("aurora-")),
        endpoint: options.value("endpoint"),
        port: options.parsed("port")?,
        resource_ids: options.list("resource-id"),
        subnets: options.list("subnets"),
        security_groups: options.list("security-groups"),
        no_vpc: options.has("no-vpc"),
        trust: options.parsed("trust")?,
        reader: options.has("reader"),
    };
    if options.has("ipv6") {
        let ipv6 = ("Ipv6AllowedForDualStack".to_owned(), "true".to_owned());
        if options.parameters.iter().any(|(name, _)| *name == ipv6.0) {
            let why = "--ipv6 and --parameter Ipv6AllowedForDualStack: one is enough";
            return Err(options.line.error(why).into());
        }
        options.parameters.push(ipv6);
    }
    let architecture = options.parsed("arch")?.or_else(Architecture::of_this_machine);
    let user = "the user to log in as, which `cargo xtask user` creates";
    let deploy = Deploy {
        given,
        statements,
        function: options.value("function"),
        user: options.required("db-user", user)?,
        database: options.required("db-name", "the database")?,
        stack: options.value("stack-name").unwrap_or_else(|| STACK.to_owned()),
        architecture: architecture.ok_or("--arch is missing: arm64 or x86_64")?,
        enable_iam_auth: options.has("enable-iam-auth"),
        bucket: options.value("s3-bucket"),
        yes: options.has("yes"),
        dry_run: options.has("dry-run"),
        target: options.target.take(),
        parameters: std::mem::take(&mut options.parameters),
    };
    let (account, json) = (options.account(), options.has("json"));
    Ok(Command::Deploy { deploy: Box::new(deploy), account, json })
}

fn destroy(line: CommandLine) -> Result<Command, Failure> {
    let values = ["stack-name", "region", "profile"];
    let Some(options) = Options::read(line, &values, &["yes", "json"])? else {
        return Ok(Command::Help(DESTROY));
    };
    // There is no default for what is deleted.
    let stack = options.required("stack-name", "the stack to delete")?;
    let destroy = Destroy { stack, yes: options.has("yes") };
    Ok(Command::Destroy { destroy, account: options.account(), json: options.has("json") })
}

fn user(line: CommandLine) -> Result<Command, Failure> {
    let values = [
        &["db-instance", "db-cluster", "db-proxy", "engine", "user", "database", "schema"][..],
        &["grant", "region", "profile"],
    ]
    .concat();
    let Some(options) = Options::read(line, &values, &[])? else {
        return Ok(Command::Help(USER));
    };
    let user = User {
        engine: options.parsed("engine")?,
        target: options.target.clone(),
        name: options.required("user", "the name of the user to create")?,
        database: options.required("database", "the user's database")?,
        schema: options.value("schema").unwrap_or_else(|| "public".to_owned()),
        grants: options.value("grant").unwrap_or_else(|| "SELECT".to_owned()),
    };
    Ok(Command::User { user, account: options.account() })
}

#[cfg(test)]
mod tests {
    use super::{Command, Statements, parse};

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(Into::into)).map_err(|error| error.to_string())
    }

    #[test]
    fn options_become_parameters() {
        let line = "deploy --db-proxy p --db-user u --db-name d --engine aurora-mysql --port 3307 --ipv6 \
                    --function mysql-a --statements sql --connect-to c:1 --parameter A=1 \
                    --parameter B=2=3 --json";
        let Ok(Command::Deploy { deploy, json: true, .. }) = parsed(line) else { panic!("{line}") };
        assert_eq!(deploy.target, Some(aws_cli::Target::Proxy("p".into())));
        assert_eq!(deploy.given.engine, Some(engine::Engine::MySql));
        assert_eq!(deploy.given.port, Some(3307));
        let parameters: Vec<_> =
            deploy.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(parameters, ["ConnectTo=c:1", "A=1", "B=2=3", "Ipv6AllowedForDualStack=true"]);
        assert_eq!(deploy.function.as_deref(), Some("mysql-a"));
        assert!(matches!(deploy.statements, Statements::Folder(folder) if folder.ends_with("sql")));
    }

    #[test]
    fn a_wrong_command_line_is_refused() {
        for (line, says) in [
            ("deploy --db-nmae d", "unknown option --db-nmae: did you mean --db-name?; see"),
            ("deploy --db-user u", "--db-name is missing: the database; see"),
            (
                "deploy --schedule a",
                "--schedule is no option: write `-- schedule: rate(5 minutes)`",
            ),
            ("deploy --no-schedule --db-user u", "--no-schedule is no option: write `-- schedule"),
            ("deploy --statement=a", "--statement is no option: write `-- schedule"),
            ("destroy --schedule a", "unknown option --schedule"),
            ("deploy --statements a --statements b", "--statements is given twice"),
            ("deploy --no-build --statements a --db-user u", "leave out --statements"),
            ("deploy --db-instance a --db-cluster b", "name one database"),
            (
                "deploy --db-user u --db-name d --ipv6 --parameter Ipv6AllowedForDualStack=false",
                "one is enough",
            ),
            ("deploy --parameter A", "--parameter needs NAME=VALUE"),
            ("deploy --port x", "--port: invalid digit"),
            ("deploy --engine oracle --db-user u", "--engine: unknown engine \"oracle\""),
            ("destroy", "--stack-name is missing: the stack to delete"),
            ("destroy --json", "--stack-name is missing"),
            ("user --yes", "unknown option --yes; see `cargo xtask user --help`"),
        ] {
            let error = parsed(line).err().unwrap_or_else(|| panic!("{line} was accepted"));
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
