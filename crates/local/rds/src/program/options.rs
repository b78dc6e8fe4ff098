//! The command line.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use command_line::{CommandLine, Error};
use local_rds::{Engine, Profile, Version};

use super::host;
use super::organization::Membership;
use super::permissions::Given;

/// The text of `--help`.
pub(crate) const HELP: &str = include_str!("help.txt");

/// What the command line asks for.
pub(crate) enum Request {
    Help,
    Version,
    /// A token for the engine whose variables the environment has, or for the only one.
    Token(Option<Engine>),
    Serve(Box<Options>),
}

/// The servers, and what to do with them.
#[derive(Default)]
pub(crate) struct Options {
    /// One for each engine.
    pub(crate) versions: Vec<Version>,
    pub(crate) profile: Profile,
    pub(crate) ports: PerEngine<u16>,
    pub(crate) setups: PerEngine<PathBuf>,
    pub(crate) also_named: Vec<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) clock_offset: i64,
    pub(crate) permissions: Given,
    pub(crate) logins_per_second: Option<u32>,
    pub(crate) json: bool,
    pub(crate) env: Option<PathBuf>,
    pub(crate) exec: Option<Vec<OsString>>,
}

impl Options {
    /// The engines of the servers, in their order.
    pub(crate) fn engines(&self) -> impl Iterator<Item = Engine> {
        self.versions.iter().map(Version::engine)
    }
}

/// A value for each engine that is named, and one for the others.
pub(crate) struct PerEngine<T> {
    named: BTreeMap<Engine, T>,
    others: Option<T>,
}

impl<T> Default for PerEngine<T> {
    fn default() -> Self {
        Self { named: BTreeMap::new(), others: None }
    }
}

impl<T> PerEngine<T> {
    pub(crate) fn of(&self, engine: Engine) -> Option<&T> {
        self.named.get(&engine).or(self.others.as_ref())
    }

    /// Whether the value of this engine is that of all that have none of their own.
    pub(crate) fn is_of_others(&self, engine: Engine) -> bool {
        !self.named.contains_key(&engine)
    }

    /// False if the engine, or the others, have a value.
    fn insert(&mut self, engine: Option<Engine>, value: T) -> bool {
        match engine {
            Some(engine) => self.named.insert(engine, value).is_none(),
            None => self.others.replace(value).is_none(),
        }
    }
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// It asks for something impossible: the error names the option.
pub(crate) fn read(arguments: impl Iterator<Item = OsString>) -> Result<Request, Error> {
    let mut arguments: Vec<OsString> = arguments.collect();
    // What follows belongs to the command.
    let exec = arguments.iter().position(|argument| argument == "--exec");
    let exec = exec.map(|at| arguments.split_off(at).split_off(1));
    let mut line = CommandLine::program("local-rds", arguments)
        .repeatable(&[
            "also-named",
            "engine",
            "policy",
            "port",
            "principal-tag",
            "service-control-policy",
            "session-policy",
            "setup",
        ])
        .words(usize::MAX);
    let mut options = Options { exec, ..Options::default() };
    let mut versions: Vec<String> = Vec::new();
    while let Some(option) = line.option()? {
        match option.as_str() {
            "help" => return Ok(Request::Help),
            "version" => return Ok(Request::Version),
            "engine" => versions.push(line.value()?),
            "profile" => options.profile = line.value()?,
            "setup" => setup(&mut line, &mut options)?,
            "port" => port(&mut line, &mut options)?,
            "also-named" => options.also_named.push(host(&mut line, &option)?),
            "endpoint" => options.endpoint = Some(host(&mut line, &option)?),
            "clock-offset" => options.clock_offset = clock_offset(&mut line)?,
            "policy" | "boundary" | "session-policy" | "service-control-policy" => {
                policy(&mut line, &option, &mut options.permissions)?;
            }
            "principal" => options.permissions.principal = Some(line.value()?),
            "organization" => options.permissions.organization = Some(line.value()?),
            "principal-tag" => principal_tag(&mut line, &mut options.permissions)?,
            "logins-per-second" => options.logins_per_second = Some(logins_per_second(&mut line)?),
            "json" => options.json = true,
            "env" => options.env = Some(line.os_value()?.into()),
            _ => return Err(line.unknown()),
        }
    }
    let words = line.given_words().to_vec();
    if let (Some(("token", engines)), []) =
        (words.split_first().map(|(first, rest)| (&**first, rest)), &versions[..])
    {
        return token(&line, engines);
    }
    for word in words.iter().chain(&versions) {
        let version: Version = word.parse().map_err(|error| line.error(error))?;
        let engine = version.engine();
        if options.engines().any(|other| other == engine) {
            return Err(line.error(format!("{engine} is given twice")));
        }
        options.versions.push(version);
    }
    if options.versions.is_empty() {
        options.versions = Engine::ALL.map(Version::from).to_vec();
    }
    check(&line, &options)?;
    Ok(Request::Serve(Box::new(options)))
}

fn engine(line: &CommandLine, word: &str) -> Result<Engine, Error> {
    word.parse().map_err(|error| line.error(error))
}

fn token(line: &CommandLine, engines: &[String]) -> Result<Request, Error> {
    match engines {
        [] => Ok(Request::Token(None)),
        [word] => Ok(Request::Token(Some(engine(line, word)?))),
        _ => Err(line.error("a token is for one engine")),
    }
}

fn host(line: &mut CommandLine, option: &str) -> Result<String, Error> {
    let name: String = line.value()?;
    match host::check(&name) {
        Ok(()) => Ok(name),
        Err(why) => Err(line.error(format!("--{option}: {why}"))),
    }
}

fn policy(line: &mut CommandLine, option: &str, given: &mut Given) -> Result<(), Error> {
    let file = line.os_value()?.into();
    match option {
        "policy" => given.policies.push(file),
        "boundary" => given.boundary = Some(file),
        "session-policy" => given.session.push(file),
        _ => given.service_control.push(file),
    }
    Ok(())
}

/// `--principal-tag KEY=VALUE`.
fn principal_tag(line: &mut CommandLine, given: &mut Given) -> Result<(), Error> {
    let text: String = line.value()?;
    let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
        return Err(line.error(format!("--principal-tag: {text:?} is not of the form KEY=VALUE")));
    };
    // Keys differ by more than their case.
    if given.tags.keys().any(|known| known.eq_ignore_ascii_case(key)) {
        return Err(line.error(format!("--principal-tag {key} is given twice")));
    }
    given.tags.insert(key.to_owned(), value.to_owned());
    Ok(())
}

