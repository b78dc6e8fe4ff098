//! The program `local-rds`: servers for one's own clients, until Ctrl-C.

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
local-rds - real database servers that accept IAM tokens, as Amazon RDS does

USAGE
    local-rds [--profile NAME] [--setup FILE] [ENGINE]...

DESCRIPTION
    Starts MySQL, MariaDB and PostgreSQL servers on free ports of 127.0.0.1, or those of the three
    that are named: mysql, mariadb, postgres. Like RDS with IAM database authentication they accept
    nothing but a token, over TLS, signed for their endpoint by an access key with a policy that
    allows it. There is no AWS account behind them: the access key is made up, and printed.

    When a server answers, the program prints how to reach it with mysql or psql. It runs until
    Ctrl-C, then stops the servers and removes everything they wrote. If it is killed, the servers
    end with it, and the next start removes what they wrote.

    Each server has a database, app, and in it a table, items, with three rows.

OPTIONS
    --profile NAME
        rds, the default: an instance whose owner has set nothing; MySQL and MariaDB are not
        strict (sql_mode is NO_ENGINE_SUBSTITUTION). Or untidy: one whose owner has set what changes
        a session unless the client states what it wants: on MySQL and MariaDB no autocommit, latin1
        and others, on PostgreSQL a role that is read-only and has a search_path of its own.
    --setup FILE
        SQL to run in the database in place of making the table. It must suit all the engines that
        are started.
    -h, --help
        Print this text.

FILES
    ~/.cache/rds-iam-lambda  ($XDG_CACHE_HOME/rds-iam-lambda; root: /var/cache/rds-iam-lambda)
        Private copies of servers, and initialised data. May be removed at any time when no server
        runs.
    /tmp/local-rds-*  ($TMPDIR)
        One folder for each running server: its data, ca.pem, server.log, and iam.log, which says
        why a login was refused.

ENVIRONMENT
    LOCAL_RDS_MYSQLD, LOCAL_RDS_MARIADBD, LOCAL_RDS_POSTGRES
        The server program to run; or the word private, to take a private copy even where the
        system has a server. Without it: one on PATH or in the usual folders, else a private copy,
        which is fetched through apt on Debian and Ubuntu. That takes seconds, needs no root, and
        installs nothing.

EXIT STATUS
    0 after Ctrl-C or SIGTERM, 1 if a server cannot be started, 2 for a wrong command line.
";

const ITEMS: &str = "CREATE TABLE items (id INT PRIMARY KEY, name VARCHAR(100) NOT NULL);
INSERT INTO items VALUES (1, 'first'), (2, 'second'), (3, 'third');";

/// What the command line asks for.
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

/// Reads the command line. None: it asks for help.
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
    // Servers that are starting still end with this process.
    Ok(())
}

/// Starts all engines at once, each in a thread of its own.
fn start(options: &Options, setup: &str) -> Result<Receiver<Event>, Box<dyn StdError>> {
    let (sender, events) = mpsc::channel();
    let stopped = sender.clone();
    // Nobody listens any more once the program is about to end, here and below.
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

/// Calls `act` upon Ctrl-C or SIGTERM, which end the program no more from now on.
fn on_signal(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
    let _entered = runtime.enter();
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    drop(_entered);
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
    println!("{} {} listens on {address}", server.engine(), server.version());
    println!("  endpoint: {host}:{port}, for which tokens are signed");
    println!("  why a login was refused: {}", server.iam().log_path().display());
    println!(
        "  TOKEN=$(aws rds generate-db-auth-token --hostname {host} --port {port} --username {user} --region {region})"
    );
    let token = fresh_token(server, key)?;
    println!("  or, for 15 minutes from now,\n  TOKEN='{}'", token.expose());
    match server.engine() {
        Engine::Postgres => println!(
            "  PGPASSWORD=$TOKEN psql \"host={host} hostaddr={} port={} dbname={database} user={user} sslmode=verify-full sslrootcert={bundle}\"\n",
            address.ip(),
            address.port(),
        ),
        // This client cannot dial another address than the name it verifies.
        Engine::MySql | Engine::MariaDb => println!(
            "  MYSQL_PWD=$TOKEN mysql --host={} --port={} --user={user} --enable-cleartext-plugin --ssl-mode=VERIFY_CA --ssl-ca={bundle} {database}\n",
            address.ip(),
            address.port(),
        ),
    }
    Ok(())
}

fn print_key(key: &AccessKey) {
    println!("The access key that all of them know, for aws:");
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

/// An error and what it comes from, on one line.
fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
