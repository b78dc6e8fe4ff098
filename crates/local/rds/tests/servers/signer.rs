//! The verifier on tokens of the signer: they share no code, so where one is wrong about the encoding
//! or the date, they differ.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use iam_auth::Endpoint;
use local_rds::iam::{AccessKey, Resource, Verifier};
use proptest::prelude::*;

const ALLOW_ALL: &str =
    r#"{"Statement": {"Effect": "Allow", "Action": "rds-db:connect", "Resource": "*"}}"#;

proptest! {
    #[test]
    fn what_iam_auth_signs_is_let_in(
        user in "[^\0]{1,32}",
        host in "[a-zA-Z0-9]([a-zA-Z0-9-]{0,20}[a-zA-Z0-9])?",
        port in 1_u16..,
        unix_time in 0_u64..4_000_000_000,
    ) {
        let key = AccessKey::random();
        let host = format!("{host}.abc123def456.eu-west-1.rds.amazonaws.com");
        let endpoint = Endpoint::parse(&host, port).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(unix_time);
        let credentials =
            Credentials::new(&key.id, &key.secret, key.session_token.clone(), None, "test");
        let token = iam_auth::sign(&endpoint, &user, &credentials, now).unwrap();

        let folder = tempfile::tempdir().unwrap();
        let resource = Resource {
            partition: "aws".into(),
            region: "eu-west-1".into(),
            account: "123456789012".into(),
            resource_id: "db-ABC".into(),
            host: endpoint.host().to_owned(),
            port,
        };
        let verifier = Verifier::new(resource, key, folder.path().join("logins.log"));
        verifier.set_policy(ALLOW_ALL).unwrap();
        prop_assert_eq!(verifier.verify(user.as_bytes(), token.expose().as_bytes(), now), Ok(()));
    }
}
