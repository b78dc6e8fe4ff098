//! The databases behind a proxy.

use serde::Deserialize;

use crate::client::Aws;
use crate::database::Database;
use crate::discover::discover;
use crate::error::Error;
use crate::target::Target;

#[derive(Deserialize)]
struct Targets {
    #[serde(rename = "Targets")]
    targets: Vec<Registered>,
}

/// A target of `describe-db-proxy-targets`: a cluster, or an instance, of a cluster or not.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DBProxyTarget.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Registered {
    #[serde(default)]
    tracked_cluster_id: String,
    #[serde(default)]
    rds_resource_id: String,
    target_health: Option<Health>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    state: Option<String>,
    reason: Option<String>,
    description: Option<String>,
}

/// A database behind a proxy.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The database, whose resource id the policy of the proxy's own role must name.
    pub database: Database,
    /// Why the proxy cannot reach it or log in to it, in RDS's words: `UNAVAILABLE: AUTH_FAILURE`.
    pub trouble: Option<String>,
}

/// Asks AWS about the databases behind the proxy `name`. None is registered at first.
///
/// # Errors
/// AWS refuses: the caller needs `rds:DescribeDBProxyTargets`; or a database cannot be asked about.
pub fn behind(aws: &Aws, name: &str) -> Result<Vec<Behind>, Error> {
    let found: Targets =
        aws.call(&["rds", "describe-db-proxy-targets", "--db-proxy-name", name])?;
    let mut all: Vec<(Target, Option<String>)> = Vec::new();
    for registered in found.targets {
        // The instances of a tracked cluster are listed beside it.
        let target = match registered.tracked_cluster_id.as_str() {
            "" => Target::Instance(registered.rds_resource_id),
            cluster => Target::Cluster(cluster.to_owned()),
        };
        let trouble = registered.target_health.and_then(Health::trouble);
        match all.iter_mut().find(|(other, _)| *other == target) {
            Some((_, other)) => *other = other.take().or(trouble),
            None => all.push((target, trouble)),
        }
    }
    let asked = all
        .into_iter()
        .map(|(target, trouble)| Ok(Behind { database: discover(aws, &target)?, trouble }));
    asked.collect()
}

impl Health {
    fn trouble(self) -> Option<String> {
        let state = self.state.filter(|state| state == "UNAVAILABLE")?;
        let more =
            [self.reason, self.description].into_iter().flatten().filter(|it| !it.is_empty());
        Some([Some(state)].into_iter().flatten().chain(more).collect::<Vec<_>>().join(": "))
    }
}
