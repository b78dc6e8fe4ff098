//! What the doctor says about set-ups that are each broken in one way: the first cause that it names is
//! the right one. It says nothing about healthy set-ups.
//!
//! Causes that leave no trace share a server: each is corrected before the next.

pub(crate) mod certificates;
mod changed;
mod denied;
mod inside;
mod mended;
mod network;
mod own_ca;
mod proxied;
mod quoted;
mod settings;
mod stand_in;
mod uncounted;
mod unverified;
mod waits;

pub use changed::resource_id;
pub use denied::{denied, no_region, proxy, refused};
pub use inside::inside;
pub use mended::mended;
pub use network::network;
pub use own_ca::own_ca;
pub use proxied::{pins, proxy_statements, proxy_words};
pub use quoted::{checked, quoted};
pub use settings::settings;
pub use uncounted::{denied_once, uncounted};
pub use unverified::{gateway, no_tls, unverified};
pub use waits::waits;

use diagnosis::Cause;
use engine::Engine;
use function_harness::{Deployed, Harness};
use local_rds::Server;
use serde_json::{Value, json};

const STEPS: [&str; 10] = [
    "settings",
    "credentials",
    "endpoint",
    "trust",
    "dns",
    "tcp",
    "tls",
    "login",
    "database",
    "statements",
];

/// Has the doctor examine the function.
pub(crate) async fn diagnosis(function: &Deployed<'_>) -> Value {
    let diagnosis = function.ok(diagnosis::EVENT).await["diagnose"].take();
    let text = diagnosis.to_string();
    function.assert_discreet(&text);
    let steps = diagnosis["steps"].as_array().expect("a list of steps");
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(names, STEPS);
    // An unfilled placeholder would have been printed in capitals.
    for cause in diagnosis["causes"].as_array().expect("a list of causes") {
        for field in ["cause", "title", "because", "confirm", "fix"] {
            assert!(!cause[field].as_str().unwrap().is_empty(), "{field}: {diagnosis:#}");
        }
    }
    diagnosis
}

/// Fails unless the doctor finds that `function` fails at `step`, and names `cause` first.
pub(crate) async fn names(function: &Deployed<'_>, step: &str, cause: Cause) -> Value {
    let diagnosis = diagnosis(function).await;
    assert_eq!(diagnosis["causes"][0]["cause"], cause.id(), "{diagnosis:#}");
    assert_eq!(diagnosis["ok"], false);
    let steps = diagnosis["steps"].as_array().unwrap();
    let at = STEPS.iter().position(|name| *name == step).unwrap();
    let verdict = |step: &Value| step["verdict"].as_str().unwrap_or_default().to_owned();
    assert!(["failed", "warning"].contains(&&*verdict(&steps[at])), "{diagnosis:#}");
    assert!(steps[..at].iter().all(|step| verdict(step) != "failed"), "{diagnosis:#}");
    if verdict(&steps[at]) == "failed" {
        assert!(steps[at + 1..].iter().all(|step| verdict(step) == "not_reached"), "{diagnosis:#}");
    }
    diagnosis
}

/// As [`names`], for the function deployed with `changes`.
pub(crate) async fn named(
    harness: &Harness,
    changes: &[(&str, &str)],
    step: &str,
    cause: Cause,
) -> Value {
    names(&harness.deploy(changes).await, step, cause).await
}

/// Fails unless every step is ok and the doctor names no cause.
pub(crate) async fn is_healthy(function: &Deployed<'_>) -> Value {
    let diagnosis = diagnosis(function).await;
    assert_eq!(diagnosis["ok"], true, "{diagnosis:#}");
    assert_eq!(diagnosis["causes"], json!([]), "{diagnosis:#}");
    let steps = diagnosis["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["verdict"] == "ok"), "{diagnosis:#}");
    diagnosis
}

/// Attaches a policy to the function's role that allows logins on `resource`.
pub(crate) fn allow(harness: &Harness, resource: &str) {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",
            "Action":"rds-db:connect","Resource":"{resource}"}}]}}"#
    );
    harness.server.iam().set_policy(&policy).expect("a valid policy");
}

/// A healthy set-up, and the facts about it, under the names that programs read.
pub async fn healthy(engine: Engine, bootstrap: &str) {
    // With the certificates that RDS gives by default.
    let harness = Harness::with(Server::builder(engine), bootstrap).await;
    let function = harness.deploy(&[]).await;
    let diagnosis = is_healthy(&function).await;
    let fact = |step: &str, fact: &str| {
        let at = STEPS.iter().position(|name| *name == step).unwrap();
        let value = diagnosis["steps"][at]["facts"][fact].clone();
        assert!(!value.is_null(), "{step} has no {fact}: {diagnosis:#}");
        value
    };
    assert_eq!(fact("settings", "db_host"), harness.server.host());
    assert_eq!(fact("credentials", "access_key_id"), harness.server.access_key().id);
    assert_eq!(fact("credentials", "source"), "environment");
    let signed_for = format!("{}:{}", harness.server.host(), harness.server.port());
    assert_eq!(fact("endpoint", "signed_for"), signed_for);
    assert_eq!(fact("endpoint", "kind"), "instance");
    assert_eq!(fact("trust", "file"), harness.server.ca_bundle().display().to_string());
    assert_eq!(fact("dns", "addresses"), json!(["127.0.0.1"]));
    assert_eq!(fact("dns", "private"), true);
    assert_eq!(fact("tcp", "peer"), harness.server.address().to_string());
    assert_eq!(fact("tls", "version"), "TLSv1.3");
    assert_eq!(fact("tls", "names"), json!([harness.server.host()]));
    assert_eq!(fact("tls", "ca"), "rds-ca-rsa2048-g1");
    let token =
        if engine == Engine::Postgres { "cleartext password" } else { "mysql_clear_password" };
    assert_eq!(fact("login", "server_asks_for"), token);
    assert_eq!(fact("database", "tls_version"), "TLSv1.3");
    assert_eq!(fact("database", "read_only"), false);
    assert!(fact("database", "clock_offset_s").as_f64().unwrap().abs() < 30.0);
    assert!(fact("database", "user").as_str().unwrap().starts_with(harness.server.user()));
    assert_eq!(fact("statements", "statements").as_array().unwrap().len(), 3);
    // The function's own connection is unaffected.
    assert_eq!(function.ok(r#"{"statement":"items"}"#).await["row_count"], 3);
}
