//! A server, and functions in front of it.

use engine::Engine;
use local_lambda::{Function, Lambda, LogFormat};
use local_rds::iam::AccessKey;
use local_rds::{Builder, KeyType, Profile, Row, Server, Version};
use local_stack::ITEMS;
use std::collections::BTreeMap;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::deployed::Deployed;
use crate::layer;

/// The host name of an RDS Proxy: a function takes a server of this name for one.
pub const PROXY: &str = "app.proxy-abc123def456.eu-west-1.rds.amazonaws.com";

/// The default time-out of functions.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A server, and the Lambda that runs functions in front of it.
pub struct Harness {
    lambda: Lambda,
    /// The server, or the first of a cluster.
    pub server: Arc<Server>,
    bootstrap: PathBuf,
    folder: TempDir,
    /// The folder that functions without `DB_CA_BUNDLE` have at `/opt`.
    layer: Option<PathBuf>,
    deployed: AtomicU32,
}

impl Harness {
    /// Starts a server with the example table. `bootstrap` is the function's program.
    ///
    /// Its certificates are of RDS's `rds-ca-ecc384-g1`: to make the keys of the default CA, `rds-ca-rsa2048-g1`,
    /// takes a third of a short test's time. Servers that are set up differently have those.
    pub async fn start(engine: Engine, bootstrap: &str) -> Harness {
        Harness::with(Server::builder(engine).key_type(KeyType::P384), bootstrap).await
    }

    /// The same with a server set up differently.
    pub async fn with(server: Builder, bootstrap: &str) -> Harness {
        Harness::with_tables(server, "", bootstrap).await
    }

    /// The same with additional tables.
    pub async fn with_tables(server: Builder, tables: &str, bootstrap: &str) -> Harness {
        Harness::of(start(server, tables).await.into(), bootstrap).await
    }

    /// The same with a server that runs already, and with that server's tables.
    pub async fn of(server: Arc<Server>, bootstrap: &str) -> Harness {
        Harness {
            lambda: Lambda::start().await.expect("the Lambda APIs start"),
            server,
            bootstrap: bootstrap.into(),
            folder: TempDir::with_prefix("rds-iam-lambda-").unwrap(),
            layer: None,
            deployed: AtomicU32::new(0),
        }
    }

    /// The same, with functions that find the server's root in their layer, as they find RDS's roots,
    /// and not through `DB_CA_BUNDLE`.
    pub async fn with_layer(server: Builder, bootstrap: &str) -> Harness {
        let mut harness = Harness::with(server, bootstrap).await;
        let root = fs::read_to_string(harness.server.ca_bundle()).unwrap();
        let mut files = layer::files();
        for (_, text) in files.iter_mut().filter(|(name, _)| name.ends_with(".pem")) {
            text.clone_from(&root);
        }
        harness.set_layer(&files);
        harness
    }

    /// Functions that are deployed from now on have a layer with these files, and no `DB_CA_BUNDLE`.
    pub fn set_layer(&mut self, files: &BTreeMap<String, String>) {
        let number = self.deployed.fetch_add(1, Ordering::Relaxed);
        let opt = self.folder().join(format!("opt-{number}"));
        layer::unpack(files, &opt);
        self.layer = Some(opt);
    }

    /// Runs a scenario twice: on a server set up as RDS does, and on one with unfavourable settings.
    pub async fn on_both_profiles(
        engine: Engine,
        bootstrap: &str,
        scenario: impl AsyncFn(Harness),
    ) {
        for profile in [Profile::Rds, Profile::Untidy] {
            scenario(Harness::with(Server::builder(engine).profile(profile), bootstrap).await)
                .await;
        }
    }

    /// Runs a scenario twice: on a server with the name of an instance, and on one
    /// with that of an RDS Proxy.
    pub async fn on_both_endpoints(
        engine: Engine,
        bootstrap: &str,
        scenario: impl AsyncFn(Harness),
    ) {
        for server in [Server::builder(engine), Server::builder(engine).named(PROXY)] {
            scenario(Harness::with(server, bootstrap).await).await;
        }
    }

