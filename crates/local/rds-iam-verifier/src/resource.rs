//! The database that tokens are signed for, and that policies name.

/// A database, as AWS identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The partition of its ARN: `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: String,
    /// Its region, such as `eu-west-1`.
    pub region: String,
    /// The AWS account that owns it: 12 digits.
    pub account: String,
    /// Its resource id (`db-…`, Aurora: `cluster-…`, RDS Proxy: `prx-…`), which is not its name.
    pub resource_id: String,
    /// The host name of its endpoint, in lower case.
    pub host: String,
    /// The port of its endpoint, which tokens are signed for even when another one is dialed.
    pub port: u16,
}

impl Resource {
    /// The ARN of `user` on this database, such as
    /// `arn:aws:rds-db:eu-west-1:123456789012:dbuser:db-ABC/lambda-user`.
    ///
    /// This is what the `Resource` of a policy for `rds-db:connect` must match ("Creating and using
    /// an IAM policy for IAM database access", Amazon RDS User Guide).
    pub fn arn(&self, user: &str) -> String {
        let Self { partition, region, account, resource_id, .. } = self;
        format!("arn:{partition}:rds-db:{region}:{account}:dbuser:{resource_id}/{user}")
    }
}
