//! A server in this process's hands, and credentials that can be rotated.

use aws_credential_types::provider::{ProvideCredentials, future};
use driver_examples::Database;
use iam_auth::{Credentials, DialAddress, Endpoint, TokenSigner, TrustStore};
use local_rds::iam::AccessKey;
use local_rds::{Engine, Server};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::example::server;

/// Has the key that was put in last.
#[derive(Debug, Clone)]
struct Rotating(Arc<Mutex<AccessKey>>);

impl ProvideCredentials for Rotating {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let AccessKey { id, secret, session_token, .. } = self.0.lock().unwrap().clone();
        let credentials =
            aws_credential_types::Credentials::new(id, secret, session_token, None, "rotating");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

/// A server, and the database that an example logs in to.
pub(crate) struct World {
    pub(crate) server: Server,
    key: Rotating,
    pub(crate) db: Database,
}

impl World {
    pub(crate) fn new(engine: Engine) -> Self {
        let server = server(engine);
        let key = Rotating(Arc::new(Mutex::new(server.access_key())));
        let endpoint = Endpoint::parse(server.host(), server.port()).unwrap();
        let credentials = Credentials::from_provider(key.clone());
        let db = Database {
            signer: TokenSigner::new(endpoint, server.user(), credentials).unwrap(),
            trust: TrustStore::load(server.ca_bundle(), SystemTime::now()).unwrap(),
            address: server.address().to_string().parse().unwrap(),
            name: server.database().to_owned(),
        };
        Self { server, key, db }
    }

    /// For a driver that verifies the name which it dials.
    pub(crate) fn dialling_a_name(engine: Engine) -> Self {
        let mut world = Self::new(engine);
        let address = format!("localhost:{}", world.server.address().port());
        world.db.address = address.parse::<DialAddress>().unwrap();
        world
    }

    /// A token for a login now.
    pub(crate) async fn token(&self) -> String {
        self.db.signer.token(SystemTime::now()).await.unwrap().expose().to_owned()
    }

    /// From now on the server and the signer know another key alone.
    pub(crate) async fn rotate(&self) {
        let key = AccessKey::random();
        self.server.iam().set_keys(vec![key.clone()]);
        *self.key.0.lock().unwrap() = key;
        self.db.signer.renew_credentials().await;
    }
}
