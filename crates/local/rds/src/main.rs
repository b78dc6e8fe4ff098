//! The program `local-rds`: local servers for any client, until Ctrl-C.

#![allow(clippy::print_stdout, clippy::print_stderr)] // it talks to a person

use std::error::Error as StdError;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use iam_auth::{AuthToken, Endpoint};
use lexopt::prelude::{Long, Short, Value, ValueExt};
use local_rds::iam::AccessKey;
use local_rds::{Engine, Error, Profile, Server};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};

const HELP: &str = "\
Start real database servers that accept IAM tokens, as Amazon RDS does.

Usage: local-rds [OPTIONS] [ENGINE...]

Starts MySQL, MariaDB and PostgreSQL servers, or the ENGINEs given (mysql,
mariadb, postgres), on free ports of 127.0.0.1. Like RDS with IAM database
authentication, they accept only a token, over TLS, that is signed for their
endpoint by an access key whose policy allows it. There is no AWS account: the
access key is generated and printed.

When a server is ready, the program prints how to connect with mysql or psql.
Ctrl-C stops the servers and removes their files. If the program is killed, the
servers end with it, and the next start removes their files.

Each server has a database, app, with a table, items, of three rows.

Options:
  --profile NAME  rds (default): an instance with default parameters. MySQL and
                  MariaDB are not strict (sql_mode is NO_ENGINE_SUBSTITUTION).
                  untidy: an instance with parameters that change a session
                  unless the client sets what it needs. On MySQL and MariaDB: no
                  autocommit, latin1 and others. On PostgreSQL: a role that is
                  read-only and has its own search_path
  --setup FILE    SQL to run in the database instead of creating the table. It
                  must suit every engine that is started
  -h, --help      Print this help

Files:
  ~/.cache/rds-iam-lambda
                  Private copies of servers, and initialised data. May be
                  removed when no server runs. With XDG_CACHE_HOME:
                  $XDG_CACHE_HOME/rds-iam-lambda. For root:
                  /var/cache/rds-iam-lambda
  /tmp/local-rds-*
                  One folder for each running server: its data, ca.pem,
                  server.log, and iam.log, which says why a login was refused.
                  With TMPDIR: there

Environment:
  LOCAL_RDS_MYSQLD, LOCAL_RDS_MARIADBD, LOCAL_RDS_POSTGRES
                  The path of a server program, or the word `private` to use a
                  private copy even if the system has a server. By default a
                  server on PATH or in the usual folders is used, else a private
                  copy, which is fetched through apt on Debian and Ubuntu. That
                  takes seconds, needs no root, and installs nothing

Exit codes:
  0  Ctrl-C or SIGTERM stopped the servers
  1  A server cannot be started
  2  The command line is wrong
";

const ITEMS: &str = "CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL);
INSERT INTO items VALUES (1, 'first'), (2, 'second'), (3, 'third');";

/// The command line.
struct Options {
    engines: Vec<Engine>,
    profile: Profile,
    setup: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("local-rds: {error}\nTry local-rds --help.");
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local-rds: {}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Parses the command line. None if it asks for help.
fn options() -> Result<Option<Options>, lexopt::Error> {
    let mut options = Options { engines: Vec::new(), profile: Profile::default(), setup: None };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(None),
            Long("profile") => options.profile = parser.value()?.parse()?,
            Long("setup") => options.setup = Some(parser.value()?.into()),
            Value(name) => options.engines.push(name.parse()?),
            _ => return Err(argument.unexpected()),
        }
    }
    if options.engines.is_empty() {
        options.engines = Engine::ALL.to_vec();
    }
    Ok(Some(options))
}

/// What happens while the program runs.
enum Event {
    Progress(String),
    Started(Box<Result<Server, Error>>),
    Stop,
}

