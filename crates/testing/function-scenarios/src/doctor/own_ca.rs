//! Servers whose certificate only a private CA signed: they may be anybody's.

use diagnosis::Cause;
use engine::Engine;
use function_harness::Harness;
use local_rds::Server;
use std::fs;

use super::named;

/// No token for another endpoint is sent to such a server, and no fix repeats what it says about
/// itself. The server would accept the token.
pub async fn own_ca(engine: Engine, bootstrap: &str) {
    let cname = "db.corp.example";
    let alias = "alias.zyx987wvu654.eu-west-1.rds.amazonaws.com";
    let server = Server::builder(engine).also_named(cname).also_named(alias);
    let harness = Harness::with(server, bootstrap).await;
    let host = harness.server.host().to_owned();
    // AWS's roots in the same bundle change nothing.
    let own = fs::read_to_string(harness.server.ca_bundle()).unwrap();
    let mixed = harness.folder().join("mixed.pem");
    let certs = pinned_tools::workspace().unwrap().join("certs/global-bundle.pem");
    fs::write(&mixed, own + &fs::read_to_string(certs).unwrap()).unwrap();
    let mixed = mixed.display().to_string();
    let bundles = [harness.server.ca_bundle().display().to_string(), mixed];
    for bundle in &bundles {
        let bundle = ("DB_CA_BUNDLE", bundle.as_str());
        let at_cname = [bundle, ("DB_HOST", cname), ("DB_REGION", "eu-west-1")];
        for (changes, elsewhere, cause) in [
            (&at_cname[..], host.clone(), Cause::SignedForCname),
            (&[bundle, ("DB_HOST", alias)], host.clone(), Cause::WrongEndpoint),
            (
                &[bundle, ("DB_PORT", "13306")],
                format!("{host}:{}", harness.server.port()),
                Cause::WrongPort,
            ),
        ] {
            let diagnosis = named(
                &harness,
                changes,
                "login",
                if cause == Cause::SignedForCname { cause } else { Cause::PolicyMissing },
            )
            .await;
            let tried = diagnosis["steps"][7]["facts"]["tried"].to_string();
            assert!(tried.contains("a second later") && !tried.contains(&elsewhere), "{tried}");
            let causes = diagnosis["causes"].as_array().unwrap();
            let suspect = causes.iter().find(|one| one["cause"] == cause.id());
            let suspect = suspect.unwrap_or_else(|| panic!("no {cause:?}: {diagnosis:#}"));
            let fix = suspect["fix"].as_str().unwrap();
            assert!(!fix.contains(&host) || cause == Cause::WrongPort, "{fix}");
        }
    }
    // Each token that the server saw was for the configured endpoint.
    let log = fs::read_to_string(harness.server.iam().log_path()).unwrap();
    assert!(!log.contains(" allowed "), "{log}");
}
