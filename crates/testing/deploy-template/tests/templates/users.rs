//! A user's name in the policy matches only itself, with any of the allowed characters.

use aws_credential_types::Credentials;
use deploy_template::ACCOUNT;
use iam_auth::Endpoint;
use local_rds::iam::{AccessKey, Refusal, Resource, Verifier};
use std::time::{Duration, UNIX_EPOCH};

use crate::stack::{MYSQL, bare, render};

const HOST: &str = MYSQL[0].1;
const RESOURCE_ID: &str = MYSQL[1].1;

/// The verifier's decision on `user` under the policy of a stack for `policy_user`.
fn decide(user: &str, policy_user: &str) -> Result<(), Refusal> {
    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let resource = Resource {
        partition: "aws".into(),
        region: "eu-west-1".into(),
        account: ACCOUNT.into(),
        resource_id: RESOURCE_ID.into(),
        host: HOST.into(),
        port: 3306,
    };
    let key = AccessKey::random();
    let AccessKey { id, secret, session_token, .. } = key.clone();
    let credentials = Credentials::new(id, secret, session_token, None, "test");
    let endpoint = Endpoint::parse(HOST, 3306).unwrap();
    let token = iam_auth::sign(&endpoint, user, &credentials, now).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let iam = Verifier::new(resource, key, folder.path().join("logins.log"));
    let stack = render(&bare().with(MYSQL).with([("MySqlUser", policy_user)]));
    let policy = stack.inline_policy("MySqlFunctionRole", "log-in");
    iam.set_policy(&policy.to_string()).unwrap();
    iam.verify(user.as_bytes(), token.expose().as_bytes(), now)
}

#[test]
fn every_allowed_name_lets_in_its_user_and_no_other() {
    let others = [
        ("lambda-user", "lambda_user"),
        ("Lambda_User", "lambda_user"),
        ("app.reader", "appxreader"),
        ("a@example.com", "a@example.org"),
        ("a+b=c", "a b=c"),
        ("_", "-"),
        ("user", "user2"),
        ("user2", "user"),
    ];
    for (user, other) in others {
        assert_eq!(decide(user, user), Ok(()), "{user}");
        let refusal = decide(other, user).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAllowed { .. }), "{user}, {other}: {refusal}");
    }
}
