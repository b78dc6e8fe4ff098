//! A database server from its start to its end.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use local_rds_ask::SOCKET_VARIABLE;
use local_rds_packages::{Engine, Installation, find_or_fetch};

use crate::account::Account;
use crate::certificates::KeyType;
use crate::folder::Folder;
use crate::iam::{AccessKey, Iam, Listener, Resource};
use crate::process::{Process, last_lines};
use crate::{Error, mysql, postgres, prepared, server_certificate};

const REGION: &str = "eu-west-1";
const ACCOUNT_ID: &str = "123456789012";
/// The database of every server.
pub(crate) const DATABASE: &str = "app";

/// How long a server may take to answer. A slow machine that starts several at once needs seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);
/// How often a start is tried again when another program took the port in the meantime.
const ATTEMPTS: u32 = 5;

/// A running database server that accepts IAM users over TLS, and nobody else.
///
/// It ends, and everything it wrote is removed, when it is dropped. If this process is killed, the
/// server ends with it, and the next start removes what it wrote.
pub struct Server {
    // Dropped in this order: the server, the verifier it asks, the folder of both.
    _process: Process,
    _listener: Listener,
    engine: Engine,
    version: String,
    address: SocketAddr,
    iam: Iam,
    access_key: AccessKey,
    ca_bundle: PathBuf,
    folder: Folder,
}

/// What a server is started with.
pub struct Builder {
    engine: Engine,
    key_type: KeyType,
    host: String,
    aliases: Vec<String>,
    tls: bool,
    setup: String,
    progress: Box<dyn FnMut(&str) + Send>,
}

impl Builder {
    /// The keys of the certificates; RSA-2048, as on RDS, unless it is set.
    #[must_use]
    pub fn key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// The endpoint's name, such as a proxy's, in place of an instance's. Its region is still
    /// `eu-west-1`.
    #[must_use]
    pub fn named(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Another name that the server's certificate carries. A token signed for it is still one for
    /// another endpoint.
    #[must_use]
    pub fn also_named(mut self, host: impl Into<String>) -> Self {
        self.aliases.push(host.into());
        self
    }

    /// Takes TLS away, as something on the way to a server might: nobody can log in.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }

    /// SQL that the administrator runs in the database before anyone can log in: any number of
    /// statements. The IAM user may do everything with the tables it makes.
    #[must_use]
    pub fn setup(mut self, sql: impl Into<String>) -> Self {
        self.setup = sql.into();
        self
    }

    /// Is called with a line of text at each step of what takes long: fetching the server program,
    /// and preparing its data.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(&str) + Send + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Starts the server, and returns when it answers.
    ///
    /// # Errors
    /// There is no server program and none can be fetched; it does not start, and then the error
    /// ends with what it said; or the SQL given to [`setup`](Self::setup) fails.
    pub fn start(self) -> Result<Server, Error> {
        let what = format!("cannot start {}", self.engine);
        self.try_start().map_err(Error::because(what))
    }

    fn try_start(mut self) -> Result<Server, Error> {
        let engine = self.engine;
        let installation = find_or_fetch(engine, &mut self.progress)
            .map_err(Error::because("no server program"))?;
        let account = Account::for_servers();
        account.must_reach(&installation.program)?;
        let folder = Folder::create(account)?;

        // Both take a while: one computes keys, the other waits for the disk.
        let (certificates, data) = thread::scope(|scope| {
            let certificates = scope.spawn(|| {
                server_certificate::certify(REGION, self.key_type, &self.host, &self.aliases)
            });
            let data = prepare_data(&installation, account, &folder, &mut self.progress);
            (certificates.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), data)
        });
        data?;
        let (root, certificate) = certificates?;
        server_certificate::write(&folder, account, &root, &certificate)?;
        configure(&installation, &folder, self.tls)?;

        let access_key = AccessKey::random();
        let iam = verifier(engine, &self.host, &access_key, &folder)?;
        let listener = iam
            .listen(&folder.verifier_socket())
            .map_err(Error::because("the verifier cannot listen"))?;
        let (process, port) = launch(&installation, account, &folder, self.tls, &self.setup)?;
        Ok(Server {
            _process: process,
            _listener: listener,
            engine,
            version: installation.version,
            address: (Ipv4Addr::LOCALHOST, port).into(),
            iam,
            access_key,
            ca_bundle: folder.ca_bundle(),
            folder,
        })
    }
}

impl Server {
    /// A server of `engine`, to be started.
    #[must_use]
    pub fn builder(engine: Engine) -> Builder {
        Builder {
            engine,
            key_type: KeyType::default(),
            host: host(engine),
            aliases: Vec::new(),
            tls: true,
            setup: String::new(),
            progress: Box::new(|_| ()),
        }
    }

    /// What it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The version of the server program, such as `9.7.4-2`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The name of the endpoint. Tokens are signed for it, and the certificate is its.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.iam.resource().host
    }

    /// The port of the endpoint, which tokens are signed for: 3306 or 5432.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.iam.resource().port
    }

    /// The address to dial in place of the endpoint.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The region of the endpoint.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.iam.resource().region
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &str {
        DATABASE
    }

    /// The IAM user, who may do everything in the database: `lambda-user`, or `lambda_user` on
    /// PostgreSQL.
    #[must_use]
    pub fn user(&self) -> &str {
        user(self.engine)
    }

    /// The PEM file with the root certificate to trust.
    #[must_use]
    pub fn ca_bundle(&self) -> &Path {
        &self.ca_bundle
    }

    /// The access key that the verifier knew when the server started.
    #[must_use]
    pub fn access_key(&self) -> AccessKey {
        self.access_key.clone()
    }

    /// The verifier, with its knobs and its log.
    #[must_use]
    pub fn iam(&self) -> &Iam {
        &self.iam
    }

    /// The ARN of `user` in IAM policies for this server.
    #[must_use]
    pub fn resource_arn(&self, user: &str) -> String {
        self.iam.resource().arn(user)
    }

    /// What the server has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        read_log(&self.folder)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("engine", &self.engine)
            .field("version", &self.version)
            .field("address", &self.address)
            .field("iam", &self.iam)
            .finish_non_exhaustive()
    }
}

