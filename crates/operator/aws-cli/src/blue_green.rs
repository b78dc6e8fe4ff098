//! Blue/Green deployments of a database.
//!
//! Each database keeps its resource id, and at the switchover the two swap their names. A policy must
//! therefore name both ids while a deployment is in progress:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/blue-green-deployments-considerations.html>.

use serde::Deserialize;

use crate::client::Aws;
use crate::cluster::Clusters;
use crate::database::Database;
use crate::error::Error;
use crate::instance::Instances;
use crate::target::Target;

#[derive(Deserialize)]
struct Deployments {
    #[serde(rename = "BlueGreenDeployments")]
    deployments: Vec<Deployment>,
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_BlueGreenDeployment.html>
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Deployment {
    #[serde(rename = "BlueGreenDeploymentIdentifier")]
    id: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    target: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    switchover_details: Vec<Members>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Members {
    #[serde(default)]
    source_member: String,
    #[serde(default)]
    target_member: String,
}

/// Which of the two databases of a deployment one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The production database before the switchover.
    Blue,
    /// The production database after the switchover.
    Green,
}

/// A Blue/Green deployment, as one of its two databases sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlueGreen {
    /// Its id, `bgd-…`.
    pub id: String,
    /// Its status, such as `AVAILABLE` or `SWITCHOVER_COMPLETED`.
    pub status: String,
    /// Which of the two this database is.
    pub side: Side,
    /// The other database: its name, which changes at the switchover.
    pub other: Option<Target>,
    /// The other's resource id, `db-…` or `cluster-…`. `None` when it is not there yet, or no longer.
    pub other_id: Option<String>,
}

impl BlueGreen {
    /// Whether the two have swapped their names for good.
    #[must_use]
    pub fn is_switched_over(&self) -> bool {
        self.status == "SWITCHOVER_COMPLETED"
    }

    /// Whether its green database may still become the production database.
    #[must_use]
    pub fn may_switch_over(&self) -> bool {
        stage(&self.status) == Stage::Open
    }
}

/// How far a deployment is from a switchover that is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Open,
    Completed,
    Deleting,
}

fn stage(status: &str) -> Stage {
    match status {
        "SWITCHOVER_COMPLETED" => Stage::Completed,
        "DELETING" => Stage::Deleting,
        _ => Stage::Open,
    }
}

/// Asks AWS for the Blue/Green deployment of a database. `None` when it is in none.
///
/// # Errors
/// AWS refuses: the caller needs `rds:DescribeBlueGreenDeployments`.
pub fn blue_green(aws: &Aws, database: &Database) -> Result<Option<BlueGreen>, Error> {
    let aws = &aws.clone().region(&database.region);
    let found: Deployments = aws.call(&["rds", "describe-blue-green-deployments"])?;
    let mut pairs: Vec<_> = found
        .deployments
        .into_iter()
        .filter_map(|deployment| {
            let (side, other) = deployment.pair(database)?;
            Some((deployment, side, other))
        })
        .collect();
    // A database may have been the green one of a deployment that was never deleted, and be the blue one
    // of the next.
    pairs.sort_by_key(|(deployment, ..)| stage(&deployment.status));
    let Some((Deployment { id, status, .. }, side, other)) = pairs.into_iter().next() else {
        return Ok(None);
    };
    let other = target_of(&other);
    let other_id = match &other {
        Some(other) => resource_id(aws, other)?,
        None => None,
    };
    Ok(Some(BlueGreen { id, status, side, other, other_id }))
}

impl Deployment {
    /// The side of `database`, and the ARN of the other, where this deployment is its.
    fn pair(&self, database: &Database) -> Option<(Side, String)> {
        // An instance of a cluster has the resource id of the cluster.
        let own = match &database.cluster {
            None => database.arn.clone(),
            Some(cluster) => {
                let start = database.arn.rsplitn(3, ':').nth(2)?;
                format!("{start}:cluster:{cluster}")
            }
        };
        let whole = (&self.source, &self.target);
        let members = self.switchover_details.iter();
        let members = members.map(|it| (&it.source_member, &it.target_member));
        [whole].into_iter().chain(members).find_map(|(source, target)| {
            if *source == own {
                Some((Side::Blue, target.clone()))
            } else if *target == own {
                Some((Side::Green, source.clone()))
            } else {
                None
            }
        })
    }
}

/// `arn:aws:rds:eu-west-1:123456789012:db:mydb-green-abc123`
fn target_of(arn: &str) -> Option<Target> {
    let mut parts = arn.rsplitn(3, ':');
    let (name, kind) = (parts.next()?.to_owned(), parts.next()?);
    match kind {
        "db" => Some(Target::Instance(name)),
        "cluster" => Some(Target::Cluster(name)),
        _ => None,
    }
}

/// The resource id of an instance or a cluster, which may be in creation. `None` when there is none.
fn resource_id(aws: &Aws, target: &Target) -> Result<Option<String>, Error> {
    let ids = match target {
        Target::Instance(name) => {
            aws.call(&["rds", "describe-db-instances", "--db-instance-identifier", name]).map(
                |found: Instances| found.instances.into_iter().map(|it| it.dbi_resource_id).next(),
            )
        }
        Target::Cluster(name) => aws
            .call(&["rds", "describe-db-clusters", "--db-cluster-identifier", name])
            .map(|found: Clusters| {
                found.clusters.into_iter().map(|it| it.db_cluster_resource_id).next()
            }),
        Target::Proxy(_) => return Ok(None),
    };
    match ids {
        Ok(id) => Ok(id.filter(|id| !id.is_empty())),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// The name of the database that has a resource id, `db-…` or `cluster-…`. `None` when it is deleted.
///
/// # Errors
/// AWS refuses to answer.
pub fn name_of_resource(aws: &Aws, id: &str) -> Result<Option<String>, Error> {
    // https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html
    if id.starts_with("cluster-") {
        let filter = format!("Name=db-cluster-resource-id,Values={id}");
        let found: Clusters = aws.call(&["rds", "describe-db-clusters", "--filters", &filter])?;
        let mut clusters = found.clusters.into_iter();
        return Ok(clusters.find(|it| it.db_cluster_resource_id == id).map(|it| it.identifier));
    }
    let filter = format!("Name=dbi-resource-id,Values={id}");
    let found: Instances = aws.call(&["rds", "describe-db-instances", "--filters", &filter])?;
    let mut instances = found.instances.into_iter();
    Ok(instances.find(|it| it.dbi_resource_id == id).map(|it| it.identifier))
}

#[cfg(test)]
mod tests {
    use super::stage;

    #[test]
    fn the_deployment_that_is_not_over_comes_first() {
        let mut all = ["DELETING", "SWITCHOVER_COMPLETED", "AVAILABLE"];
        all.sort_by_key(|status| stage(status));
        assert_eq!(all, ["AVAILABLE", "SWITCHOVER_COMPLETED", "DELETING"]);
    }
}
