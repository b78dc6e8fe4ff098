//! Wrong settings and credentials, before anything is sent.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use local_rds::iam::AccessKey;
use std::fs;

use super::{named, names};

/// A function that cannot start still answers the doctor.
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
    let documents = "docs.cluster-abc123.eu-west-1.docdb.amazonaws.com";
    let shards = "db.shardgrp-abc123.eu-west-1.rds.amazonaws.com";
    for (change, cause, told) in [
        (("DB_USER", user), Cause::SettingMalformed, "DB_USER has"),
        (("DB_HOST", ""), Cause::SettingMissing, "DB_HOST"),
        (("DB_USER", ""), Cause::SettingMissing, "DB_USER"),
        (("DB_PORT", "many"), Cause::SettingMalformed, "DB_PORT"),
        (("DB_CONNECT_TO", "nowhere"), Cause::SettingMalformed, "DB_CONNECT_TO"),
        (("DB_HOST", "https://db/"), Cause::HostMalformed, "DB_HOST"),
        (("DB_HOST", "foo4abc.dsql.us-east-1.on.aws"), Cause::OtherService, "DbConnect"),
        (("DB_HOST", documents), Cause::OtherService, "MONGODB-AWS"),
        (("DB_HOST", shards), Cause::EndpointUnsupported, "cluster"),
        (("DB_TRUST", "web"), Cause::SettingMalformed, "neither rds"),
        (("DB_REGION", "us-east-1"), Cause::RegionContradicts, "us-east-1"),
        (("DB_CA_BUNDLE", "/no/such/ca.pem"), Cause::BundleMissing, "/no/such/ca.pem"),
        (("DB_CA_BUNDLE", &*bundle), Cause::BundleUnusable, "eu-west-1-bundle.pem"),
        (("STATEMENTS_DIR", "/no/such/folder"), Cause::StatementsMissing, "STATEMENTS_DIR"),
        (("STATEMENTS_DIR", &*folder), Cause::StatementFile, "sometimes"),
        (("SCHEDULED_STATEMENT", "none"), Cause::ScheduledUnknown, "SCHEDULED_STATEMENT"),
    ] {
        let diagnosis = named(&harness, &[change], "settings", cause).await;
        let texts = diagnosis.to_string();
        assert!(texts.contains(told), "{change:?}: {diagnosis:#}");
    }

    let function = harness.deploy_without_credentials().await;
    names(&function, "credentials", Cause::CredentialsMissing).await;
    // These two are noticed when the server denies the token.
    let key = harness.server.access_key();
    let whole = key.session_token.clone().unwrap();
    let without = AccessKey { session_token: None, ..key.clone() };
    names(&harness.deploy_signed_by(without, &[]).await, "login", Cause::SessionTokenMissing).await;
    let cut = AccessKey { session_token: Some(whole[..whole.len() - 3].to_owned()), ..key };
    names(&harness.deploy_signed_by(cut, &[]).await, "login", Cause::TokenTruncated).await;
}
