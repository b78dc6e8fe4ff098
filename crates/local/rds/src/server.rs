//! A database server as a value.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::thread;

use engine::Engine;
use local_packages::{Installation, find_or_fetch};
use rds_iam_verifier::{AccessKey, Listener, Resource, Verifier};

use crate::account::Account;
use crate::administrator::Row;
use crate::certificates::{KeyType, ServerCertificate};
use crate::folder::Folder;
use crate::mysql::MySql;
use crate::postgres::Postgres;
use crate::profile::Profile;
use crate::running::Running;
use crate::server_engine::{DATABASE, Plan, ServerEngine};
use crate::{Error, prepared, server_certificate};

const REGION: &str = "eu-west-1";
const ACCOUNT_ID: &str = "123456789012";

/// A running database server that accepts IAM users over TLS, and nobody else.
///
/// Dropping it stops the server and removes its files. If this process is killed, the server ends with
/// it, and the next start removes its files.
pub struct Server {
    // Dropped in this order: the server, the verifier it asks, the folder of both.
    running: Running,
    _listener: Listener,
    iam: Verifier,
    access_key: AccessKey,
    ca_bundle: PathBuf,
}

/// What a server is started with.
pub struct Builder {
    engine: Engine,
    key_type: KeyType,
    host: String,
    aliases: Vec<String>,
    tls: bool,
    profile: Profile,
    settings: Vec<(String, String)>,
    setup: String,
    progress: Box<dyn FnMut(&str) + Send>,
}

impl Builder {
    /// The key type of the certificates; RSA of 2048 bits, as on RDS, by default.
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

    /// Another name in the server's certificate. A token signed for it is still refused, as one for
    /// another endpoint.
    #[must_use]
    pub fn also_named(mut self, host: impl Into<String>) -> Self {
        self.aliases.push(host.into());
        self
    }

    /// Turns TLS off: nobody can log in.
    #[must_use]
    pub fn without_tls(mut self) -> Self {
        self.tls = false;
        self
    }

    /// The settings that the server starts with; [`Profile::Rds`] by default.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// A setting of the engine, such as `max_connections`, which overrides the profile.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// SQL that the administrator runs in the database before anyone can log in: any number of
    /// statements. The IAM user has all privileges on the tables that it creates.
    #[must_use]
    pub fn setup(mut self, sql: impl Into<String>) -> Self {
        self.setup = sql.into();
        self
    }

    /// Is called with a line of text at each long step: fetching the server program and preparing its
    /// data.
    #[must_use]
    pub fn progress(mut self, progress: impl FnMut(&str) + Send + 'static) -> Self {
        self.progress = Box::new(progress);
        self
    }

    /// Starts the server, and returns when it answers.
    ///
    /// # Errors
    /// There is no server program and none can be fetched; the server does not start, and the error
    /// ends with the last lines of its log; or the SQL given to [`setup`](Self::setup) fails.
    pub fn start(self) -> Result<Server, Error> {
        let what = format!("cannot start {}", self.engine);
        self.try_start().map_err(Error::because(what))
    }

    fn try_start(mut self) -> Result<Server, Error> {
        let engine = self.engine;
        let installation = find_or_fetch(engine, &mut self.progress)
            .map_err(Error::because("cannot find the server program"))?;
        let account = Account::for_servers();
        account.must_reach(&installation.program)?;
        let folder = Folder::create(account)?;

        // Both take time: one computes keys, the other waits for the disk.
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

        let access_key = AccessKey::random();
        let iam = verifier(engine, &self.host, &access_key, &folder)?;
        let listener = Listener::start(&iam, &folder.verifier_socket(), account.user())
            .map_err(Error::because("the verifier cannot listen"))?;
        let ca_bundle = folder.ca_bundle();
        let Builder { tls, profile, settings, setup, .. } = self;
        let plan = Plan { installation, account, folder, tls, profile, settings };
        let engine = server_engine(engine);
        engine.configure(&plan)?;
        let running = Running::start(engine, plan, &setup)?;
        Ok(Server { running, _listener: listener, iam, access_key, ca_bundle })
    }
}

impl Server {
    /// The settings of a server of `engine`, to be started.
    #[must_use]
    pub fn builder(engine: Engine) -> Builder {
        Builder {
            engine,
            key_type: KeyType::default(),
            host: host(engine),
            aliases: Vec::new(),
            tls: true,
            profile: Profile::default(),
            settings: Vec::new(),
            setup: String::new(),
            progress: Box::new(|_| ()),
        }
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.running.plan().installation.engine
    }

