//! Servers that cannot prove that they are the endpoint.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use local_rds::Server;
use std::fs;

use super::certificates::{Authority, Validity, self_signed};
use super::{is_healthy, named};

/// Bundles that do not match the server, and certificates that do not match the endpoint.
pub async fn unverified(engine: Engine, bootstrap: &str) {
    // With certificates of the CA whose names are below.
    let harness = Harness::with(Server::builder(engine), bootstrap).await;
    let host = harness.server.host().to_owned();
    let before = harness.server.iam().refusals().len();
    bundles(&harness).await;

    let other = "other.abc123def456.eu-west-1.rds.amazonaws.com";
    named(&harness, &[("DB_HOST", other)], "tls", Cause::WrongName).await;
    let cname = [("DB_HOST", "db.corp.example"), ("DB_REGION", "eu-west-1")];
    let diagnosis = named(&harness, &cname, "tls", Cause::SignedForCname).await;
    // The certificate's names prove nothing unless one of them was asked for.
    let fix = diagnosis["causes"][0]["fix"].as_str().unwrap();
    assert!(!fix.contains(&host) && fix.contains("RDS shows"), "{fix}");
    assert!(fix.contains("db.corp.example:"), "{fix}");
    no_token_was_sent(&harness, before);

    presented(&harness, &host).await;
}

/// Fails if the verifier has been asked about a token since. It may have been asked without one, by a
/// client that only wanted to know the server's authentication method.
fn no_token_was_sent(harness: &Harness, before: usize) {
    let refusals = harness.server.iam().refusals();
    let tokens = refusals[before..].iter().filter(|line| !line.contains("the password is empty"));
    assert_eq!(tokens.count(), 0, "a token was sent: {refusals:?}");
}

/// The server's certificate is right, and the bundle is wrong.
async fn bundles(harness: &Harness) {
    let write = |name: &str, pem: &str| {
        let path = harness.folder().join(name);
        fs::write(&path, pem).unwrap();
        path.display().to_string()
    };
    let all = pinned_tools::workspace().unwrap().join("certs");
    let trust = all.join("amazon-trust-roots.pem").display().to_string();
    named(harness, &[("DB_CA_BUNDLE", &trust)], "tls", Cause::ProxyBundleForInstance).await;
    let elsewhere = Authority::new("Amazon RDS us-east-1 Root CA RSA2048 G1", Validity::YEARS);
    let elsewhere = write("us-east-1.pem", &elsewhere.pem());
    named(harness, &[("DB_CA_BUNDLE", &elsewhere)], "tls", Cause::BundleOfOtherRegion).await;
    let namesake = Authority::new("Amazon RDS eu-west-1 Root CA RSA2048 G1", Validity::YEARS);
    let namesake = write("eu-west-1.pem", &namesake.pem());
    named(harness, &[("DB_CA_BUNDLE", &namesake)], "tls", Cause::CaOfSameName).await;
    // A local server's CA has the names of RDS's.
    let of_rds = all.join("global-bundle.pem").display().to_string();
    named(harness, &[("DB_CA_BUNDLE", &of_rds)], "tls", Cause::CaOfSameName).await;

    let ending = Authority::new("Amazon RDS eu-west-1 Root CA RSA2048 G9", Validity::DAYS);
    let own = fs::read_to_string(harness.server.ca_bundle()).unwrap();
    let ending = write("ending.pem", &(own + &ending.pem()));
    named(harness, &[("DB_CA_BUNDLE", &ending)], "trust", Cause::BundleExpires).await;
}

/// The server presents one certificate after another.
async fn presented(harness: &Harness, host: &str) {
    let rds = Authority::new("Amazon RDS eu-west-1 Root CA RSA2048 G1", Validity::YEARS);
    let acm = Authority::new("Amazon RSA 2048 M02", Validity::YEARS);
    let write = |name: &str, authority: &Authority| {
        let path = harness.folder().join(name);
        fs::write(&path, authority.pem()).unwrap();
        path.display().to_string()
    };
    let (rds_bundle, acm_bundle) = (write("rds.pem", &rds), write("acm.pem", &acm));
    let trusting_rds = [("DB_CA_BUNDLE", rds_bundle.as_str())];

    harness.server.present(&rds.issue(host, Validity::OVER)).unwrap();
    named(harness, &trusting_rds, "tls", Cause::CertificateExpired).await;
    harness.server.present(&rds.issue(host, Validity::AHEAD)).unwrap();
    named(harness, &trusting_rds, "tls", Cause::ClockOff).await;
    harness.server.present(&self_signed(host)).unwrap();
    named(harness, &trusting_rds, "tls", Cause::SelfSigned).await;
    harness.server.present(&acm.issue(host, Validity::YEARS)).unwrap();
    named(harness, &trusting_rds, "tls", Cause::RdsBundleForProxy).await;
    is_healthy(&harness.deploy(&[("DB_CA_BUNDLE", &acm_bundle)]).await).await;
    harness.server.present(&rds.issue(host, Validity::DAYS)).unwrap();
    named(harness, &trusting_rds, "tls", Cause::CertificateExpires).await;
    harness.server.present(&rds.issue(host, Validity::YEARS)).unwrap();
    is_healthy(&harness.deploy(&trusting_rds).await).await;
}

/// Amazon's chain behind the name of a cluster is an internet access gateway's, and behind a proxy's
/// name a proxy's. It is trusted only when a setting says so.
pub async fn gateway(engine: Engine, bootstrap: &str) {
    let cluster = "shop.cluster-abc123def456.eu-west-1.rds.amazonaws.com";
    let reader = "shop.cluster-ro-abc123def456.eu-west-1.rds.amazonaws.com";
    let proxy = "shop.proxy-abc123def456.eu-west-1.rds.amazonaws.com";
    let instance = "shop-1.abc123def456.eu-west-1.rds.amazonaws.com";
    let harness = Harness::with(Server::builder(engine).named(cluster), bootstrap).await;
    let amazon = Authority::new("Amazon RSA 2048 M02", Validity::YEARS);
    let of_amazon = harness.folder().join("amazon.pem").display().to_string();
    fs::write(&of_amazon, amazon.pem()).unwrap();
    harness.server.present(&amazon.issue(cluster, Validity::YEARS)).unwrap();

    for (host, first) in [
        (cluster, Cause::GatewayNeedsAmazonRoots),
        (reader, Cause::GatewayNeedsAmazonRoots),
        (proxy, Cause::RdsBundleForProxy),
        (instance, Cause::RdsBundleForProxy),
    ] {
        let diagnosis = named(&harness, &[("DB_HOST", host)], "tls", first).await;
        let causes = diagnosis["causes"].as_array().unwrap();
        let gateway = causes.iter().find(|it| it["cause"] == Cause::GatewayNeedsAmazonRoots.id());
        assert_eq!(gateway.is_some(), host != proxy, "{diagnosis:#}");
        let fix = gateway.map_or("", |cause| cause["fix"].as_str().unwrap());
        assert!(host == proxy || fix.contains("set DB_TRUST to amazon"), "{fix}");
    }
    no_token_was_sent(&harness, 0);
    is_healthy(&harness.deploy(&[("DB_CA_BUNDLE", &of_amazon)]).await).await;
}

/// A server without TLS gets no token.
pub async fn no_tls(engine: Engine, bootstrap: &str) {
    let harness = Harness::with(Server::builder(engine).without_tls(), bootstrap).await;
    named(&harness, &[], "tls", Cause::NoTls).await;
    no_token_was_sent(&harness, 0);
}