fn host(engine: Engine) -> String {
    format!("local-{engine}.abc123def456.{REGION}.rds.amazonaws.com")
}

fn user(engine: Engine) -> &'static str {
    match engine {
        Engine::MySql | Engine::MariaDb => mysql::USER,
        Engine::Postgres => postgres::USER,
    }
}

fn prepare_data(
    server: &Installation,
    account: Account,
    folder: &Folder,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let engine = server.engine;
    let recipe = match engine {
        Engine::MySql | Engine::MariaDb => mysql::recipe(engine),
        Engine::Postgres => postgres::recipe(),
    };
    prepared::copy(server, &recipe, account, &folder.data(), |data| {
        progress(&format!("{engine}: preparing its data, once"));
        match engine {
            Engine::MySql | Engine::MariaDb => mysql::initialise(server, account, data),
            Engine::Postgres => postgres::initialise(server, account, data),
        }
    })
}

fn configure(server: &Installation, folder: &Folder, tls: bool) -> Result<(), Error> {
    match server.engine {
        Engine::MySql | Engine::MariaDb => mysql::install_plugin(server, folder),
        Engine::Postgres => postgres::configure(folder, tls),
    }
}

/// The verifier, with a policy that lets the IAM user in.
fn verifier(engine: Engine, host: &str, key: &AccessKey, folder: &Folder) -> Result<Iam, Error> {
    let port = match engine {
        Engine::MySql | Engine::MariaDb => mysql::ENDPOINT_PORT,
        Engine::Postgres => postgres::ENDPOINT_PORT,
    };
    let resource = Resource {
        partition: "aws".to_owned(),
        region: REGION.to_owned(),
        account: ACCOUNT_ID.to_owned(),
        resource_id: format!("db-{:0<26}", format!("LOCAL{}", engine.name().to_uppercase())),
        host: host.to_owned(),
        port,
    };
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"rds-db:connect","Resource":"{}"}}]}}"#,
        resource.arn(user(engine))
    );
    let iam = Iam::new(resource, key.clone(), folder.verifier_log());
    iam.set_policy(&policy).map_err(Error::because("the policy of the IAM user is not valid"))?;
    Ok(iam)
}

/// Starts the server on a free port and makes it ready for IAM users. Returns its port.
fn launch(
    server: &Installation,
    account: Account,
    folder: &Folder,
    tls: bool,
    setup: &str,
) -> Result<(Process, u16), Error> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let port = free_port()?;
        let process = start_process(server, account, folder, tls, port)?;
        match admit(server.engine, folder, &process, port, setup) {
            // Between our asking for a free port and the server's taking it, another program may.
            Err(_) if attempt < ATTEMPTS && port_was_taken(&process, folder) => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok((process, port)),
        }
    }
}

fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(Error::because("no free port on 127.0.0.1"))
}

fn port_was_taken(process: &Process, folder: &Folder) -> bool {
    process.ended().is_some() && read_log(folder).contains("Address already in use")
}

fn start_process(
    server: &Installation,
    account: Account,
    folder: &Folder,
    tls: bool,
    port: u16,
) -> Result<Process, Error> {
    let (mut command, end_signal): (Command, _) = match server.engine {
        // Its data go with it, so there is nothing it should write before it ends.
        Engine::MySql | Engine::MariaDb => {
            (mysql::command(server, folder, tls, port)?, libc::SIGKILL)
        }
        // An immediate shutdown, which returns its shared memory to the system.
        Engine::Postgres => (postgres::command(server, folder, port), libc::SIGQUIT),
    };
    let path = folder.server_log();
    let log = File::create(&path).map_err(Error::io("create", &path))?;
    let also_log = log.try_clone().map_err(Error::io("create", &path))?;
    command
        .env(SOCKET_VARIABLE, folder.verifier_socket())
        .current_dir(folder.data())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(also_log);
    account.run(&mut command);
    Process::start(command, end_signal).map_err(Error::io("run", &server.program))
}

/// Waits for the server to answer, and lets IAM users in and nobody else.
fn admit(
    engine: Engine,
    folder: &Folder,
    process: &Process,
    port: u16,
    setup: &str,
) -> Result<(), Error> {
    match engine {
        Engine::MySql | Engine::MariaDb => {
            let mut administrator = when_ready(process, folder, || mysql::connect(folder))?;
            mysql::admit(&mut administrator, setup)
        }
        Engine::Postgres => {
            let mut administrator =
                when_ready(process, folder, || postgres::connect(folder, port))?;
            postgres::admit(&mut administrator, folder, port, setup)
        }
    }
}

/// Tries to `connect` until it works, the server has ended, or patience has.
fn when_ready<T>(
    process: &Process,
    folder: &Folder,
    mut connect: impl FnMut() -> io::Result<T>,
) -> Result<T, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let refused = match connect() {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let why = match process.ended() {
            Some(status) => format!("the server ended, {status}"),
            None if Instant::now() > deadline => {
                format!("the server does not answer after {} s: {refused}", PATIENCE.as_secs())
            }
            None => {
                thread::sleep(PAUSE);
                continue;
            }
        };
        let said = last_lines(&read_log(folder));
        return Err(Error::new(format!("{why}; the last it said:\n{said}")));
    }
}

fn read_log(folder: &Folder) -> String {
    fs::read(folder.server_log())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}
