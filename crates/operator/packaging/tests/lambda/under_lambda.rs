//! The zip and the layer, unpacked as by Lambda and started by the emulator of Lambda's base images, against
//! servers that accept only IAM tokens.

use function_harness::layer;
use local_rds::{Engine, Server};
use serde_json::json;
use std::fs;
use tempfile::TempDir;

use crate::built::package;
use crate::emulator::{Emulator, settings};

const ITEMS: &str = r#"{"statement":"items"}"#;

#[test]
fn mysql() {
    returns_the_rows(Engine::MySql);
}

#[test]
fn mariadb() {
    returns_the_rows(Engine::MariaDb);
}

#[test]
fn postgres() {
    returns_the_rows(Engine::Postgres);
}

fn returns_the_rows(engine: Engine) {
    let zip = &package(engine.function()).zip;
    let server = Server::builder(engine).setup(local_stack::ITEMS).start().unwrap();
    let settings = settings(&server);

    // The deployed layer has AWS's roots, which do not verify this server.
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    let opt = folder.path().join("opt");
    layer::unpack(&layer::files(), &opt);
    let lambda = Emulator::start(zip, &opt, &settings, folder.path());
    let error = lambda.invoke(ITEMS);
    assert_eq!(error["errorType"], "Connect.Tls", "{error:#}\n{}", lambda.log());
    let message = error["errorMessage"].as_str().unwrap();
    assert!(message.contains("/opt/rds-ca/eu-west-1-bundle.pem"), "{message}");
    drop(lambda);

    // The same layer, with this server's root in place of the region's.
    fs::copy(server.ca_bundle(), opt.join("rds-ca/eu-west-1-bundle.pem")).unwrap();
    let lambda = Emulator::start(zip, &opt, &settings, folder.path());
    let response = lambda.invoke(ITEMS);
    let rows = json!([
        {"id": 1, "name": "first"}, {"id": 2, "name": "second"}, {"id": 3, "name": "third"}
    ]);
    assert_eq!(response["rows"], rows, "{response:#}\n{}", lambda.log());

    let error = lambda.invoke(r#"{"statement":"itmes"}"#);
    assert_eq!(error["errorType"], "Statement", "{error:#}");
    assert!(error["errorMessage"].as_str().unwrap().contains("items"), "{error:#}");
    assert_eq!(lambda.invoke(ITEMS)["connection"]["reused"], true);
}
