//! Tokens, compared with those of another implementation and parsed independently.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod parsed_token;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials as AwsCredentials;
use iam_auth::{Credentials, Endpoint, TokenSigner, sign};
use parsed_token::ParsedToken;
use proptest::prelude::*;

const HOST: &str = "db.abc123def456.eu-west-1.rds.amazonaws.com";

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn endpoint() -> Endpoint {
    Endpoint::parse(HOST, 3306).unwrap()
}

fn keys(expiry: Option<SystemTime>) -> AwsCredentials {
    AwsCredentials::new("AKIDEXAMPLE", "SECRETKEY", Some("SESSION/+=".to_owned()), expiry, "test")
}

#[derive(serde::Deserialize)]
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

#[test]
fn all_vectors() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("vectors/token_vectors.json")).unwrap();
    assert_eq!(vectors.len(), 24);
    for vector in vectors {
        let endpoint = Endpoint::parse(&vector.host, vector.port).unwrap();
        assert_eq!(endpoint.region(), vector.region);
        let keys = AwsCredentials::new(
            vector.access_key_id,
            vector.secret_access_key,
            vector.session_token,
            None,
            "vector",
        );
        let token = sign(&endpoint, &vector.user, &keys, at(vector.unix_time)).unwrap();
        assert_eq!(ParsedToken::read(token.expose()), ParsedToken::read(&vector.token));
    }
}

#[test]
fn fifteen_minutes_from_the_second_of_signing() {
    let now = at(1_800_000_000) + Duration::from_nanos(999_999_999);
    let expires_at = |expiry| sign(&endpoint(), "u", &keys(expiry), now).unwrap().expires_at();
    assert_eq!(expires_at(None), at(1_800_000_900));
    // The credentials may end the token sooner, never later.
    assert_eq!(expires_at(Some(at(1_800_000_899))), at(1_800_000_899));
    assert_eq!(expires_at(Some(at(1_800_000_901))), at(1_800_000_900));
}

#[test]
fn credentials_about_to_expire_do_not_sign() {
    let now = at(1_800_000_000);
    let good = keys(Some(now + Duration::from_secs(61)));
    assert!(sign(&endpoint(), "u", &good, now).is_ok());
    for left in [60, 1, 0] {
        let keys = keys(Some(now + Duration::from_secs(left)));
        let error = sign(&endpoint(), "u", &keys, now).unwrap_err();
        assert!(error.is_credentials());
        assert!(error.to_string().contains(&format!("expire in {left} s")), "{error}");
    }
    let expired = keys(Some(now - Duration::from_secs(3600)));
    assert!(sign(&endpoint(), "u", &expired, now).unwrap_err().is_credentials());
}

#[test]
fn users_that_cannot_be_signed_for_are_refused() {
    for user in ["", "a\0b"] {
        assert!(sign(&endpoint(), user, &keys(None), at(0)).unwrap_err().is_user());
        let credentials = Credentials::from_provider(keys(None));
        assert!(TokenSigner::new(endpoint(), user, credentials).unwrap_err().is_user());
    }
}

#[test]
fn a_clock_outside_the_calendar_is_refused() {
    for now in [UNIX_EPOCH - Duration::from_secs(1), at(253_402_300_800)] {
        assert!(sign(&endpoint(), "u", &keys(None), now).unwrap_err().is_clock());
    }
    assert!(sign(&endpoint(), "u", &keys(None), at(253_402_300_799)).is_ok());
}

#[tokio::test]
async fn a_signer_signs_for_its_user_and_endpoint() {
    let credentials = Credentials::from_provider(keys(None));
    let signer = TokenSigner::new(endpoint(), "Lambda-User", credentials).unwrap();
    let now = at(1_800_000_000);
    let token = signer.token(now).await.unwrap();
    let direct = sign(signer.endpoint(), signer.user(), &keys(None), now).unwrap();
    assert_eq!(token.expose(), direct.expose());
    assert_eq!(ParsedToken::read(token.expose()).parameters["DBUser"], "Lambda-User");
    let later = signer.token(now + Duration::from_secs(1)).await.unwrap();
    assert_ne!(later.expose(), token.expose(), "a token is signed for each login");
}

/// Host names that may stand in a certificate: labels of letters, digits and inner hyphens.
fn host_name() -> impl Strategy<Value = String> {
    let label = "[a-z]([a-z0-9-]{0,20}[a-z0-9])?";
    prop::collection::vec(label, 1..6).prop_map(|labels| labels.join("."))
}

fn any_host() -> impl Strategy<Value = String> {
    prop_oneof![
        host_name(),
        any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|address| address.to_string()),
    ]
}

proptest! {
    #[test]
    fn any_user_and_any_host_come_back(
        user in "[^\0]{1,200}",
        host in any_host(),
        port in 1..=u16::MAX,
        access_key_id in "\\PC{1,40}",
        session_token in prop::option::of("\\PC{0,600}"),
        seconds in 0..4_102_444_800_u64,
    ) {
        let endpoint = Endpoint::with_region(&host, port, "us-gov-west-1").unwrap();
        let keys = AwsCredentials::new(
            access_key_id.clone(), "SECRETKEY", session_token.clone(), None, "test",
        );
        let token = sign(&endpoint, &user, &keys, at(seconds)).unwrap();

        let mut parsed = ParsedToken::read(token.expose());
        let signature = parsed.parameters.remove("X-Amz-Signature").unwrap();
        prop_assert!(signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let date = parsed.parameters.remove("X-Amz-Date").unwrap();
        let credential =
            format!("{access_key_id}/{}/us-gov-west-1/rds-db/aws4_request", &date[..8]);
        let mut expected = BTreeMap::from([
            ("Action", "connect"),
            ("DBUser", &user),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Expires", "900"),
            ("X-Amz-SignedHeaders", "host"),
        ]);
        expected.extend(session_token.as_deref().map(|token| ("X-Amz-Security-Token", token)));
        let parameters: BTreeMap<_, _> =
            parsed.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        prop_assert_eq!(parameters, expected);
        prop_assert_eq!((parsed.host, parsed.port), (host, port));
    }
}