fn serve(options: &Options) -> Result<(), Box<dyn StdError>> {
    let setup = match &options.setup {
        Some(path) => fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?,
        None => ITEMS.to_owned(),
    };
    let events = start(options, &setup)?;
    let key = AccessKey::random();
    let mut servers = Vec::new();
    for event in events {
        match event {
            Event::Progress(line) => eprintln!("{line}"),
            Event::Started(server) => {
                let server = (*server)?;
                server.iam().set_keys(vec![key.clone()]);
                print_server(&server, &key)?;
                servers.push(server);
                if servers.len() == options.engines.len() {
                    print_key(&key);
                }
            }
            Event::Stop => break,
        }
    }
    // Servers that are still starting end with this process.
    Ok(())
}

/// Starts all engines at once, each in its own thread.
fn start(options: &Options, setup: &str) -> Result<Receiver<Event>, Box<dyn StdError>> {
    let (sender, events) = mpsc::channel();
    let stopped = sender.clone();
    // The receiver is gone once the program ends, here and below.
    on_signal(move || drop(stopped.send(Event::Stop)))?;
    let profile = options.profile;
    for &engine in &options.engines {
        let setup = setup.to_owned();
        let sender = sender.clone();
        let progress = sender.clone();
        thread::spawn(move || {
            let server = Server::builder(engine)
                .profile(profile)
                .setup(setup)
                .progress(move |line| {
                    let _ = progress.send(Event::Progress(line.to_owned()));
                })
                .start();
            let _ = sender.send(Event::Started(Box::new(server)));
        });
    }
    Ok(events)
}

/// Catches Ctrl-C and SIGTERM, and calls `act` upon the first.
fn on_signal(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut interrupt, mut terminate) = {
        let _context = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        act();
    });
    Ok(())
}

fn print_server(server: &Server, key: &AccessKey) -> Result<(), iam_auth::Error> {
    let (host, port, user) = (server.host(), server.port(), server.user());
    let (address, database, region) = (server.address(), server.database(), server.region());
    let bundle = server.ca_bundle().display();
    println!("{} {} is listening on {address}", server.engine(), server.version());
    println!("  endpoint that tokens are signed for: {host}:{port}");
    println!("  log of logins: {}", server.iam().log_path().display());
    println!(
        "  TOKEN=$(aws rds generate-db-auth-token --hostname {host} --port {port} --username {user} --region {region})"
    );
    let token = fresh_token(server, key)?;
    println!("  or, valid for 15 minutes:\n  TOKEN='{}'", token.expose());
    match server.engine() {
        Engine::Postgres => println!(
            "  PGPASSWORD=$TOKEN psql \"host={host} hostaddr={} port={} dbname={database} user={user} sslmode=verify-full sslrootcert={bundle}\"\n",
            address.ip(),
            address.port(),
        ),
        // This client can dial only the name that it verifies.
        Engine::MySql | Engine::MariaDb => println!(
            "  MYSQL_PWD=$TOKEN mysql --host={} --port={} --user={user} --enable-cleartext-plugin --ssl-mode=VERIFY_CA --ssl-ca={bundle} {database}\n",
            address.ip(),
            address.port(),
        ),
    }
    Ok(())
}

fn print_key(key: &AccessKey) {
    println!("The access key that every server knows, for the AWS CLI:");
    println!("  export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}", key.id, key.secret);
    println!("  export AWS_SESSION_TOKEN={}\n", key.session_token.as_deref().unwrap_or_default());
    println!("Ctrl-C stops the servers.");
}

#[allow(clippy::disallowed_methods, reason = "the program's boundary: tokens are signed for now")]
fn fresh_token(server: &Server, key: &AccessKey) -> Result<AuthToken, iam_auth::Error> {
    let endpoint = Endpoint::parse(server.host(), server.port())?;
    let credentials = Credentials::new(
        key.id.clone(),
        key.secret.clone(),
        key.session_token.clone(),
        key.expires,
        "local-rds",
    );
    iam_auth::sign(&endpoint, server.user(), &credentials, SystemTime::now())
}

/// An error and its sources, on one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
