//! Settings and credentials that are wrong, before anything is sent.

use local_rds::Engine;
use local_rds::iam::AccessKey;
use std::fs;

use super::{named, names};
use function_harness::Harness;

/// A function that cannot start answers the doctor all the same.
pub async fn settings(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let folder = harness.folder().join("bad");
    fs::create_dir_all(&folder).unwrap();
    let bundle = folder.join("ca.pem");
    fs::write(&bundle, "no certificate here\n").unwrap();
    fs::write(folder.join("one.sql"), "-- mode: sometimes\nSELECT 1").unwrap();
    let (folder, bundle) = (folder.display().to_string(), bundle.display().to_string());
    let long = "u".repeat(129);
    let user = if engine == Engine::Postgres { &long[..64] } else { &*long };
    for (change, cause, told) in [
        (("DB_USER", user), "setting-malformed", "DB_USER has"),
        (("DB_HOST", ""), "setting-missing", "DB_HOST"),
        (("DB_USER", ""), "setting-missing", "DB_USER"),
        (("DB_PORT", "many"), "setting-malformed", "DB_PORT"),
        (("DB_CONNECT_TO", "nowhere"), "setting-malformed", "DB_CONNECT_TO"),
        (("DB_HOST", "https://db/"), "db-host-malformed", "DB_HOST"),
        (("DB_REGION", "us-east-1"), "region-contradicts-host", "us-east-1"),
        (("DB_CA_BUNDLE", "/no/such/ca.pem"), "ca-bundle-missing", "/no/such/ca.pem"),
        (("DB_CA_BUNDLE", &*bundle), "ca-bundle-unusable", "eu-west-1-bundle.pem"),
        (("STATEMENTS_DIR", "/no/such/folder"), "statements-missing", "STATEMENTS_DIR"),
        (("STATEMENTS_DIR", &*folder), "statement-file-malformed", "sometimes"),
        (("SCHEDULED_STATEMENT", "none"), "scheduled-statement-unknown", "SCHEDULED_STATEMENT"),
    ] {
        let diagnosis = named(&harness, &[change], "settings", cause).await;
        let texts = diagnosis.to_string();
        assert!(texts.contains(told), "{change:?}: {diagnosis:#}");
    }

    let function = harness.deploy_without_credentials().await;
    names(&function, "credentials", "credentials-missing").await;
    // These two are seen when the server denies what was signed with them.
    let key = harness.server.access_key();
    let whole = key.session_token.clone().unwrap();
    let without = AccessKey { session_token: None, ..key.clone() };
    names(&harness.deploy_signed_by(without, &[]).await, "login", "session-token-missing").await;
    let cut = AccessKey { session_token: Some(whole[..whole.len() - 3].to_owned()), ..key };
    names(&harness.deploy_signed_by(cut, &[]).await, "login", "token-truncated").await;
}
