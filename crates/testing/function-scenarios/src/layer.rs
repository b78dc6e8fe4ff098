//! The layer, from its zip to a login: mounted where Lambda unpacks it, and found by default.

use engine::Engine;
use function_harness::Harness;
use function_harness::event::ITEMS;
use function_harness::layer::{files, unpack};
use local_rds::Server;
use std::fs;

const REGION_FILE: &str = "eu-west-1-bundle.pem";
const PROXY_FILE: &str = "amazon-trust-roots.pem";

/// A database's certificate is verified with its region's file, and with nothing else in the layer.
pub async fn regions_roots(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    logs_in(&harness, REGION_FILE).await;
    is_not_trusted(&harness, REGION_FILE).await;
}

/// A proxy's certificate is verified with the roots of Amazon Trust Services.
pub async fn proxy_roots(engine: Engine, bootstrap: &str) {
    let host = format!("local-{engine}.proxy-abc123def456.eu-west-1.rds.amazonaws.com");
    let harness = Harness::with(Server::builder(engine).named(host), bootstrap).await;
    logs_in(&harness, PROXY_FILE).await;
    is_not_trusted(&harness, PROXY_FILE).await;
}

/// The error for a layer without the endpoint's region says how to get one with it.
pub async fn region_not_there(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let mut files = files();
    files.remove(REGION_FILE);
    unpack(&files, &harness.folder().join("opt"));
    let function = harness.deploy_with_layer(&harness.folder().join("opt")).await;
    let message = function.fails(ITEMS, "Settings").await;
    assert!(message.contains("/opt/rds-ca/eu-west-1-bundle.pem"), "{message}");
    assert!(message.contains("has no root certificates for eu-west-1"), "{message}");
    assert!(message.contains("cargo xtask certs update"), "{message}");
}

/// With the server's root in `file` only, the function logs in, and its first log line names the file.
async fn logs_in(harness: &Harness, file: &str) {
    let root = fs::read_to_string(harness.server.ca_bundle()).unwrap();
    let mut files = files();
    let trust =
        format!("(1 root from /opt/rds-ca/{file}, sha256 {})", rds_ca::sha256(root.as_bytes()));
    files.insert(file.to_owned(), root);
    let opt = harness.folder().join("opt-ours");
    unpack(&files, &opt);
    let function = harness.deploy_with_layer(&opt).await;
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    let logs = function.logs();
    let first = logs.lines().find(|line| line.contains("\"connected\"")).unwrap_or_default();
    assert!(first.contains(&trust), "{trust} is not in {first}");
}

/// With the server's root in every file but `file`, which holds AWS's, nothing is sent.
async fn is_not_trusted(harness: &Harness, file: &str) {
    let root = fs::read_to_string(harness.server.ca_bundle()).unwrap();
    let mut files = files();
    let aws = rds_ca::sha256(files[file].as_bytes());
    for (_, text) in files.iter_mut().filter(|(name, _)| *name != file && name.ends_with(".pem")) {
        text.clone_from(&root);
    }
    let opt = harness.folder().join("opt-aws");
    unpack(&files, &opt);
    let function = harness.deploy_with_layer(&opt).await;
    let message = function.fails(ITEMS, "Connect.Tls").await;
    assert!(message.contains("not issued by any root in the bundle"), "{message}");
    assert!(message.contains(&format!("from /opt/rds-ca/{file}, sha256 {aws}")), "{message}");
}
