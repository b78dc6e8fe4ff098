//! An RDS Proxy, at its default endpoint.

use engine::Engine;
use serde::Deserialize;

use crate::client::Aws;
use crate::cluster;
use crate::database::{Database, region_of};
use crate::error::Error;
use crate::proxy_auth::{Auth, ProxyAuth};
use crate::target::Target;

#[derive(Deserialize)]
pub(crate) struct Proxies {
    #[serde(rename = "DBProxies")]
    pub(crate) proxies: Vec<Proxy>,
}

/// The answer of `describe-db-proxies`.
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
    endpoint_network_type: Option<String>,
}

pub(crate) fn discover(aws: &Aws, name: &str) -> Result<Database, Error> {
    let found: Proxies = aws.call(&["rds", "describe-db-proxies", "--db-proxy-name", name])?;
    let proxy = found
        .proxies
        .into_iter()
        .next()
        .ok_or_else(|| Error::new(format!("AWS returned no DB proxy {name}")))?;
    let engine = match proxy.engine_family.as_str() {
        "MYSQL" => Engine::MySql,
        "POSTGRESQL" => Engine::Postgres,
        other => {
            return Err(Error::new(format!(
                "the DB proxy {name} has the engine family {other}; functions exist for MYSQL and \
                 POSTGRESQL"
            )));
        }
    };
    let endpoint = proxy.endpoint.filter(|endpoint| !endpoint.is_empty()).ok_or_else(|| {
        Error::new(format!(
            "the DB proxy {name} is {} and has no endpoint yet; try again in a few minutes",
            proxy.status
        ))
    })?;
    let auth = ProxyAuth::read(proxy.default_auth_scheme.as_deref(), proxy.auth);
    Ok(Database {
        target: Target::Proxy(proxy.name),
        engine,
        engine_name: engine.name().to_owned(),
        version: None,
        endpoint,
        // A proxy listens at its family's default port, whatever the database's.
        // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html
        port: engine.default_port(),
        resource_id: resource_id(&proxy.arn)?,
        cluster: None,
        region: region_of(&proxy.arn)?,
        arn: proxy.arn,
        vpc: proxy.vpc_id,
        subnets: proxy.vpc_subnet_ids,
        security_groups: proxy.vpc_security_group_ids,
        ca: None,
        iam_auth: auth.takes_tokens(),
        proxy: Some(auth),
        internet_access_gateway: false,
        instance_classes: Vec::new(),
        master_user: None,
        status: proxy.status,
        reader: None,
        serverless: None,
        is_dual_stack: cluster::is_dual(proxy.endpoint_network_type.as_deref()),
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
        .ok_or_else(|| Error::new(format!("{arn:?} is not the ARN of a DB proxy")))
}
