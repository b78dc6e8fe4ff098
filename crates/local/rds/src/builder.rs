//! What a server is started with, and its start.

use std::io;
use std::sync::Arc;
use std::thread;

use engine::Engine;
use local_packages::{Installation, Version, find_or_fetch};
use rds_iam_verifier::{AccessKey, Listener, Resource, Verifier};

use crate::account::Account;
use crate::certificates::KeyType;
use crate::folder::Folder;
use crate::member::{Member, replication};
use crate::port::Port;
use crate::profile::Profile;
use crate::running::Running;
use crate::server::{Server, server_engine};
use crate::server_engine::Plan;
use crate::{Error, environment, prepared, server_certificate};

pub(crate) const REGION: &str = "eu-west-1";
const ACCOUNT_ID: &str = "123456789012";

/// What a server is started with.
pub struct Builder {
    version: Version,
    key_type: KeyType,
    host: String,
    is_dialled: bool,
    aliases: Vec<String>,
    other_endpoints: Vec<String>,
    port: Option<u16>,
    access_key: AccessKey,
    tls: bool,
    profile: Profile,
    settings: Vec<(String, String)>,
    setup: String,
    member: Option<Member>,
    progress: Box<dyn FnMut(&str) + Send>,
}

impl Builder {
    /// The engine that was asked for.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.version.engine()
    }

    /// The version of the server, which must be of the same engine, instead of the one asked for.
    #[must_use]
    pub fn version(mut self, version: Version) -> Self {
        debug_assert_eq!(self.version.engine(), version.engine(), "its settings are an engine's");
        self.version = version;
        self
    }

    /// The key type of the certificates; RSA of 2048 bits, as on RDS, by default.
    #[must_use]
    pub fn key_type(mut self, key_type: KeyType) -> Self {
        self.key_type = key_type;
        self
    }

    /// The host of the endpoint, such as a proxy's, instead of an instance's. Its region is still
    /// `eu-west-1`.
    #[must_use]
    pub fn named(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Another name in the server's certificate, for a client that can dial only the name that it
    /// verifies: `localhost`. A token signed for it is still refused, as one for another endpoint.
    #[must_use]
    pub fn also_named(mut self, host: impl Into<String>) -> Self {
        self.aliases.push(host.into());
        self
    }

    /// Another endpoint of the server, as an instance has its own and those of its cluster: its name is
    /// in the certificate, and a token signed for it and the [port](Server::port) of the first endpoint
    /// is accepted.
    #[must_use]
    pub fn also_endpoint(mut self, host: impl Into<String>) -> Self {
        self.other_endpoints.push(host.into());
        self
    }

    /// Makes `host`, such as `localhost`, and the port that the server listens on the endpoint, for a
    /// program that has one host and port to sign for, to verify and to dial. A token for anything else
    /// is refused, and a client finds the region only in a name as RDS gives them.
    #[must_use]
    pub fn dialled_as(mut self, host: impl Into<String>) -> Self {
        self.is_dialled = true;
        self.named(host)
    }

    /// The port of 127.0.0.1 to listen on, instead of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// The access key that the verifier knows at the start, instead of a new one.
    #[must_use]
    pub fn access_key(mut self, key: AccessKey) -> Self {
        self.access_key = key;
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

    /// Makes it a server of a cluster.
    pub(crate) fn member(mut self, member: Member) -> Self {
        self.member = Some(member);
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
    /// There is no server program and none can be fetched; the port is in use; the server does not start,
    /// and the error ends with the last lines of its log; or the SQL given to [`setup`](Self::setup) fails.
    pub fn start(self) -> Result<Server, Error> {
        let what = format!("cannot start {}", self.version);
        self.try_start().map_err(|error| error.within(what))
    }

    fn try_start(mut self) -> Result<Server, Error> {
        let engine = self.version.engine();
        let port = Port::reserve(self.port).map_err(no_port(self.port))?;
        let installation = find_or_fetch(&self.version, &mut self.progress)
            .map_err(Error::because("cannot find the server program"))?;
        let account = Account::for_servers();
        let names: Vec<_> = self.aliases.iter().chain(&self.other_endpoints).cloned().collect();
        account.must_reach(&installation.program)?;
        account.may_listen(port.number())?;
        let folder = Folder::create(account)?;

        // Both take time: one computes keys, the other waits for the disk.
        let (certificates, data) = thread::scope(|scope| {
            let certificates = scope.spawn(|| {
                let authority = match &self.member {
                    Some(member) => Arc::clone(&member.authority),
                    None => Arc::new(server_certificate::authority(REGION, self.key_type)?),
                };
                server_certificate::certify(&authority, &self.host, &names)
            });
            let data = prepare_data(&installation, account, &folder, &mut self.progress);
            (certificates.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), data)
        });
        data?;
        let (root, certificate) = certificates?;
        server_certificate::write(&folder, account, &root, &certificate)?;

        let endpoint_port = match self.member.as_ref().and_then(|member| member.source.as_ref()) {
            // All endpoints of a cluster have the port of its first server.
            Some(source) => source.port,
            None if self.is_dialled => port.number(),
            None => engine.default_port(),
        };
        let iam = verifier(engine, &self.host, endpoint_port, &self.access_key, &folder)?;
        for host in &self.other_endpoints {
            iam.accept_endpoint(host, endpoint_port);
        }
        let listener = Listener::start(&iam, &folder.verifier_socket(), account.user())
            .map_err(Error::because("the verifier cannot listen"))?;
        let (ca_bundle, environment_file) = (folder.ca_bundle(), folder.environment());
        let Builder { access_key, tls, profile, settings, setup, member, .. } = self;
        let own = member.iter().flat_map(|member| replication(engine).settings(member.number));
        let settings = own.chain(settings).collect();
        let plan = Plan { installation, account, folder, tls, profile, settings };
        let server = server_engine(engine);
        server.configure(&plan)?;
        let source = member.and_then(|member| member.source);
        if let Some(source) = &source {
            replication(engine).begin_to_follow(&plan, source)?;
        }
        let running = Running::start(server, plan, port, |administrator| match &source {
            // Everything that the writer was set up with is replicated.
            Some(source) => replication(engine).follow(administrator, source),
            None => server.set_up(administrator, &setup, profile),
        })?;
        let server =
            Server { running, _listener: listener, iam, access_key, ca_bundle, environment_file };
        environment::write(&server.environment(), server.environment_file())?;
        Ok(server)
    }
}

impl Server {
    /// The settings of a server of an [`Engine`], or of one of its [versions](Version), to be started.
    #[must_use]
    pub fn builder(version: impl Into<Version>) -> Builder {
        let version = version.into();
        let engine = version.engine();
        Builder {
            version,
            key_type: KeyType::default(),
            host: host(engine),
            is_dialled: false,
            aliases: Vec::new(),
            other_endpoints: Vec::new(),
            port: None,
            access_key: AccessKey::random(),
            tls: true,
            profile: Profile::default(),
            settings: Vec::new(),
            setup: String::new(),
            member: None,
            progress: Box::new(|_| ()),
        }
    }
}

fn host(engine: Engine) -> String {
    format!("local-{engine}.abc123def456.{REGION}.rds.amazonaws.com")
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

/// Why a port cannot be had, and what to do.
fn no_port(number: Option<u16>) -> impl FnOnce(io::Error) -> Error {
    Error::because(match number {
        Some(number) => format!(
            "cannot listen on port {number} of 127.0.0.1: take another one, or stop the program that \
             uses it"
        ),
        None => "no free port on 127.0.0.1".to_owned(),
    })
}

/// The verifier, with a policy that allows the IAM user.
fn verifier(
    engine: Engine,
    host: &str,
    port: u16,
    key: &AccessKey,
    folder: &Folder,
) -> Result<Verifier, Error> {
    let resource = Resource {
        partition: "aws".to_owned(),
        region: REGION.to_owned(),
        account: ACCOUNT_ID.to_owned(),
        resource_id: format!("db-{:0<26}", format!("LOCAL{}", engine.name().to_uppercase())),
        // Names are compared in lower case.
        host: host.to_ascii_lowercase(),
        port,
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
