//! A database, as RDS describes it.

use engine::Engine;

use crate::error::Error;
use crate::proxy_auth::ProxyAuth;
use crate::reader::Reader;
use crate::serverless::Serverless;
use crate::target::Target;

/// A database, as RDS describes it. What RDS does not report of a proxy or a cluster is `None` or empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Database {
    /// What was asked about.
    pub target: Target,
    /// Its ARN, whose account is the only one whose roles can log in.
    pub arn: String,
    /// The engine. A proxy has only a family, in which MySQL includes MariaDB.
    pub engine: Engine,
    /// RDS's name of the engine, such as `mysql` or `aurora-mysql`.
    pub engine_name: String,
    /// The engine's version, such as `8.0.40` or `8.0.mysql_aurora.3.05.2`.
    pub version: Option<String>,
    /// The endpoint's host name, for which tokens are signed and which is in the certificate.
    pub endpoint: String,
    /// The endpoint's port.
    pub port: u16,
    /// The resource id, which a policy names: `db-…`, `cluster-…` or `prx-…`.
    pub resource_id: String,
    /// The cluster of an instance.
    pub cluster: Option<String>,
    /// The region, such as `eu-west-1`.
    pub region: String,
    /// Its VPC. An express cluster has none.
    pub vpc: Option<String>,
    /// The subnets of its subnet group.
    pub subnets: Vec<String>,
    /// Its VPC security groups.
    pub security_groups: Vec<String>,
    /// The certificate authority, such as `rds-ca-rsa2048-g1`. A proxy's is Amazon Trust Services.
    pub ca: Option<String>,
    /// Whether IAM authentication is enabled. For a proxy, whether it takes tokens of any user.
    pub iam_auth: bool,
    /// How a proxy authenticates its clients and itself. `None` for another database.
    pub proxy: Option<ProxyAuth>,
    /// Whether it is reached through an Aurora internet access gateway, whose certificate is of Amazon
    /// Trust Services.
    pub internet_access_gateway: bool,
    /// The instance's class, or the distinct classes of a cluster's instances.
    pub instance_classes: Vec<String>,
    /// The master user, who must not use IAM authentication.
    pub master_user: Option<String>,
    /// Its status, such as `available`.
    pub status: String,
    /// The endpoint of a cluster's readers, which its resource id is good for too.
    pub reader: Option<Reader>,
    /// The scaling of an Aurora Serverless v2 cluster, or of the cluster of an instance.
    pub serverless: Option<Serverless>,
    /// Whether its endpoint has an IPv6 address beside the IPv4 one: its network type is DUAL.
    pub is_dual_stack: bool,
    /// Whether its endpoint has a public address.
    pub publicly_accessible: Option<bool>,
    /// Whether the log `iam-db-auth-error`, which says why a token was refused, is exported to
    /// CloudWatch Logs.
    pub exports_auth_errors: Option<bool>,
}

impl Database {
    /// The account that owns it, twelve digits.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.arn.split(':').nth(4).filter(|account| !account.is_empty())
    }

    /// Whether it has no network in any VPC: an Aurora cluster of the express configuration.
    #[must_use]
    pub fn is_outside_vpcs(&self) -> bool {
        self.internet_access_gateway && self.vpc.is_none()
    }
}

/// The engine that RDS calls `name`.
pub(crate) fn engine(name: &str) -> Result<Engine, Error> {
    // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.RDS_Fea_Regions_DB-eng.Feature.IamDatabaseAuthentication.html
    name.parse().map_err(|_| {
        Error::new(format!(
            "the engine is {name}, which has no IAM authentication in RDS; mysql, mariadb, postgres, \
             aurora-mysql and aurora-postgresql have it"
        ))
    })
}

/// The region of an ARN.
pub(crate) fn region_of(arn: &str) -> Result<String, Error> {
    arn.split(':')
        .nth(3)
        .filter(|region| !region.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Error::new(format!("{arn:?} is not the ARN of an RDS resource")))
}

/// The log that says why a token was refused.
pub(crate) const AUTH_ERROR_LOG: &str = "iam-db-auth-error";
