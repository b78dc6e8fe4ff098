//! The facts.

use std::fmt;

use serde::Serialize;

use crate::error::Error;

/// What to ask about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// A DB instance, by its identifier.
    Instance(String),
    /// An Aurora or Multi-AZ DB cluster, by its identifier.
    Cluster(String),
    /// An RDS Proxy, by its name.
    Proxy(String),
}

impl Target {
    /// The identifier or name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Instance(name) | Self::Cluster(name) | Self::Proxy(name) => name,
        }
    }

    /// The same, as RDS keeps it: it takes names in any case and stores them in lower case, and the
    /// names of metrics and log groups know no other.
    pub(crate) fn in_lower_case(&self) -> Self {
        match self {
            Self::Instance(name) => Self::Instance(name.to_lowercase()),
            Self::Cluster(name) => Self::Cluster(name.to_lowercase()),
            Self::Proxy(name) => Self::Proxy(name.to_lowercase()),
        }
    }

    /// What AWS calls such a thing.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Instance(_) => "DB instance",
            Self::Cluster(_) => "DB cluster",
            Self::Proxy(_) => "DB proxy",
        }
    }
}

/// `DB instance mydb`
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.what(), self.name())
    }
}

/// An engine that knows IAM authentication, as RDS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// RDS for MySQL; also what stands behind a proxy of the family MYSQL.
    #[serde(rename = "mysql")]
    MySql,
    /// RDS for MariaDB.
    #[serde(rename = "mariadb")]
    MariaDb,
    /// Aurora MySQL.
    #[serde(rename = "aurora-mysql")]
    AuroraMySql,
    /// RDS for PostgreSQL; also what stands behind a proxy of the family POSTGRESQL.
    Postgres,
    /// Aurora PostgreSQL.
    #[serde(rename = "aurora-postgresql")]
    AuroraPostgres,
}

impl Engine {
    /// The engine's name in RDS.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
            Self::AuroraMySql => "aurora-mysql",
            Self::Postgres => "postgres",
            Self::AuroraPostgres => "aurora-postgresql",
        }
    }

    /// Whether it speaks PostgreSQL's protocol; else it speaks MySQL's.
    #[must_use]
    pub fn is_postgres(self) -> bool {
        matches!(self, Self::Postgres | Self::AuroraPostgres)
    }

    /// The engine that RDS calls `name`.
    ///
    /// # Errors
    /// RDS has no IAM authentication for it.
    pub fn named(name: &str) -> Result<Self, Error> {
        match name {
            "mysql" => Ok(Self::MySql),
            "mariadb" => Ok(Self::MariaDb),
            "aurora" | "aurora-mysql" => Ok(Self::AuroraMySql),
            "postgres" => Ok(Self::Postgres),
            "aurora-postgresql" => Ok(Self::AuroraPostgres),
            // https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.RDS_Fea_Regions_DB-eng.Feature.IamDatabaseAuthentication.html
            _ => Err(Error::other(format!(
                "the engine is {name}, which has no IAM authentication in RDS; these have: mysql, \
                 mariadb, postgres, aurora-mysql, aurora-postgresql"
            ))),
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What AWS knows of a database. What a proxy or a cluster does not tell is `None` or empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Database {
    /// What was asked about.
    pub target: Target,
    /// The engine.
    pub engine: Engine,
    /// The engine's version, such as `8.0.40` or `8.0.mysql_aurora.3.05.2`.
    pub version: Option<String>,
    /// The endpoint's host: tokens are signed for it, and the certificate is its.
    pub endpoint: String,
    /// The endpoint's port.
    pub port: u16,
    /// What a policy's ARN names: `db-…`, `cluster-…` or `prx-…`.
    pub resource_id: String,
    /// The cluster that an instance belongs to.
    pub cluster: Option<String>,
    /// The region, such as `eu-west-1`.
    pub region: String,
    /// The VPC it is in.
    pub vpc: Option<String>,
    /// The subnets of its subnet group.
    pub subnets: Vec<String>,
    /// The VPC security groups that guard it.
    pub security_groups: Vec<String>,
    /// The certificate authority of its certificate, such as `rds-ca-rsa2048-g1`. A proxy's
    /// certificate is Amazon Trust's.
    pub ca: Option<String>,
    /// Whether IAM authentication is on.
    pub iam_auth: bool,
    /// The instance's class, or the different ones of a cluster's instances.
    pub instance_classes: Vec<String>,
    /// The master user, who must not be given to IAM.
    pub master_user: Option<String>,
    /// Its state, such as `available`.
    pub status: String,
    /// Whether its endpoint has a public address.
    pub publicly_accessible: Option<bool>,
    /// Whether the log `iam-db-auth-error`, which tells why a token was refused, goes to
    /// CloudWatch Logs.
    pub exports_auth_errors: Option<bool>,
}

/// The region of an ARN.
pub(crate) fn region_of(arn: &str) -> Result<String, Error> {
    arn.split(':')
        .nth(3)
        .filter(|region| !region.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Error::other(format!("{arn:?} is not the ARN of an RDS resource")))
}

/// The name of the log that tells why a token was refused.
pub(crate) const AUTH_ERROR_LOG: &str = "iam-db-auth-error";