    /// The version of the server program, such as `9.7.4-2`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.running.plan().installation.version
    }

    /// The host of the endpoint, which tokens are signed for and the certificate names.
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
        (Ipv4Addr::LOCALHOST, self.running.port()).into()
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
        server_engine(self.engine()).user()
    }

    /// The PEM file with the root certificate to trust.
    #[must_use]
    pub fn ca_bundle(&self) -> &Path {
        &self.ca_bundle
    }

    /// The access key that the verifier knows at the start.
    #[must_use]
    pub fn access_key(&self) -> AccessKey {
        self.access_key.clone()
    }

    /// The verifier, its settings and its log.
    #[must_use]
    pub fn iam(&self) -> &Verifier {
        &self.iam
    }

    /// The ARN of `user` in IAM policies for this server.
    #[must_use]
    pub fn resource_arn(&self, user: &str) -> String {
        self.iam.resource().arn(user)
    }

    /// What the server has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }

    /// Runs any number of statements as the administrator, in the database, and returns the rows of
    /// all, each value in the server's text.
    ///
    /// # Errors
    /// The first statement that fails, or a server that does not answer.
    pub fn execute(&self, sql: &str) -> Result<Vec<Row>, Error> {
        self.running.execute(sql)
    }

    /// Has the server present another certificate to new connections, whoever signed it and whenever it
    /// is valid. The CA bundle stays the same.
    ///
    /// # Errors
    /// The server does not load the certificate.
    pub fn present(&self, certificate: &ServerCertificate) -> Result<(), Error> {
        let plan = self.running.plan();
        server_certificate::write_own(&plan.folder, plan.account, certificate)?;
        self.running.reload_certificate()
    }

    /// Kills the server with all its processes (SIGKILL), as a failing host does. Committed data
    /// survives.
    ///
    /// # Errors
    /// It has already been killed.
    pub fn kill(&self) -> Result<(), Error> {
        self.running.kill()
    }

    /// Starts the server again after [`kill`](Self::kill), on the same port and data, and returns
    /// when it answers.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&self) -> Result<(), Error> {
        self.running.restart()
    }

    /// Stops every process of the server (SIGSTOP): connections stay open, and nothing answers.
    pub fn pause(&self) {
        self.running.pause();
    }

    /// Limits the size of each of the server's files to `bytes`, or lifts the limit. A table that needs
    /// more fails as on a full disk: its file does not grow.
    ///
    /// # Errors
    /// The server has been killed.
    pub fn limit_file_size(&self, bytes: Option<u64>) -> Result<(), Error> {
        self.running.limit_file_size(bytes)
    }

    /// Lets the server continue after [`pause`](Self::pause).
    pub fn resume(&self) {
        self.running.resume();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("engine", &self.engine())
            .field("version", &self.version())
            .field("address", &self.address())
            .field("iam", &self.iam)
            .finish_non_exhaustive()
    }
}

fn host(engine: Engine) -> String {
    format!("local-{engine}.abc123def456.{REGION}.rds.amazonaws.com")
}

fn server_engine(engine: Engine) -> &'static dyn ServerEngine {
    match engine {
        Engine::MySql => &MySql { is_mariadb: false },
        Engine::MariaDb => &MySql { is_mariadb: true },
        Engine::Postgres => &Postgres,
    }
}

fn prepare_data(
    server: &Installation,
    account: Account,
    folder: &Folder,
    progress: &mut dyn FnMut(&str),
) -> Result<(), Error> {
    let engine = server_engine(server.engine);
    prepared::copy(server, &engine.recipe(), account, &folder.data(), |data| {
        progress(&format!("{}: preparing its data for the first time", server.engine));
        engine.initialize(server, account, data)
    })
}

/// The verifier, with a policy that allows the IAM user.
fn verifier(
    engine: Engine,
    host: &str,
    key: &AccessKey,
    folder: &Folder,
) -> Result<Verifier, Error> {
    let resource = Resource {
        partition: "aws".to_owned(),
        region: REGION.to_owned(),
        account: ACCOUNT_ID.to_owned(),
        resource_id: format!("db-{:0<26}", format!("LOCAL{}", engine.name().to_uppercase())),
        host: host.to_owned(),
        port: engine.default_port(),
    };
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"rds-db:connect","Resource":"{}"}}]}}"#,
        resource.arn(server_engine(engine).user())
    );
    let iam = Verifier::new(resource, key.clone(), folder.verifier_log());
    iam.set_policy(&policy).map_err(Error::because("the policy of the IAM user is invalid"))?;
    Ok(iam)
}
