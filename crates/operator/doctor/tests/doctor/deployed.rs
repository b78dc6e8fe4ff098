//! A deployed function, invoked through Lambda's API by the unmodified `aws` client.

use diagnosis::Cause;
use local_lambda::{Function, Lambda};
use local_rds::{Engine, Server};
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

use crate::run::{Doctor, Said, first_cause, server};

/// A function's code: its bootstrap, and the statements of its engine.
fn code(folder: &TempDir, engine: Engine) -> PathBuf {
    let root = folder.path().join(engine.name());
    fs::create_dir(&root).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_doctor"));
    let program = program.with_file_name(engine.function());
    assert!(program.exists(), "{} is not built: cargo test --workspace", program.display());
    symlink(program, root.join("bootstrap")).unwrap();
    let statements = root.join("statements");
    fs::create_dir(&statements).unwrap();
    local_stack::copy_examples(engine, &statements).unwrap();
    root
}

fn function(server: &Server, name: &str, root: PathBuf) -> Function {
    let function = local_stack::function(server, name, root).timeout(Duration::from_secs(30));
    local_stack::with_role(function, server.access_key())
}

/// Puts the pinned client on the PATH.
pub(crate) fn with_client(doctor: &mut Doctor, folder: &TempDir) {
    let aws = pinned_tools::aws(&mut |_| ()).expect("the AWS CLI can be fetched");
    let programs = folder.path().join("programs");
    fs::create_dir_all(&programs).unwrap();
    let link = programs.join("aws");
    if !link.exists() {
        symlink(aws, &link).unwrap();
    }
    doctor.set("PATH", &format!("{}:/usr/bin:/bin", programs.display()));
}

async fn ask(lambda: &Lambda, folder: &TempDir, arguments: &str) -> (Said, serde_json::Value) {
    let mut doctor = Doctor::new().with(arguments);
    with_client(&mut doctor, folder);
    doctor.set("AWS_ENDPOINT_URL_LAMBDA", &lambda.endpoint_url());
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("AWS_REGION", "eu-west-1"),
    ] {
        doctor.set(name, value);
    }
    let asking = tokio::task::spawn_blocking(move || {
        let said = doctor.run();
        let json = match said.code {
            Some(2) => serde_json::Value::Null,
            _ => doctor.diagnosis().1,
        };
        (said, json)
    });
    asking.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployed_function_tells_what_it_sees() {
    let folder = TempDir::new().unwrap();
    let lambda = Lambda::start().await.unwrap();
    let server = tokio::task::spawn_blocking(|| server(Engine::Postgres)).await.unwrap();
    let root = code(&folder, Engine::Postgres);
    let healthy = function(&server, "healthy", root.clone());
    let broken = function(&server, "broken", root).env("DB_USER", "Lambda_User");
    lambda.create_function(healthy).await.unwrap();
    lambda.create_function(broken).await.unwrap();

    let (said, _) = ask(&lambda, &folder, "--function healthy").await;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert!(said.out.contains("no problems found"), "{}", said.out);

    let (said, diagnosis) = ask(&lambda, &folder, "--function broken").await;
    assert_eq!(said.code, Some(1), "{}", said.all());
    assert!(said.out.contains("✗ login"), "{}", said.out);
    assert_eq!(first_cause(&diagnosis), Cause::UserCase.id(), "{diagnosis:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_cannot_answer_is_explained() {
    let folder = TempDir::new().unwrap();
    let lambda = Lambda::start().await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let slow = Function::new("slow", code(&folder, Engine::MySql))
        .env("DB_HOST", "db.abc123def456.eu-west-1.rds.amazonaws.com")
        .env("DB_USER", "lambda-user")
        .env("DB_NAME", "app")
        .env("DB_CONNECT_TO", silent.local_addr().unwrap().to_string())
        .env(
            "DB_CA_BUNDLE",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../../certs/global-bundle.pem"),
        )
        .credentials("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "")
        .init_timeout(Duration::from_millis(300))
        .timeout(Duration::from_millis(300));
    lambda.create_function(slow).await.unwrap();
    for (name, script) in [("crashing", "echo last words; exit 3"), ("foreign", FOREIGN)] {
        let root = folder.path().join(name);
        fs::create_dir(&root).unwrap();
        fs::write(root.join("bootstrap"), format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(root.join("bootstrap"), Permissions::from_mode(0o755)).unwrap();
        let function = Function::new(name, root).timeout(Duration::from_secs(10));
        lambda.create_function(function).await.unwrap();
    }

    for (name, says) in [
        ("slow", &["timed out", "raise its setting Timeout"][..]),
        ("crashing", &["exit status 3", "last words"]),
        ("foreign", &["is not a diagnosis", "{\"statusCode\":200}", "one of this project's"]),
        ("no-such", &["Function not found", "no-such"]),
    ] {
        let (said, _) = ask(&lambda, &folder, &format!("--function {name}")).await;
        assert_eq!(said.code, Some(2), "{name}: {}", said.all());
        for part in says {
            assert!(said.err.contains(part), "{name} does not say {part:?}: {}", said.all());
        }
    }
}

/// Another project's function, which answers each event in its own way.
const FOREIGN: &str = r#"
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
python3 - "$api" <<'END'
import sys, urllib.request
api = sys.argv[1]
while True:
    with urllib.request.urlopen(api + "/invocation/next") as event:
        request = event.headers["Lambda-Runtime-Aws-Request-Id"]
        event.read()
    answer = api + "/invocation/" + request + "/response"
    urllib.request.urlopen(answer, data=b'{"statusCode":200}').read()
END"#;
