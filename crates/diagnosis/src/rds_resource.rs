//! The three kinds of resource that RDS has an endpoint for, each with its own commands.

/// A resource with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RdsResource {
    /// A DB instance.
    Instance,
    /// An Aurora DB cluster.
    Cluster,
    /// An RDS Proxy.
    Proxy,
}

/// Shows how a proxy authenticates its clients.
pub(crate) const SHOW_PROXY: &str = "`aws rds describe-db-proxies --region {region} --query \
     \"DBProxies[?Endpoint=='{host}'].[DefaultAuthScheme,Auth]\"`";

/// Has a proxy require a token, and log in to the database with a secret. `IAMAuth` is `REQUIRED` or
/// `DISABLED`; `ENABLED` exists for SQL Server alone:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_UserAuthConfig.html>.
pub(crate) const PROXY_REQUIRE_IAM: &str = "`aws rds modify-db-proxy --region {region} \
     --db-proxy-name {identifier} --require-tls --auth \
     AuthScheme=SECRETS,SecretArn=SECRET-OF-USER,IAMAuth=REQUIRED`, with an item for every secret of the \
     proxy, because the list replaces the old one, and a role of the proxy's that may read them";

/// Has a proxy require a token, and log in to the database with one of its own:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-iam-setup.html>.
pub(crate) const PROXY_IAM_AUTH: &str = "`aws rds modify-db-proxy --region {region} --db-proxy-name \
     {identifier} --default-auth-scheme IAM_AUTH`: then the proxy's own role needs rds-db:connect on \
     {database_arn}, and {user} must be an IAM user in the database, with IAM authentication on";

/// The resource of the proxy's own login.
pub(crate) const DATABASE_ARN: &str = "arn:{partition}:rds-db:{region}:{account}:dbuser:{database_id}/{user} (the id is the database's: \
     db-… or cluster-…)";

impl RdsResource {
    /// The form of the resource id in a policy: see "Creating and using an IAM policy for IAM database
    /// access" in the RDS and Aurora user guides.
    pub(crate) fn id(self) -> &'static str {
        match self {
            RdsResource::Instance => "db-ID",
            RdsResource::Cluster => "cluster-ID",
            RdsResource::Proxy => "prx-ID",
        }
    }

    /// The options of `cargo xtask deploy` that name it, and what `deploy` must know beside.
    pub(crate) fn target(self) -> &'static str {
        match self {
            RdsResource::Instance => {
                "--db-instance {identifier} --db-user {user:shell} --db-name {database:shell}"
            }
            RdsResource::Cluster => {
                "--db-cluster {identifier} --db-user {user:shell} --db-name {database:shell}"
            }
            RdsResource::Proxy => {
                "--db-proxy {identifier} --db-user {user:shell} --db-name {database:shell}"
            }
        }
    }

    /// Shows the resource id.
    pub(crate) fn show_id(self) -> &'static str {
        match self {
            RdsResource::Instance => {
                "`aws rds describe-db-instances --region {region} --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].DbiResourceId\"`"
            }
            RdsResource::Cluster => {
                "`aws rds describe-db-clusters --region {region} --query \
                 \"DBClusters[?Endpoint=='{host}' || ReaderEndpoint=='{host}'].DbClusterResourceId\"`"
            }
            RdsResource::Proxy => {
                "`aws rds describe-db-proxies --region {region} --query \
                 \"DBProxies[?Endpoint=='{host}'].DBProxyArn\"`"
            }
        }
    }

    /// Shows whether IAM authentication is on.
    pub(crate) fn show_iam(self) -> &'static str {
        match self {
            RdsResource::Instance => {
                "`aws rds describe-db-instances --region {region} --query \
                 \"DBInstances[?Endpoint.Address=='{host}'].IAMDatabaseAuthenticationEnabled\"`"
            }
            RdsResource::Cluster => {
                "`aws rds describe-db-clusters --region {region} --query \
                 \"DBClusters[?Endpoint=='{host}' || \
                 ReaderEndpoint=='{host}'].IAMDatabaseAuthenticationEnabled\"`"
            }
            RdsResource::Proxy => SHOW_PROXY,
        }
    }

    /// Turns IAM authentication on.
    pub(crate) fn turn_iam_on(self) -> &'static str {
        match self {
            RdsResource::Instance => {
                "`aws rds modify-db-instance --region {region} --db-instance-identifier {identifier} \
                 --enable-iam-database-authentication --apply-immediately` (for an instance of Aurora: \
                 modify-db-cluster, on its cluster)"
            }
            RdsResource::Cluster => {
                "`aws rds modify-db-cluster --region {region} --db-cluster-identifier {identifier} \
                 --enable-iam-database-authentication --apply-immediately`"
            }
            RdsResource::Proxy => PROXY_REQUIRE_IAM,
        }
    }
}
