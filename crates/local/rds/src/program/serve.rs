//! Starts the servers, and serves until a signal or until the command of `--exec` ends.

use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::iter;
use std::path::Path;
use std::process::{Child, ExitCode};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use libc::c_int;
use local_rds::iam::AccessKey;
use local_rds::{Builder, Engine, Error, Server, Version};

use super::env_file::EnvFile;
use super::options::Options;
use super::signals::{on_signals, pass_on};
use super::{Failure, command, document, guide};

const ITEMS: &str = "CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL);
INSERT INTO items VALUES (1, 'first'), (2, 'second'), (3, 'third');";

/// What stops the servers.
const STOP: [c_int; 2] = [libc::SIGINT, libc::SIGTERM];
/// What a command of `--exec` is sent too.
const PASSED_ON: [c_int; 6] =
    [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2];
/// What may be wrong with a command that fails without a login.
const NO_LOGIN: &str = "no login reached a server: does the program dial DB_CONNECT_TO, as the user \
                        DB_USER? For one that dials DB_HOST and DB_PORT, start with --endpoint localhost";
/// How many refused logins are shown when a command fails.
const SHOWN_REFUSALS: usize = 10;

/// What happens while the program runs.
enum Event {
    Progress(String),
    Started(Engine, Box<Result<Server, Error>>),
    Signal(c_int),
}

/// Runs the program, and returns its exit code. `path` is where its user's shell finds programs.
///
/// # Errors
/// A file cannot be read or written, or a server cannot be started.
pub(crate) fn serve(options: &Options, path: Option<&OsStr>) -> Result<ExitCode, Failure> {
    if let Some(line) = &options.exec
        && !command::exists(&line[0], path)
    {
        return Ok(not_run(&line[0], &ErrorKind::NotFound.into()));
    }
    let (sender, events) = mpsc::channel();
    let signals = sender.clone();
    let caught = if options.exec.is_some() {
        [&PASSED_ON[..], &[libc::SIGCHLD]].concat()
    } else {
        STOP.to_vec()
    };
    // The receiver is gone once the program ends, here and below.
    on_signals(&caught, move |signal| drop(signals.send(Event::Signal(signal))))?;
    options.env.as_deref().map(EnvFile::prepare).transpose()?;
    let builders = builders(options)?;
    let permissions = options.permissions.read()?;
    for (engine, builder) in options.engines().zip(builders) {
        start(engine, builder, sender.clone());
    }

    let token = guide::token_command(path);
    let ready = |server: &Server| {
        server.iam().set_clock_offset(options.clock_offset);
        server.iam().set_connection_cap(options.logins_per_second);
        permissions.enforce(server)?;
        if !options.json && options.exec.is_none() {
            command_line::print(&guide::server(server, &token));
            command_line::print("");
        }
        Ok(())
    };
    let mut servers = match started(&events, options, ready)? {
        Ok(servers) => servers,
        Err(signal) if options.exec.is_some() => return Ok(ended_by(signal)),
        Err(_) => return Ok(ExitCode::SUCCESS),
    };
    servers.sort_by_key(|server| options.engines().position(|engine| engine == server.engine()));
    let _file = options.env.as_deref().map(|path| EnvFile::write(path, &servers)).transpose()?;
    if let Some(line) = &options.exec {
        return run(line, &servers, &events);
    }
    command_line::print(&match options.json {
        true => document::document(&servers),
        false => guide::END.to_owned(),
    });
    while !matches!(events.recv()?, Event::Signal(_)) {}
    Ok(ExitCode::SUCCESS)
}

/// Waits for all servers, and calls `ready` with each; or the signal that comes first. Servers that are
/// still starting then end with this process.
fn started(
    events: &Receiver<Event>,
    options: &Options,
    ready: impl Fn(&Server) -> Result<(), Failure>,
) -> Result<Result<Vec<Server>, c_int>, Failure> {
    let mut servers = Vec::new();
    while servers.len() < options.versions.len() {
        match events.recv()? {
            Event::Progress(line) => eprintln!("{line}"),
            Event::Started(engine, server) => {
                let server = (*server).map_err(|error| not_started(engine, error, options))?;
                ready(&server)?;
                servers.push(server);
            }
            Event::Signal(libc::SIGCHLD) => {}
            Event::Signal(signal) => return Ok(Err(signal)),
        }
    }
    Ok(Ok(servers))
}

