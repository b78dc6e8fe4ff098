//! An RDS Proxy, at its default endpoint.

use serde::Deserialize;

use crate::client::Aws;
use crate::database::{Database, Engine, Target, region_of};
use crate::error::Error;

#[derive(Deserialize)]
pub(crate) struct Proxies {
    #[serde(rename = "DBProxies")]
    pub(crate) proxies: Vec<Proxy>,
}

/// As `describe-db-proxies` tells it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Proxy {
    #[serde(rename = "DBProxyName")]
    pub(crate) name: String,
    #[serde(rename = "DBProxyArn", default)]
    arn: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    engine_family: String,
    endpoint: Option<String>,
    vpc_id: Option<String>,
    #[serde(default)]
    vpc_subnet_ids: Vec<String>,
    #[serde(default)]
    vpc_security_group_ids: Vec<String>,
    #[serde(default)]
    auth: Vec<Auth>,
    default_auth_scheme: Option<String>,
}

#[derive(Deserialize)]
struct Auth {
    #[serde(rename = "IAMAuth")]
    iam_auth: Option<String>,
}

pub(crate) fn discover(aws: &Aws, name: &str) -> Result<Database, Error> {
    let found: Proxies = aws.call(&["rds", "describe-db-proxies", "--db-proxy-name", name])?;
    let proxy = found
        .proxies
        .into_iter()
        .next()
        .ok_or_else(|| Error::other(format!("AWS does not describe the DB proxy {name}")))?;
    // A proxy listens at its family's default port, whatever the database does.
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html
    let (engine, port) = match proxy.engine_family.as_str() {
        "MYSQL" => (Engine::MySql, 3306),
        "POSTGRESQL" => (Engine::Postgres, 5432),
        other => {
            return Err(Error::other(format!(
                "the DB proxy {name} is of the family {other}; there are functions for MYSQL and \
                 POSTGRESQL"
            )));
        }
    };
    let endpoint = proxy.endpoint.filter(|endpoint| !endpoint.is_empty()).ok_or_else(|| {
        Error::other(format!(
            "the DB proxy {name} is {} and has no endpoint yet; try again in some minutes",
            proxy.status
        ))
    })?;
    let iam_auth = proxy.default_auth_scheme.as_deref() == Some("IAM_AUTH")
        || proxy.auth.iter().any(|auth| auth.iam_auth.as_deref() == Some("REQUIRED"));
    Ok(Database {
        target: Target::Proxy(proxy.name),
        engine,
        version: None,
        endpoint,
        port,
        resource_id: resource_id(&proxy.arn)?,
        cluster: None,
        region: region_of(&proxy.arn)?,
        vpc: proxy.vpc_id,
        subnets: proxy.vpc_subnet_ids,
        security_groups: proxy.vpc_security_group_ids,
        ca: None,
        iam_auth,
        instance_classes: Vec::new(),
        master_user: None,
        status: proxy.status,
        publicly_accessible: Some(false),
        exports_auth_errors: None,
    })
}

/// The end of `arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-0123456789abcdef0`.
fn resource_id(arn: &str) -> Result<String, Error> {
    arn.rsplit(':')
        .next()
        .filter(|id| id.starts_with("prx-"))
        .map(str::to_owned)
        .ok_or_else(|| Error::other(format!("{arn:?} is not the ARN of a DB proxy")))
}
