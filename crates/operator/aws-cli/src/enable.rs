//! Turning IAM authentication on, and waiting until it is.

use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::client::Aws;
use crate::database::{Database, Target};
use crate::discover;
use crate::error::Error;

/// Instances take minutes; a Multi-AZ one with much to do takes longer.
const PATIENCE: Duration = Duration::from_secs(45 * 60);
const PAUSE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Options {
    #[serde(rename = "OrderableDBInstanceOptions")]
    options: Vec<Orderable>,
}

#[derive(Deserialize)]
struct Orderable {
    #[serde(rename = "SupportsIAMDatabaseAuthentication")]
    iam: bool,
}

/// Turns IAM authentication on, at once, and waits. `progress` is called with a line of text when
/// the state changes. Returns the database as it is then. It needs no restart of the database.
///
/// # Errors
/// AWS says that this version or class does not know IAM authentication, refuses the change, or
/// does not complete it within 45 minutes; or it is a proxy, whose secrets must be named.
pub fn enable_iam_auth(
    aws: &Aws,
    database: &Database,
    progress: &mut dyn FnMut(&str),
) -> Result<Database, Error> {
    let aws = &aws.clone().region(&database.region);
    let target = match (&database.target, &database.cluster) {
        (Target::Instance(_), Some(cluster)) => &Target::Cluster(cluster.clone()),
        (target, _) => target,
    };
    must_be_supported(aws, database)?;
    progress(&format!("turning IAM authentication on for {target}"));
    let (modify, identifier) = match target {
        Target::Instance(_) => ("modify-db-instance", "--db-instance-identifier"),
        Target::Cluster(_) => ("modify-db-cluster", "--db-cluster-identifier"),
        Target::Proxy(name) => return Err(proxy_needs_its_secrets(name)),
    };
    aws.run(&[
        "rds",
        modify,
        identifier,
        target.name(),
        "--enable-iam-database-authentication",
        "--apply-immediately",
    ])?;
    wait(aws, &database.target, progress)
}

fn wait(aws: &Aws, target: &Target, progress: &mut dyn FnMut(&str)) -> Result<Database, Error> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = String::new();
    loop {
        let now = discover(aws, target)?;
        if now.iam_auth && now.status == "available" {
            progress(&format!("{target} has IAM authentication"));
            return Ok(now);
        }
        if Instant::now() > deadline {
            return Err(Error::other(format!(
                "{target} is still {} after {} minutes; AWS goes on with it: try again later",
                now.status,
                PATIENCE.as_secs() / 60
            )));
        }
        if now.status != last {
            progress(&format!("{target} is {}", now.status));
            last = now.status;
        }
        thread::sleep(PAUSE);
    }
}

/// Asks AWS whether it offers IAM authentication with this version on these classes. An answer
/// without the combination, as for one that can no longer be ordered, says nothing.
fn must_be_supported(aws: &Aws, database: &Database) -> Result<(), Error> {
    let Some(version) = &database.version else { return Ok(()) };
    for class in &database.instance_classes {
        let found: Options = aws.call(&[
            "rds",
            "describe-orderable-db-instance-options",
            "--engine",
            database.engine.name(),
            "--engine-version",
            version,
            "--db-instance-class",
            class,
        ])?;
        if !found.options.is_empty() && found.options.iter().all(|option| !option.iam) {
            return Err(Error::other(format!(
                "AWS offers no IAM authentication for {} {version} on {class} in {}; take a newer \
                 version or a larger class",
                database.engine, database.region
            )));
        }
    }
    Ok(())
}

fn proxy_needs_its_secrets(name: &str) -> Error {
    Error::other(format!(
        "the DB proxy {name} does not take IAM tokens, and turning that on needs the secrets it \
         logs in to the database with: `aws rds modify-db-proxy --db-proxy-name {name} --auth \
         AuthScheme=SECRETS,IAMAuth=REQUIRED,SecretArn=…`"
    ))
}