/// Why a server is not started. A mistake in the file of `--setup` is told with its place.
fn not_started(engine: Engine, error: Error, options: &Options) -> Failure {
    let (Some(line), Some(file)) = (error.setup_line(), options.setups.of(engine)) else {
        return error.into();
    };
    let said = iter::successors(error.source(), |&error| error.source()).last();
    let said = said.map(ToString::to_string).unwrap_or_default();
    let several = options.versions.len() > 1 && options.setups.is_of_others(engine);
    let hint = match several {
        true => format!("; give this engine a file of its own: --setup {engine}=FILE"),
        false => String::new(),
    };
    format!("{}:{line}: {engine}: {said}{hint}", file.display()).into()
}

/// Runs the command of `--exec` to its end.
fn run(
    line: &[OsString],
    servers: &[Server],
    events: &Receiver<Event>,
) -> Result<ExitCode, Failure> {
    let child = match command::start(line, &document::environment(servers)) {
        Ok(child) => child,
        Err(error) => return Ok(not_run(&line[0], &error)),
    };
    let code = wait(child, events)?;
    if code != 0 {
        show_refusals(servers);
        if !servers.iter().any(has_seen_a_login) {
            hint(NO_LOGIN);
        }
        hint_at_engines(&line[0]);
    }
    Ok(ExitCode::from(code))
}

/// Says that the command cannot be run.
fn not_run(command: &OsStr, error: &io::Error) -> ExitCode {
    eprintln!("local-rds: cannot run {}: {error}", command.display());
    hint_at_engines(command);
    ExitCode::from(command::NOT_FOUND)
}

/// An engine's name after `--exec` may be a slip: the rest of the line is the command.
fn hint_at_engines(command: &OsStr) {
    if let Some(engine) = command.to_str().and_then(|word| word.parse::<Version>().ok()) {
        hint(&format!("{engine} is the command here; engines stand before --exec"));
    }
}

fn hint(text: &str) {
    eprintln!("local-rds: hint: {text}");
}

/// Whether the verifier was asked about a login. Each is a line of its log.
fn has_seen_a_login(server: &Server) -> bool {
    // The log is there from the start.
    fs::metadata(server.iam().log_path()).is_ok_and(|log| log.len() > 0)
}

/// The servers to start. They know the same access key.
fn builders(options: &Options) -> Result<Vec<Builder>, Failure> {
    let key = AccessKey::random();
    let builder = |version: &Version| {
        let engine = version.engine();
        let setup = match options.setups.of(engine) {
            Some(path) => read_setup(path)?,
            None => ITEMS.to_owned(),
        };
        let mut builder = Server::builder(version.clone())
            .profile(options.profile)
            .setup(setup)
            .access_key(key.clone());
        if let Some(port) = options.ports.of(engine) {
            builder = builder.port(*port);
        }
        if let Some(name) = &options.endpoint {
            builder = builder.dialled_as(name);
        }
        Ok(options.also_named.iter().fold(builder, |builder, name| builder.also_named(name)))
    };
    options.versions.iter().map(builder).collect()
}

/// Starts a server in its own thread.
fn start(engine: Engine, builder: Builder, sender: Sender<Event>) {
    let progress = sender.clone();
    thread::spawn(move || {
        let report = move |line: &str| drop(progress.send(Event::Progress(line.to_owned())));
        let server = builder.progress(report).start();
        drop(sender.send(Event::Started(engine, Box::new(server))));
    });
}

/// Passes signals on to the command until it ends, and returns its exit code.
fn wait(mut child: Child, events: &Receiver<Event>) -> Result<u8, Failure> {
    loop {
        // It may have ended before the first event.
        if let Some(status) = child.try_wait()? {
            return Ok(command::exit_code(status));
        }
        match events.recv()? {
            Event::Signal(signal) if signal != libc::SIGCHLD => pass_on(signal, child.id()),
            _ => {}
        }
    }
}

/// A command that fails may have been refused, which a client is not told the reason of.
fn show_refusals(servers: &[Server]) {
    for server in servers {
        let refusals = server.iam().refusals();
        let newest = &refusals[refusals.len().saturating_sub(SHOWN_REFUSALS)..];
        for refusal in newest {
            eprintln!("local-rds: {}: {refusal}", server.engine());
        }
    }
}

fn ended_by(signal: c_int) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
}

fn read_setup(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path)
        .map_err(|error| format!("--setup: cannot read {}: {error}", path.display()).into())
}
