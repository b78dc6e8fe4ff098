//! Runs the function itself on this machine and asks it: the walk is its own, not a second one.

use iam_auth::{Endpoint, TrustStore};
use local_lambda::{Function, Lambda};
use std::collections::BTreeMap;
use std::env;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

use crate::Failure;
use crate::credentials::Credentials;
use crate::engine::Engine;

/// The function's own variables, by name.
pub(crate) type Settings = BTreeMap<String, String>;

/// The event that asks for a diagnosis.
pub(crate) const EVENT: &str = r#"{"diagnose":true}"#;

/// A network that swallows packets takes the initialisation and the walk some 20 seconds.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The function's answer.
pub(crate) struct Answer {
    pub(crate) payload: Vec<u8>,
    /// `Unhandled` when it failed.
    pub(crate) function_error: Option<String>,
    /// The end of what it logged.
    pub(crate) log: String,
}

/// Runs the function for `engine` and asks it for a diagnosis. `region` is the one it runs in, as
/// Lambda would tell it.
pub(crate) async fn ask(
    engine: Engine,
    settings: &Settings,
    region: &str,
    credentials: Option<Credentials>,
) -> Result<Answer, Failure> {
    let folder = TempDir::with_prefix("rds-iam-lambda-")?;
    let name = engine.function();
    symlink(beside_us(name)?, folder.path().join("bootstrap"))?;
    let mut function = Function::new(name, folder.path()).region(region).timeout(TIMEOUT);
    for (variable, value) in settings {
        function = function.env(variable, value);
    }
    if let Some(own) = credentials {
        let (id, secret, token) = own.into_parts();
        function = function.credentials(id, secret, token);
    }
    let lambda = Lambda::start().await?;
    lambda.create_function(function).await?;
    let invocation = lambda.invoke(name, EVENT).await?;
    Ok(Answer {
        payload: invocation.payload.to_vec(),
        function_error: invocation.function_error,
        log: invocation.log,
    })
}

/// A program that cargo built into the folder of this one.
fn beside_us(name: &str) -> Result<PathBuf, Failure> {
    let program = env::current_exe()?.with_file_name(name);
    if program.exists() {
        return Ok(program);
    }
    Err(format!("{} has not been built: use `cargo xtask doctor`", program.display()).into())
}

/// What a function would find in Lambda, and this machine has elsewhere: its statements, and the
/// layer's roots for its endpoint.
///
/// # Errors
/// This program is not in a workspace.
pub(crate) fn complete(
    settings: &mut Settings,
    engine: Engine,
    region: Option<&str>,
) -> Result<(), Failure> {
    let project = private_tools::workspace()?;
    let statements = project.join("deploy/statements").join(engine.statements());
    settings.entry("STATEMENTS_DIR".into()).or_insert_with(|| statements.display().to_string());

    // A host that is missing or wrong is for the function to tell.
    let Some(endpoint) = endpoint(settings, engine, region) else { return Ok(()) };
    if settings.contains_key("DB_CA_BUNDLE") || TrustStore::default_path(&endpoint).exists() {
        return Ok(());
    }
    let file =
        if endpoint.kind().is_proxy() { "amazon-trust-roots.pem" } else { "global-bundle.pem" };
    let bundle = project.join("certs").join(file);
    settings.insert("DB_CA_BUNDLE".into(), bundle.display().to_string());
    Ok(())
}

/// The region that the function would run in: `own`, the person's, else the host's.
///
/// # Errors
/// There is neither. Lambda always has one, and taking any other would sign for the wrong one.
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
            Err(format!("{host} does not name its region: give --region").into())
        }
        // The function will refuse the host; a region does not matter.
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
    fn what_lambda_would_provide_is_found_in_the_project() {
        let rds = "db.abc123def456.eu-west-1.rds.amazonaws.com";
        let proxy = "db.proxy-abc123def456.eu-west-1.rds.amazonaws.com";
        for (host, bundle) in [(rds, "global-bundle.pem"), (proxy, "amazon-trust-roots.pem")] {
            let mut settings = settings(&[("DB_HOST", host)]);
            complete(&mut settings, Engine::Postgres, None).unwrap();
            assert!(Path::new(&settings["DB_CA_BUNDLE"]).is_file(), "{settings:?}");
            assert!(settings["DB_CA_BUNDLE"].ends_with(bundle), "{settings:?}");
            assert!(Path::new(&settings["STATEMENTS_DIR"]).join("items.sql").is_file());
        }
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