fn clock_offset(line: &mut CommandLine) -> Result<i64, Error> {
    let value: String = line.value()?;
    value.parse().map_err(|_| {
        line.error(format!(
            "--clock-offset: {value:?} is no number of seconds, such as 1000 or -60"
        ))
    })
}

fn logins_per_second(line: &mut CommandLine) -> Result<u32, Error> {
    let value: String = line.value()?;
    value.parse().ok().filter(|&number| number != 0).ok_or_else(|| {
        line.error(format!("--logins-per-second: {value:?} is no number of logins, from 1"))
    })
}

/// `--setup FILE` or `--setup ENGINE=FILE`.
fn setup(line: &mut CommandLine, options: &mut Options) -> Result<(), Error> {
    let value = line.os_value()?;
    let bytes = value.as_bytes();
    let named = bytes.iter().position(|&byte| byte == b'=').and_then(|at| {
        let engine = std::str::from_utf8(&bytes[..at]).ok()?.parse().ok()?;
        Some((engine, OsString::from_vec(bytes[at + 1..].to_vec())))
    });
    // A file's name may have the character too.
    let word = value.to_str().and_then(|text| text.split_once('=')).map(|(word, _)| word);
    if let (None, Some(word)) = (&named, word)
        && !word.contains('/')
        && !Path::new(&value).exists()
    {
        let file = value.display();
        return Err(line.error(format!(
            "--setup: {word:?} is no engine: use mysql, mariadb or postgres; and there is no file {file}"
        )));
    }
    let (engine, file) = named.map_or((None, value.clone()), |(engine, file)| (Some(engine), file));
    if options.setups.insert(engine, file.into()) {
        return Ok(());
    }
    Err(line.error(format!("--setup {} is given twice", engine.map_or("FILE", Engine::name))))
}

/// `--port PORT` or `--port ENGINE=PORT`.
fn port(line: &mut CommandLine, options: &mut Options) -> Result<(), Error> {
    let value: String = line.value()?;
    let (named, number) = match value.split_once('=') {
        Some((word, number)) => (Some(engine(line, word)?), number),
        None => (None, &*value),
    };
    let number: u16 = number.parse().ok().filter(|&number| number != 0).ok_or_else(|| {
        line.error(format!("--port: {number:?} is not a port, which is a number from 1 to 65535"))
    })?;
    if options.ports.insert(named, number) {
        return Ok(());
    }
    Err(line.error(format!("--port {} is given twice", named.map_or("PORT", Engine::name))))
}

