//! Tokens for a server, good and bad.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use iam_auth::Endpoint;
use local_rds::Server;
use local_rds::iam::AccessKey;

/// A minute more than the lifetime of a token.
pub(crate) const TOO_OLD: Duration = Duration::from_secs(16 * 60);

/// The input of a signature, initially what the server accepts.
pub(crate) struct Claim {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) region: String,
    pub(crate) user: String,
    pub(crate) key: AccessKey,
    pub(crate) age: Duration,
}

impl Claim {
    pub(crate) fn of(server: &Server) -> Self {
        Self {
            host: server.host().to_owned(),
            port: server.port(),
            region: server.region().to_owned(),
            user: server.user().to_owned(),
            key: server.access_key(),
            age: Duration::ZERO,
        }
    }

    #[allow(clippy::disallowed_methods, reason = "the servers use the real clock")]
    pub(crate) fn sign(self) -> String {
        let endpoint = Endpoint::with_region(&self.host, self.port, &self.region).unwrap();
        let AccessKey { id, secret, session_token, expires } = self.key;
        let credentials = Credentials::new(id, secret, session_token, expires, "test");
        let now = SystemTime::now() - self.age;
        iam_auth::sign(&endpoint, &self.user, &credentials, now).unwrap().expose().to_owned()
    }
}

/// A token that the server accepts.
pub(crate) fn good(server: &Server) -> String {
    Claim::of(server).sign()
}
