//! No secret is printed: not in Debug, not in an error, not at TRACE.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials as AwsCredentials;
use iam_auth::{Credentials, Endpoint, TokenSigner};

/// All that is logged in this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_printed() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .init();
    tracing::trace!("the log is being read");

    let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let keys = |expiry| {
        let session = Some("SESSIONSECRET".to_owned());
        AwsCredentials::new("AKIDEXAMPLE", "KEYSECRET", session, expiry, "test")
    };
    let endpoint = Endpoint::parse("db.abc1.eu-west-1.rds.amazonaws.com", 3306).unwrap();
    let signer_with = |keys| {
        TokenSigner::new(endpoint.clone(), "lambda-user", Credentials::from_provider(keys)).unwrap()
    };
    let signer = signer_with(keys(None));
    let token = signer.token(now).await.unwrap();
    let error = signer_with(keys(Some(now))).token(now).await.unwrap_err();

    let signature = token.expose().rsplit_once('=').unwrap().1;
    let mut printed = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(printed.contains("the log is being read"), "{printed}");
    printed += &format!("{token:?} {signer:?} {signer:#?} {error} {error:?}");
    assert!(printed.contains("AuthToken(** redacted **)"), "{printed}");
    for secret in ["SESSIONSECRET", "KEYSECRET", signature] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
