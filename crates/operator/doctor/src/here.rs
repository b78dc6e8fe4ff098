//! Runs the function's program on this machine, to diagnose itself. Nothing listens: the settings are the
//! program's environment, and the answer is its output.

use aws_cli::Invocation;
use engine::Engine;
use iam_auth::{Endpoint, Roots, TrustStore};
use serde_json::json;
use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::timeout;

use crate::Failure;
use crate::credentials::Credentials;

/// The function's own variables, by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// The longest diagnosis. Where the network drops packets, one takes about 20 seconds.
const DIAGNOSIS_TIMEOUT: Duration = Duration::from_secs(60);

/// Has the function for `engine` diagnose itself, with the environment that Lambda would give it in
/// `region`, and nothing else.
pub(crate) async fn ask(
    engine: Engine,
    settings: &Settings,
    region: &str,
    credentials: Option<Credentials>,
) -> Result<Invocation, Failure> {
    let name = engine.function();
    let mut command = Command::new(beside_us(name)?);
    command.arg(diagnosis::ARGUMENT).env_clear().envs(settings).current_dir("/");
    command.env("AWS_LAMBDA_FUNCTION_NAME", name);
    command.envs([("AWS_REGION", region), ("AWS_DEFAULT_REGION", region)]);
    if let Some(own) = credentials {
        let (id, secret, token) = own.into_parts();
        command.env("AWS_ACCESS_KEY_ID", id).env("AWS_SECRET_ACCESS_KEY", secret);
        command.env("AWS_SESSION_TOKEN", token);
    }
    // Killed when this future is dropped. It starts no processes.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let ended = timeout(DIAGNOSIS_TIMEOUT, command.spawn()?.wait_with_output()).await;
    // As Lambda reports a function that failed.
    let failed = |error_type: &str, message: String, log: String| {
        let error = json!({ "errorType": error_type, "errorMessage": message });
        let payload = error.to_string().into_bytes();
        Invocation { payload, function_error: Some("Unhandled".into()), log }
    };
    Ok(match ended {
        Ok(output) => {
            let output = output?;
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            match output.status.success() {
                true => Invocation { payload: output.stdout, function_error: None, log },
                false => {
                    let why = format!("the program ended with {}", output.status);
                    failed("Runtime.ExitError", why, log)
                }
            }
        }
        Err(_) => {
            let why = format!("Task timed out after {} seconds", DIAGNOSIS_TIMEOUT.as_secs());
            failed("Sandbox.Timedout", why, String::new())
        }
    })
}

/// A program in the folder of this one.
fn beside_us(name: &str) -> Result<PathBuf, Failure> {
    let program = env::current_exe()?.with_file_name(name);
    if program.exists() {
        return Ok(program);
    }
    Err(format!("{} is not built; run `cargo xtask doctor`", program.display()).into())
}

/// Sets the paths of what a deployed function has elsewhere: its statements, and the roots of the layer.
///
/// # Errors
/// This program is not in a workspace.
pub(crate) fn complete(
    settings: &mut Settings,
    engine: Engine,
    region: Option<&str>,
) -> Result<(), Failure> {
    let project = pinned_tools::workspace()?;
    let statements = project.join("deploy/statements").join(engine.statements());
    settings.entry("STATEMENTS_DIR".into()).or_insert_with(|| statements.display().to_string());

    // The function itself reports a missing or wrong host.
    let Some(endpoint) = endpoint(settings, engine, region) else { return Ok(()) };
    let trust = settings.get("DB_TRUST").and_then(|text| text.parse().ok());
    let roots = trust.unwrap_or_else(|| Roots::of(&endpoint));
    if settings.contains_key("DB_CA_BUNDLE") || TrustStore::default_path(&endpoint, roots).exists()
    {
        return Ok(());
    }
    let file = match roots {
        Roots::Amazon => "amazon-trust-roots.pem",
        Roots::Rds => "global-bundle.pem",
    };
    let bundle = project.join("certs").join(file);
    settings.insert("DB_CA_BUNDLE".into(), bundle.display().to_string());
    Ok(())
}

/// The region that the function runs in: `own`, the user's, or else the host's.
///
/// # Errors
/// There is neither, and a wrong one would be signed for.
pub(crate) fn region(
    settings: &Settings,
    engine: Engine,
    own: Option<String>,
) -> Result<String, Failure> {
    if let Some(region) = own.or_else(|| settings.get("DB_REGION").cloned()) {
        return Ok(region);
    }
    let Some(host) = settings.get("DB_HOST") else { return Ok("us-east-1".into()) };
    match Endpoint::parse(host, engine.default_port()) {
        Ok(endpoint) => Ok(endpoint.region().to_owned()),
        Err(error) if error.is_region_unknown() => {
            Err(format!("{host} does not contain its region; set --region").into())
        }
        // The function will refuse the host, whatever the region.
        Err(_) => Ok("us-east-1".into()),
    }
}

fn endpoint(settings: &Settings, engine: Engine, region: Option<&str>) -> Option<Endpoint> {
    let (host, port) = (settings.get("DB_HOST")?, engine.default_port());
    let of_host = Endpoint::parse(host, port).ok();
    of_host.or_else(|| {
        let region = settings.get("DB_REGION").map(String::as_str).or(region)?;
        Endpoint::with_region(host, port, region).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn settings(pairs: &[(&str, &str)]) -> Settings {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn statements_and_roots_are_those_of_the_workspace() {
        let rds = "db.abc123def456.eu-west-1.rds.amazonaws.com";
        let proxy = "db.proxy-abc123def456.eu-west-1.rds.amazonaws.com";
        for (host, bundle) in [(rds, "global-bundle.pem"), (proxy, "amazon-trust-roots.pem")] {
            let mut settings = settings(&[("DB_HOST", host)]);
            complete(&mut settings, Engine::Postgres, None).unwrap();
            assert!(Path::new(&settings["DB_CA_BUNDLE"]).is_file(), "{settings:?}");
            assert!(settings["DB_CA_BUNDLE"].ends_with(bundle), "{settings:?}");
            assert!(Path::new(&settings["STATEMENTS_DIR"]).join("items.sql").is_file());
        }
        let mut express = settings(&[("DB_HOST", rds), ("DB_TRUST", "amazon")]);
        complete(&mut express, Engine::Postgres, None).unwrap();
        assert!(express["DB_CA_BUNDLE"].ends_with("amazon-trust-roots.pem"), "{express:?}");
        let mut own =
            settings(&[("DB_HOST", rds), ("DB_CA_BUNDLE", "/a"), ("STATEMENTS_DIR", "/b")]);
        let before = own.clone();
        complete(&mut own, Engine::MySql, None).unwrap();
        assert_eq!(own, before);
    }

    #[test]
    fn a_region_is_never_guessed() {
        let of = |host: &str, own: Option<&str>| {
            region(&settings(&[("DB_HOST", host)]), Engine::MySql, own.map(str::to_owned))
        };
        let rds = "db.abc123def456.eu-west-1.rds.amazonaws.com";
        assert_eq!(of(rds, None).unwrap(), "eu-west-1");
        assert_eq!(of(rds, Some("us-east-2")).unwrap(), "us-east-2");
        assert_eq!(of("db.example.com", Some("us-east-2")).unwrap(), "us-east-2");
        assert!(of("db.example.com", None).unwrap_err().to_string().contains("--region"));
    }
}
