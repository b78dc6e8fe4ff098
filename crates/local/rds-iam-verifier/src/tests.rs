//! The verifier as a whole, on tokens made by botocore (`iam-auth/tests/vectors`). Tokens signed by
//! `iam-auth` itself are tested in `local-rds`.

mod changes;
mod conditions;
mod layers;
mod policies;
mod second_opinion;
mod settings;
mod socket;
mod stranger;
mod time;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use tempfile::TempDir;

use crate::request::Request;
use crate::signature::{self, Scope};
use crate::token::{SIGNATURE, Token};
use crate::verifier::shift;
use crate::*;

const ALLOW_ALL: &str =
    r#"{"Statement": {"Effect": "Allow", "Action": "rds-db:connect", "Resource": "*"}}"#;

/// The database that policies are tested with.
fn database() -> Resource {
    Resource {
        partition: "aws".into(),
        region: "eu-west-1".into(),
        account: "123456789012".into(),
        resource_id: "db-ABC".into(),
        host: "db.example".into(),
        port: 3306,
    }
}

/// The login of a role's session, issued at 10:00 and used at 11:30.
fn login() -> Request {
    login_of("arn:aws:sts::123456789012:assumed-role/app/session-1", &database())
}

fn login_of(principal: &str, database: &Resource) -> Request {
    let at = |date| crate::calendar::parse_amz_date(date).unwrap();
    let mut principal: Principal = principal.parse().unwrap();
    principal.tags = [("Team".to_owned(), "blue".to_owned())].into();
    principal.organization = Some(Organization { id: "o-1".into(), path: "o-1/r-1/ou-1/".into() });
    let issued = Some(at("20261129T100000Z"));
    Request::new(database, "lambda-user", &principal, issued, at("20261129T113000Z"))
}

/// A token and everything that it was signed with.
#[derive(Debug, Clone, Deserialize)]
struct Vector {
    host: String,
    port: u16,
    user: String,
    region: String,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    unix_time: u64,
    token: String,
}

fn vectors() -> Vec<Vector> {
    let json = include_str!("../../../iam-auth/tests/vectors/token_vectors.json");
    let vectors: Vec<Vector> = serde_json::from_str(json).unwrap();
    assert_eq!(vectors.len(), 24);
    vectors
}

/// A vector with a session token and a user name that needs no escapes.
fn vector() -> Vector {
    vectors().into_iter().find(|v| v.session_token.is_some() && v.user == "peccy").unwrap()
}

impl Vector {
    fn signed_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.unix_time)
    }

    fn key(&self) -> AccessKey {
        AccessKey {
            id: self.access_key_id.clone(),
            secret: self.secret_access_key.clone(),
            session_token: self.session_token.clone(),
            expires: None,
        }
    }

    fn resource(&self) -> Resource {
        Resource {
            partition: "aws".into(),
            region: self.region.clone(),
            account: "123456789012".into(),
            resource_id: "db-ABC".into(),
            host: self.host.clone(),
            port: self.port,
        }
    }

    /// A verifier that allows every login with the vector's key.
    fn fixture(&self) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let verifier = Verifier::new(self.resource(), self.key(), folder.path().join("logins.log"));
        verifier.set_policy(ALLOW_ALL).unwrap();
        Fixture { verifier, folder }
    }

    /// The token with the parameter `name` set to `value`, which is percent-encoded already, or
    /// left out. The signature is as it was.
    fn with(&self, name: &str, value: Option<&str>) -> String {
        let (start, query) = self.token.split_once('?').unwrap();
        let mut parameters: Vec<String> = query.split('&').map(str::to_owned).collect();
        parameters.retain(|parameter| !parameter.starts_with(&format!("{name}=")));
        parameters.extend(value.map(|value| format!("{name}={value}")));
        format!("{start}?{}", parameters.join("&"))
    }

    /// `token` with a valid signature by the vector's key.
    fn signed_anew(&self, token: &str) -> String {
        let parsed = Token::parse(token.as_bytes()).unwrap();
        let date = parsed.get("X-Amz-Date").unwrap();
        let scope: Vec<&str> = parsed.get("X-Amz-Credential").unwrap().split('/').collect();
        let scope = Scope { day: scope[1], region: scope[2] };
        let signature = signature::sign(&parsed, date, &scope, &self.secret_access_key);
        Self { token: token.to_owned(), ..self.clone() }.with(SIGNATURE, Some(&signature))
    }
}

/// A verifier and the folder of its log.
struct Fixture {
    verifier: Verifier,
    folder: TempDir,
}

impl Fixture {
    fn log(&self) -> String {
        std::fs::read_to_string(self.verifier.log_path()).unwrap()
    }
}

#[test]
fn every_vector_is_let_in_for_900_seconds_and_by_its_own_key_alone() {
    for vector in vectors() {
        let Fixture { verifier, folder: _folder } = vector.fixture();
        let verify = |seconds: i64| {
            let now = shift(vector.signed_at(), seconds);
            verifier.verify(vector.user.as_bytes(), vector.token.as_bytes(), now)
        };
        assert_eq!(verify(0), Ok(()), "{vector:?}");
        assert_eq!(verify(900), Ok(()), "{vector:?}");
        assert!(matches!(verify(901), Err(Refusal::Expired { .. })), "{vector:?}");
        assert!(matches!(verify(-1), Err(Refusal::NotYetValid { .. })), "{vector:?}");

        verifier.set_keys(vec![AccessKey { secret: "other".into(), ..vector.key() }]);
        assert_eq!(verify(0), Err(Refusal::Signature), "{vector:?}");
    }
}
