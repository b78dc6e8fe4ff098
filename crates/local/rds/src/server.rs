//! A running database server as a value.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use engine::Engine;
use rds_iam_verifier::{AccessKey, Listener, Verifier};

use crate::administrator::Row;
use crate::certificates::ServerCertificate;
use crate::mysql::MySql;
use crate::postgres::Postgres;
use crate::running::Running;
use crate::server_engine::{DATABASE, ServerEngine};
use crate::{Error, server_certificate};

/// A running database server that accepts IAM users over TLS, and nobody else.
///
/// Dropping it stops the server and removes its files. If this process is killed, the server ends with
/// it, and the next start removes its files.
pub struct Server {
    // Dropped in this order: the server, the verifier it asks, the folder of both.
    pub(crate) running: Running,
    pub(crate) _listener: Listener,
    pub(crate) iam: Verifier,
    pub(crate) access_key: AccessKey,
    pub(crate) ca_bundle: PathBuf,
    pub(crate) environment_file: PathBuf,
}

impl Server {
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

    /// The port of the endpoint, which tokens are signed for: 3306 or 5432, unless the endpoint is
    /// [dialled](crate::Builder::dialled_as).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.iam.resource().port
    }

    /// The address to dial instead of the endpoint.
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

    /// The IAM user, who has all privileges on the database: `lambda-user`, or `lambda_user` on
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

    /// A file, for a shell to read with `.`, that sets [`environment`](Self::environment). Only the user
    /// of this process can read it.
    #[must_use]
    pub fn environment_file(&self) -> &Path {
        &self.environment_file
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

    /// The file of the server's log.
    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.running.plan().folder.server_log()
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

/// How the servers of `engine` are run.
pub(crate) fn server_engine(engine: Engine) -> &'static dyn ServerEngine {
    match engine {
        Engine::MySql => &MySql { is_mariadb: false },
        Engine::MariaDb => &MySql { is_mariadb: true },
        Engine::Postgres => &Postgres,
    }
}
