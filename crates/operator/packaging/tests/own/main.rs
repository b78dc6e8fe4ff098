//! A function of one's own, `examples/own-function`: its own tests, and its zips under AWS's emulator.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../lambda/emulator.rs"]
mod emulator;
#[path = "../lambda/machine.rs"]
mod machine;

use function_harness::layer;
use local_rds::{Engine, Server};
use packaging::OwnPackage;
use serde_json::json;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

use emulator::{Emulator, settings};
use machine::{architecture, say};

fn example() -> PathBuf {
    pinned_tools::workspace().unwrap().join("examples/own-function")
}

fn run(command: &mut Command) {
    // The workspace's, which has many of its dependencies: those with the same features and profile.
    let target = pinned_tools::target().unwrap();
    let output = command.current_dir(example()).env("CARGO_TARGET_DIR", target).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}\n{}\nIf only its lock file is out of date: cargo metadata --manifest-path {}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        example().join("Cargo.toml").display()
    );
}

#[test]
fn its_own_tests_pass() {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo).args(["test", "--locked"]));
}

#[test]
fn our_build_makes_its_zip() {
    let package = OwnPackage::read(&example()).unwrap();
    let built = packaging::build_own(&package, architecture(), &mut say).unwrap();
    assert_eq!(built.function, "own-function");
    assert!(built.zip.ends_with("lambda/own-function/bootstrap.zip"));
    takes_orders(&built.zip);
}

#[test]
fn cargo_lambda_makes_its_zip_too() {
    let tools = pinned_tools::cargo_lambda(&mut say).unwrap();
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    let cache = pinned_tools::target().unwrap().join("tools/zig-cache");
    let caches = ["CARGO_ZIGBUILD_CACHE_DIR", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"];
    run(Command::new(tools.cargo_lambda)
        .args(["lambda", "build", "--locked", "--output-format", "zip", "--lambda-dir"])
        .arg(folder.path())
        .env("CARGO_ZIGBUILD_ZIG_PATH", tools.zig)
        .envs(caches.map(|name| (name, &cache))));
    takes_orders(&folder.path().join("own-function/bootstrap.zip"));
}

/// The zip in the emulator, in front of a server that accepts only IAM tokens.
fn takes_orders(zip: &Path) {
    let schema = fs::read_to_string(example().join("schema.sql")).unwrap();
    let server = Server::builder(Engine::Postgres).setup(schema).start().unwrap();
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    let opt = folder.path().join("opt");
    layer::unpack(&layer::files(), &opt);
    fs::copy(server.ca_bundle(), opt.join("rds-ca/eu-west-1-bundle.pem")).unwrap();
    let lambda = Emulator::start(zip, &opt, &settings(&server), folder.path());

    let taken = lambda.invoke(r#"{"id":1,"quantity":7}"#);
    assert_eq!(taken, json!({"name": "tea", "left": 3}), "{}", lambda.log());
    let error = lambda.invoke(r#"{"id":1,"quantity":7}"#);
    assert_eq!(error["errorType"], "OutOfStock", "{error:#}");
    let rows = server.execute("SELECT quantity FROM stock WHERE id = 1").unwrap();
    assert_eq!(rows[0][0].as_deref(), Some("3"));
    let diagnosis = lambda.invoke(r#"{"diagnose":true}"#);
    assert_eq!(diagnosis["diagnose"]["ok"], true, "{diagnosis:#}");
}

#[test]
fn a_folder_that_is_no_function_is_told() {
    let folder = TempDir::with_prefix("rds-iam-lambda-").unwrap();
    let told = |folder: &Path| OwnPackage::read(folder).unwrap_err().to_string();
    assert!(told(folder.path()).contains("give --package the folder of a Cargo.toml"));
    let workspace = pinned_tools::workspace().unwrap();
    assert!(told(&workspace).contains("is a workspace"), "{}", told(&workspace));
    let library = workspace.join("crates/engine");
    assert!(told(&library).contains("has no program"), "{}", told(&library));
    let several = workspace.join("crates/testing/test-handler");
    assert!(told(&several).contains("mysql-test-handler, postgres-test-handler"));
}