    /// Deploys the function with the usual settings and `changes` (an empty value counts as unset), and
    /// logs at TRACE.
    pub async fn deploy(&self, changes: &[(&str, &str)]) -> Deployed<'_> {
        self.deploy_with(changes, &[]).await
    }

    /// Deploys the function without a role.
    pub async fn deploy_without_credentials(&self) -> Deployed<'_> {
        self.create(&[], &[], None, None).await
    }

    /// Deploys the function with another access key for its role.
    pub async fn deploy_signed_by(&self, key: AccessKey, changes: &[(&str, &str)]) -> Deployed<'_> {
        self.create(changes, &[], Some(key), None).await
    }

    /// [`deploy_with`](Self::deploy_with), with a time-out other than 20 seconds.
    pub async fn deploy_limited(
        &self,
        timeout: Duration,
        changes: &[(&str, &str)],
        statements: &[(&str, &str)],
    ) -> Deployed<'_> {
        let key = self.server.access_key();
        let settings = |function: Function| function.timeout(timeout);
        self.create_as(changes, statements, Some(key), None, settings).await
    }

    /// The same, with `statements` (name and text) added to the example statements.
    pub async fn deploy_with(
        &self,
        changes: &[(&str, &str)],
        statements: &[(&str, &str)],
    ) -> Deployed<'_> {
        self.create(changes, statements, Some(self.server.access_key()), None).await
    }

    /// Deploys the function without `DB_CA_BUNDLE`, and with a layer: the folder that Lambda would unpack
    /// to `/opt`.
    pub async fn deploy_with_layer(&self, layer: &Path) -> Deployed<'_> {
        let key = self.server.access_key();
        self.create(&[("DB_CA_BUNDLE", "")], &[], Some(key), Some(layer)).await
    }

    async fn create(
        &self,
        changes: &[(&str, &str)],
        statements: &[(&str, &str)],
        key: Option<AccessKey>,
        layer: Option<&Path>,
    ) -> Deployed<'_> {
        self.create_as(changes, statements, key, layer, |function| function).await
    }

    async fn create_as(
        &self,
        changes: &[(&str, &str)],
        statements: &[(&str, &str)],
        key: Option<AccessKey>,
        layer: Option<&Path>,
        settings: impl FnOnce(Function) -> Function,
    ) -> Deployed<'_> {
        let name = format!("function-{}", self.deployed.fetch_add(1, Ordering::Relaxed));
        let task_root = self.folder.path().join(&name);
        let catalogue = task_root.join("statements");
        fs::create_dir_all(&catalogue).unwrap();
        match layer.or(self.layer.as_deref()) {
            Some(layer) => layer::mount_for(&self.bootstrap, layer, &task_root),
            None => symlink(&self.bootstrap, task_root.join("bootstrap")).unwrap(),
        }
        local_stack::copy_examples(self.server.engine(), &catalogue).unwrap();
        for (name, sql) in statements {
            fs::write(catalogue.join(format!("{name}.sql")), sql).unwrap();
        }
        let function = local_stack::function(&self.server, &name, task_root.clone());
        let mut function = function.timeout(TIMEOUT).log_format(LogFormat::Json).log_level("TRACE");
        if self.server.port() != self.server.engine().default_port() {
            function = function.env("DB_PORT", self.server.port().to_string());
        }
        if let Some(key) = key {
            function = local_stack::with_role(function, key);
        }
        let no_bundle = self.layer.is_some().then_some(&("DB_CA_BUNDLE", ""));
        for (name, value) in no_bundle.into_iter().chain(changes) {
            function = function.env(*name, *value);
        }
        self.lambda.create_function(settings(function)).await.expect("the function is created");
        Deployed { lambda: &self.lambda, server: &self.server, name, task_root }
    }

    /// Deploys the function with additional `statements`, and changed by `settings`.
    pub async fn deploy_as(
        &self,
        statements: &[(&str, &str)],
        settings: impl FnOnce(Function) -> Function,
    ) -> Deployed<'_> {
        let key = Some(self.server.access_key());
        self.create_as(&[], statements, key, None, settings).await
    }

    /// Runs statements as the server's administrator. Returns their rows.
    pub async fn execute(&self, sql: &str) -> Vec<Row> {
        tokio::task::block_in_place(|| self.server.execute(sql)).expect("the statements run")
    }

    /// Whether the server is of the version `numbers`, such as `10.7`, or a later one.
    pub fn is_since(&self, numbers: &str) -> bool {
        let numbers_of = |version: &str| -> Vec<u32> {
            version.split(['.', '-']).map_while(|number| number.parse().ok()).collect()
        };
        numbers_of(self.server.version()) >= numbers_of(numbers)
    }

    /// How many connections the IAM user has, according to the server.
    pub async fn connections(&self) -> usize {
        let sql = match self.server.engine() {
            Engine::Postgres => "SELECT pid FROM pg_stat_activity WHERE usename = 'lambda_user'",
            Engine::MySql | Engine::MariaDb => {
                "SELECT id FROM information_schema.processlist WHERE user = 'lambda-user'"
            }
        };
        self.execute(sql).await.len()
    }

    /// How many statements containing `text` the server is running for the IAM user.
    pub async fn running(&self, text: &str) -> usize {
        statements(&self.server, "state = 'active'", "command IN ('Query', 'Execute')", text)
    }

    /// How many statements containing `text` are sleeping on the server for the IAM user. They are being
    /// executed, while a [`running`](Harness::running) statement may still be in preparation, which a
    /// function may retry.
    pub async fn asleep(&self, text: &str) -> usize {
        self.asleep_at(&self.server, text)
    }

    /// The same on another server of the cluster.
    pub fn asleep_at(&self, server: &Server, text: &str) -> usize {
        statements(server, "wait_event = 'PgSleep'", "state = 'User sleep'", text)
    }

    /// Shuts down every environment of every function as Lambda does.
    pub async fn shut_down(&self) {
        self.lambda.shut_down().await;
    }

    /// A folder for the files of a test.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// How many statements contain `text` and are in a state, given in PostgreSQL's and MySQL's terms.
