//! What a cluster is started with, and its start.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};

use local_packages::Version;
use rds_iam_verifier::AccessKey;

use super::Cluster;
use super::topology::{Names, Topology};
use crate::builder::REGION;
use crate::certificates::KeyType;
use crate::member::{Member, replication};
use crate::replication::Source;
use crate::server::Server;
use crate::{Error, server_certificate};

/// What a cluster is started with.
pub struct ClusterBuilder {
    version: Version,
    topology: Topology,
    settings: Vec<(String, String)>,
    setup: String,
}

impl ClusterBuilder {
    pub(crate) fn new(version: Version) -> Self {
        let topology = Topology::default();
        Self { version, topology, settings: Vec::new(), setup: String::new() }
    }

    /// Where its servers say which of them writes; [`Topology::MultiAz`] by default.
    #[must_use]
    pub fn topology(mut self, topology: Topology) -> Self {
        self.topology = topology;
        self
    }

    /// A setting of the engine for both servers.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// SQL as [`Builder::setup`](crate::Builder::setup) takes it, which is replicated.
    #[must_use]
    pub fn setup(mut self, sql: impl Into<String>) -> Self {
        self.setup = sql.into();
        self
    }

    /// Starts both servers, and returns when both answer and the reader has everything.
    ///
    /// # Errors
    /// Those of [`Builder::start`](crate::Builder::start); the engine cannot have this topology; or the
    /// reader does not follow.
    pub fn start(self) -> Result<Cluster, Error> {
        let what = format!("cannot start a cluster of {}", self.version);
        self.try_start().map_err(|error| error.within(what))
    }

    fn try_start(self) -> Result<Cluster, Error> {
        let (engine, names) = (self.version.engine(), Names::of(REGION));
        let replication = replication(engine);
        let password = random_password()?;
        let authority = Arc::new(server_certificate::authority(REGION, KeyType::default())?);
        let key = AccessKey::random();
        let member = |number: u32, source: Option<Source>| {
            let own = &names.instances[number as usize - 1];
            let builder = Server::builder(self.version.clone())
                .dialled_as(&names.cluster)
                .also_endpoint(&names.readers)
                .also_endpoint(own)
                .access_key(key.clone())
                .member(Member { number, authority: Arc::clone(&authority), source });
            let own = Names::instance(own);
            let settings =
                self.topology.settings(engine, own).into_iter().chain(self.settings.clone());
            settings.fold(builder, |builder, (name, value)| builder.setting(name, value))
        };

        let first = member(1, None).setup(&self.setup).start()?;
        first.execute(&replication.user(&password))?;
        first.execute(&self.topology.sql(engine, &names, first.port())?)?;
        let position = first.running.with_administrator(|it| replication.position(it))?;
        let source = Source { port: first.address().port(), password: password.clone(), position };
        let second = member(2, Some(source)).start()?;
        Ok(Cluster {
            members: [first, second].map(Arc::new),
            names,
            password,
            writer: AtomicUsize::new(0),
            changing: Mutex::default(),
        })
    }
}

/// 32 hexadecimal digits.
fn random_password() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Error::because("there are no random numbers"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
