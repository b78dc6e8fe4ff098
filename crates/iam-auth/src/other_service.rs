//! Hosts of AWS's other databases, which resemble RDS's and take other tokens.
//!
//! Sources: "Authentication and authorization" and "Managing clusters with AWS PrivateLink", Aurora DSQL user
//! guide; "Using IAM authentication to generate database user credentials", Redshift management guide;
//! "Authentication using IAM identity", DocumentDB developer guide; "Authenticating your Neptune database with
//! IAM", Neptune user guide; "Authenticating with IAM", ElastiCache and MemoryDB guides.

use crate::partition::Partition;

/// The label that names a service in its hosts, next to the region; the service, and how one logs in to it.
const SERVICES: [(&str, &str, &str); 9] = [
    (
        "dsql",
        "Aurora DSQL",
        "it takes tokens of its own, of the service dsql and the action DbConnect, for the host without a \
         port; use a PostgreSQL driver with AWS's Aurora DSQL connector",
    ),
    (
        "redshift",
        "Amazon Redshift",
        "it takes the temporary password of GetClusterCredentialsWithIAM; use AWS's Redshift driver",
    ),
    (
        "redshift-serverless",
        "Amazon Redshift Serverless",
        "it takes the temporary password of GetCredentials; use AWS's Redshift driver",
    ),
    (
        "docdb",
        "Amazon DocumentDB",
        "it takes the AWS credentials themselves, by the mechanism MONGODB-AWS; use a MongoDB driver",
    ),
    (
        "docdb-elastic",
        "Amazon DocumentDB (elastic clusters)",
        "it takes the name and password of its own user; use a MongoDB driver",
    ),
    (
        "neptune",
        "Amazon Neptune",
        "it takes HTTP requests signed for the service neptune-db; use a Gremlin, openCypher or SPARQL \
         client that signs them",
    ),
    (
        "neptune-graph",
        "Amazon Neptune Analytics",
        "it takes HTTP requests signed for the service neptune-graph; use an AWS SDK",
    ),
    (
        "cache",
        "Amazon ElastiCache",
        "it takes tokens of its own, of the service elasticache; use a Valkey or Redis client",
    ),
    (
        "memorydb",
        "Amazon MemoryDB",
        "it takes tokens of its own, of the service memorydb; use a Valkey or Redis client",
    ),
];

/// The domain of Aurora DSQL.
const ON_AWS: &str = "on.aws";

/// The service whose host this lowercase name is, and how one logs in to it instead.
pub(crate) fn of_host(host: &str) -> Option<(&'static str, &'static str)> {
    let domains = Partition::ALL.into_iter().map(Partition::domain).chain([ON_AWS]);
    let (domain, rest) = domains
        .filter_map(|domain| Some((domain, host.strip_suffix(domain)?.strip_suffix('.')?)))
        .next()?;
    // `….<region>.<service>` or `….<service>.<region>`.
    let mut labels = rest.rsplit('.').take(2);
    labels.find_map(|label| {
        // The hosts of PrivateLink: `dsql-fnh4`.
        let is_private = domain == ON_AWS && label.starts_with("dsql-");
        let is_named = |name: &str| name == label || (is_private && name == "dsql");
        let (_, service, way) = SERVICES.into_iter().find(|(name, ..)| is_named(name))?;
        Some((service, way))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_service_by_its_hosts() {
        for (host, service) in [
            ("foo4abcdefghijklmnopqrstuv.dsql.us-east-1.on.aws", "Aurora DSQL"),
            ("foo4abcdefghijklmnopqrstuv.dsql-fnh4.eu-west-1.on.aws", "Aurora DSQL"),
            ("dw.abc123xyz789.us-west-2.redshift.amazonaws.com", "Amazon Redshift"),
            ("dw.abc123xyz789.cn-north-1.redshift.amazonaws.com.cn", "Amazon Redshift"),
            (
                "wg.123456789012.us-east-1.redshift-serverless.amazonaws.com",
                "Amazon Redshift Serverless",
            ),
            ("docs.cluster-abc123.eu-west-1.docdb.amazonaws.com", "Amazon DocumentDB"),
            ("docs.cluster-ro-abc123.eu-west-1.docdb.amazonaws.com", "Amazon DocumentDB"),
            ("docs.cluster-abc123.docdb.cn-northwest-1.amazonaws.com.cn", "Amazon DocumentDB"),
            (
                "docs-123456789012.eu-west-1.docdb-elastic.amazonaws.com",
                "Amazon DocumentDB (elastic clusters)",
            ),
            ("g.cluster-abc123.us-east-1.neptune.amazonaws.com", "Amazon Neptune"),
            ("g.cluster-ro-abc123.neptune.cn-north-1.amazonaws.com.cn", "Amazon Neptune"),
            ("g-abc123.us-east-1.neptune-graph.amazonaws.com", "Amazon Neptune Analytics"),
            ("master.c.abc123.use1.cache.amazonaws.com", "Amazon ElastiCache"),
            ("c-abc123.serverless.use1.cache.amazonaws.com", "Amazon ElastiCache"),
            ("clustercfg.c.abc123.memorydb.us-east-1.amazonaws.com", "Amazon MemoryDB"),
        ] {
            let found = of_host(host).map(|(service, _)| service);
            assert_eq!(found, Some(service), "{host}");
        }
    }

    #[test]
    fn nothing_else() {
        for host in [
            "redshift.abc123def456.eu-west-1.rds.amazonaws.com",
            "dsql.cluster-abc123def456.eu-west-1.rds.amazonaws.com",
            "neptune.global-abc123def456.global.rds.amazonaws.com",
            "nlb-1.elb.eu-west-1.amazonaws.com",
            "db.dsql-1.example.com",
            "docdb.amazonaws.com.example.com",
            "dsql",
            "on.aws",
            "fn.lambda-url.eu-west-1.on.aws",
        ] {
            assert_eq!(of_host(host), None, "{host}");
        }
    }
}