fn statements(server: &Server, postgres: &str, mysql: &str, text: &str) -> usize {
    let sql = match server.engine() {
        Engine::Postgres => format!(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'lambda_user' \
             AND {postgres} AND query LIKE '%{text}%'"
        ),
        Engine::MySql | Engine::MariaDb => format!(
            "SELECT id FROM information_schema.processlist WHERE user = 'lambda-user' \
             AND {mysql} AND info LIKE '%{text}%'"
        ),
    };
    tokio::task::block_in_place(|| server.execute(&sql)).expect("the statement runs").len()
}

tokio::task_local! {
    /// The version of the servers of its engine.
    static VERSION: Version;
}

/// Runs a scenario with servers of a version: those that it starts itself, and none that tasks of its own
/// start.
pub async fn on_version<T>(version: Version, scenario: impl Future<Output = T>) -> T {
    VERSION.scope(version, scenario).await
}

/// Starts a server with the example table and additional ones.
pub(crate) async fn start(server: Builder, tables: &str) -> Server {
    let mut server = server.setup(format!("{ITEMS}\n{tables}"));
    let version = VERSION.try_with(Clone::clone).ok();
    if let Some(version) = version.filter(|version| version.engine() == server.engine()) {
        server = server.version(version);
    }
    let start = tokio::task::spawn_blocking(move || server.start());
    start.await.unwrap().expect("a server starts")
}

/// A port that refuses connections, and that nobody else gets while the socket is open.
pub fn closed_port() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    socket
}

/// Statements as [`Harness::deploy_with`] takes them.
pub fn borrowed<N: AsRef<str>>(statements: &[(N, String)]) -> Vec<(&str, &str)> {
    statements.iter().map(|(name, sql)| (name.as_ref(), sql.as_str())).collect()
}