/// What single options cannot tell.
fn check(line: &CommandLine, options: &Options) -> Result<(), Error> {
    let engines: Vec<_> = options.engines().collect();
    if let (Some(_), [first, _, ..]) = (&options.ports.others, &engines[..]) {
        return Err(line.error(format!(
            "one --port for {} engines: use --port {first}=PORT, and so on",
            engines.len()
        )));
    }
    let mut ports = BTreeMap::new();
    for (engine, port) in &options.ports.named {
        if let Some(other) = ports.insert(port, engine) {
            return Err(line.error(format!("--port: {other} and {engine} cannot both have {port}")));
        }
    }
    let named = options.ports.named.keys().map(|engine| ("port", engine));
    let named = named.chain(options.setups.named.keys().map(|engine| ("setup", engine)));
    for (option, engine) in named {
        if !engines.contains(engine) {
            return Err(line.error(format!("--{option}: {engine} is not started")));
        }
    }
    let permissions = &options.permissions;
    if permissions.organization == Some(Membership::None) && !permissions.service_control.is_empty()
    {
        return Err(line.error(
            "--organization none and --service-control-policy exclude each other, because such a \
             policy is an organization's",
        ));
    }
    match &options.exec {
        Some(command) if command.is_empty() => Err(line.error("--exec needs a command")),
        Some(_) if options.json => Err(line.error(
            "--json and --exec exclude each other, because the output is the command's; use --env",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{HELP, Options, Request, read};
    use local_rds::{Engine, Version};

    fn options(line: &str) -> Result<Options, String> {
        match read(line.split_whitespace().map(Into::into)) {
            Ok(Request::Serve(options)) => Ok(*options),
            Ok(_) => panic!("{line} asks for no servers"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_value_is_for_one_engine_or_for_the_others() {
        let line = "mysql postgres --setup ./all=1.sql --setup postgres=p.sql --port mysql=3307";
        let options = options(line).unwrap();
        let setup = |engine| options.setups.of(engine).unwrap().to_str().unwrap();
        assert_eq!([setup(Engine::MySql), setup(Engine::Postgres)], ["./all=1.sql", "p.sql"]);
        assert_eq!(options.ports.of(Engine::MySql), Some(&3307));
        assert_eq!(options.ports.of(Engine::Postgres), None);
    }

    #[test]
    fn what_follows_exec_is_the_commands() {
        let options = options("--exec sh --json --exec").unwrap();
        assert!(!options.json);
        assert!(options.engines().eq(Engine::ALL));
        assert_eq!(options.exec.unwrap(), ["sh", "--json", "--exec"]);
    }

    #[test]
    fn the_help_lists_every_version() {
        let words: Vec<_> = HELP.split_whitespace().collect();
        for engine in Engine::ALL {
            let list = format!("{engine} {}", Version::list(engine));
            assert!(words.join(" ").contains(&list), "{list}");
        }
    }

    #[test]
    fn an_engine_may_have_a_version() {
        let options = options("postgres@17 --engine mysql@8.0.36 --port mysql=3307").unwrap();
        let versions: Vec<_> = options.versions.iter().map(ToString::to_string).collect();
        assert_eq!(versions, ["postgres@17", "mysql@8.0.36"]);
    }

    #[test]
    fn an_impossible_line_is_refused() {
        for (line, says) in [
            ("oracle", "use mysql, mariadb or postgres"),
            ("mysql mysql", "mysql is given twice"),
            ("mysql@8.0 --engine mysql@8.4", "mysql is given twice"),
            ("postgres@new", "\"new\" is no version; the versions of postgres are 14, 15, 16, 17"),
            ("--engine oracle", "use mysql, mariadb or postgres"),
            ("--profile tidy", "use rds or untidy"),
            ("--port 3307", "one --port for 3 engines: use --port mysql=PORT"),
            ("mysql --port postgres=5433", "--port: postgres is not started"),
            ("mysql --port 0", "\"0\" is not a port"),
            ("mysql --port mysql=1 --port mysql=2", "--port mysql is given twice"),
            ("mysql --setup a --setup b", "--setup FILE is given twice"),
            ("mysql --setup postgres=a", "--setup: postgres is not started"),
            (
                "mysql --port mysql=3307 --port postgres=3307",
                "mysql and postgres cannot both have 3307",
            ),
            (
                "mysql --setup oracle=a.sql",
                "--setup: \"oracle\" is no engine: use mysql, mariadb or",
            ),
            ("--clock-offset soon", "--clock-offset: \"soon\" is no number of seconds"),
            ("--logins-per-second 0", "--logins-per-second: \"0\" is no number of logins, from 1"),
            ("--logins-per-second x", "--logins-per-second: \"x\" is no number"),
            (
                "--endpoint localhost:5432",
                "--endpoint: \"localhost:5432\" is not the name of a host",
            ),
            ("--also-named ::1", "--also-named: ::1 is not where the servers listen"),
            (
                "--principal ann",
                "--principal: \"ann\" is not the ARN of a user or role, such as arn:",
            ),
            ("--principal-tag team", "--principal-tag: \"team\" is not of the form KEY=VALUE"),
            ("--principal-tag =x", "is not of the form KEY=VALUE"),
            ("--principal-tag a=1 --principal-tag A=2", "--principal-tag A is given twice"),
            ("--boundary a --boundary b", "--boundary is given twice"),
            (
                "--organization acme",
                "--organization: \"acme\" is neither an organization, such as o-",
            ),
            (
                "--organization none --service-control-policy a",
                "--organization none and --service-control-policy exclude each other",
            ),
            ("--json --json", "--json is given twice"),
            ("--exec", "--exec needs a command"),
            ("--json --exec true", "use --env"),
            ("token mysql postgres", "a token is for one engine"),
            ("--prot 1", "unknown option --prot; see `local-rds --help`"),
        ] {
            let error = options(line).err().unwrap_or_else(|| panic!("{line} is accepted"));
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
