//! The layer, from its zip to a login: mounted where Lambda unpacks it, and found by default.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use function_harness::event::ITEMS;
use function_harness::layer::{files, unpack};
use local_rds::Server;
use std::fs;

use crate::doctor::certificates::{Authority, Validity};
use crate::doctor::{is_healthy, names};

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

/// An Aurora cluster with express configuration has an ordinary name and a certificate of Amazon Trust
/// Services. `DB_TRUST` chooses the roots, and what a server presents never does.
pub async fn express_cluster(engine: Engine, bootstrap: &str) {
    let cluster = "app.cluster-abc123def456.eu-west-1.rds.amazonaws.com";
    let proxy = "app.proxy-abc123def456.eu-west-1.rds.amazonaws.com";
    let amazon = Authority::new("Amazon Root CA 1", Validity::YEARS);
    let server = Server::builder(engine).named(cluster).also_named(proxy);
    let mut harness = Harness::with(server, bootstrap).await;
    harness.server.present(&amazon.issue(cluster, Validity::YEARS)).unwrap();
    let mut files = files();
    files.insert(PROXY_FILE.to_owned(), amazon.pem());
    harness.set_layer(&files);

    let trusts_amazon = harness.deploy(&[("DB_TRUST", "amazon")]).await;
    assert_eq!(trusts_amazon.ok(ITEMS).await["row_count"], 3);
    is_healthy(&trusts_amazon).await;
    let refusals = harness.server.iam().refusals();
    for trust in ["", "rds"] {
        let function = harness.deploy(&[("DB_TRUST", trust)]).await;
        let message = function.fails(ITEMS, "Connect.Tls").await;
        assert!(message.contains(&format!("from /opt/rds-ca/{REGION_FILE}")), "{message}");
        names(&function, "tls", Cause::GatewayNeedsAmazonRoots).await;
    }
    // The other way round: a proxy, whose certificates need no setting.
    harness.server.present(&amazon.issue(proxy, Validity::YEARS)).unwrap();
    let trusts_rds = harness.deploy(&[("DB_HOST", proxy), ("DB_TRUST", "rds")]).await;
    trusts_rds.fails(ITEMS, "Connect.Tls").await;
    names(&trusts_rds, "tls", Cause::RdsBundleForProxy).await;
    assert_eq!(harness.server.iam().refusals(), refusals, "a token was sent");
}
