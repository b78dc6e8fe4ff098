//! Logins under rendered policies, decided by the local servers' verifier.

use aws_credential_types::Credentials;
use deploy_template::ACCOUNT;
use iam_auth::Endpoint;
use local_rds::iam::{AccessKey, Refusal, Resource, Verifier};
use serde_json::Value;
use std::time::{Duration, UNIX_EPOCH};

/// What checks a token: a database, or a proxy, each with its own resource id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate<'a> {
    pub(crate) resource_id: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
}

impl Gate<'_> {
    /// Its decision on a token that a holder of the role with this policy signs for it.
    pub(crate) fn admits(self, user: &str, policy: &Value) -> Result<(), Refusal> {
        self.admits_token_for(self, user, policy)
    }

    /// Its decision on a token that is signed for another one.
    pub(crate) fn admits_token_for(
        self,
        signed_for: Gate<'_>,
        user: &str,
        policy: &Value,
    ) -> Result<(), Refusal> {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let resource = Resource {
            partition: "aws".into(),
            region: "eu-west-1".into(),
            account: ACCOUNT.into(),
            resource_id: self.resource_id.into(),
            host: self.host.into(),
            port: self.port,
        };
        let key = AccessKey::random();
        let AccessKey { id, secret, session_token, .. } = key.clone();
        let credentials = Credentials::new(id, secret, session_token, None, "test");
        let endpoint = Endpoint::parse(signed_for.host, signed_for.port).unwrap();
        let token = iam_auth::sign(&endpoint, user, &credentials, now).unwrap();

        let folder = tempfile::tempdir().unwrap();
        let iam = Verifier::new(resource, key, folder.path().join("logins.log"));
        iam.set_policy(&policy.to_string()).unwrap();
        iam.verify(user.as_bytes(), token.expose().as_bytes(), now)
    }
}
