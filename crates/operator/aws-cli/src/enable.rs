//! Enabling IAM authentication.

use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::client::Aws;
use crate::database::Database;
use crate::discover::discover;
use crate::error::Error;
use crate::target::Target;

/// How long RDS may take to apply the change: minutes as a rule, longer for a busy Multi-AZ instance.
const APPLY_TIMEOUT: Duration = Duration::from_secs(45 * 60);
const POLL_INTERVAL: Duration = Duration::from_secs(10);

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

/// Enables IAM authentication immediately, waits until it is in effect, and returns the database as it
/// is then. The database is not restarted. `progress` is called with a line of text at each change of
/// its status.
///
/// # Errors
/// AWS offers no IAM authentication for this version or class, refuses the change, or does not complete
/// it within 45 minutes; or the database is a proxy, whose other clients only its owner knows.
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
    let (modify, identifier) = match target {
        Target::Instance(_) => ("modify-db-instance", "--db-instance-identifier"),
        Target::Cluster(_) => ("modify-db-cluster", "--db-cluster-identifier"),
        Target::Proxy(name) => return Err(proxy_is_its_owners(name, &database.region)),
    };
    must_be_supported(aws, database)?;
    progress(&format!("enabling IAM authentication for {target}"));
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
    let deadline = Instant::now() + APPLY_TIMEOUT;
    let mut last = String::new();
    loop {
        let now = discover(aws, target)?;
        if now.iam_auth && now.status == "available" {
            progress(&format!("IAM authentication is enabled for {target}"));
            return Ok(now);
        }
        if Instant::now() > deadline {
            return Err(Error::new(format!(
                "{target} is still {} after {} minutes; AWS continues, so try again later",
                now.status,
                APPLY_TIMEOUT.as_secs() / 60
            )));
        }
        if now.status != last {
            progress(&format!("{target} is {}", now.status));
            last = now.status;
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Asks AWS whether it offers IAM authentication for this version on these classes. An answer without
/// the combination, as for one that can no longer be ordered, proves nothing.
fn must_be_supported(aws: &Aws, database: &Database) -> Result<(), Error> {
    let Some(version) = &database.version else { return Ok(()) };
    for class in &database.instance_classes {
        let found: Options = aws.call(&[
            "rds",
            "describe-orderable-db-instance-options",
            "--engine",
            &database.engine_name,
            "--engine-version",
            version,
            "--db-instance-class",
            class,
        ])?;
        if !found.options.is_empty() && found.options.iter().all(|option| !option.iam) {
            return Err(Error::new(format!(
                "AWS offers no IAM authentication for {} {version} on {class} in {}; upgrade to a \
                 newer version or a larger class",
                database.engine_name, database.region
            )));
        }
    }
    Ok(())
}

/// With `IAM_AUTH` the proxy takes tokens of every user, and passwords of those who have a secret as
/// before, where `IAMAuth=REQUIRED` would refuse their passwords.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-iam-setup.html>
fn proxy_is_its_owners(name: &str, region: &str) -> Error {
    Error::new(format!(
        "the DB proxy {name} does not accept IAM tokens; have it accept them and log in to the database \
         with its own: `aws rds modify-db-proxy --region {region} --db-proxy-name {name} \
         --default-auth-scheme IAM_AUTH`. The proxy's role must be allowed rds-db:connect on the \
         database's resource id (deploy/example-proxy.yaml has such a role), and IAM authentication must \
         be enabled at the database"
    ))
}
