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
            RdsResource::Proxy => {
                "`aws rds describe-db-proxies --region {region} --query \
                 \"DBProxies[?Endpoint=='{host}'].Auth\"`"
            }
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
            RdsResource::Proxy => {
                "`aws rds modify-db-proxy --db-proxy-name {identifier} --auth \
                 AuthScheme=SECRETS,SecretArn=SECRET-OF-USER,IAMAuth=REQUIRED`"
            }
        }
    }
}
