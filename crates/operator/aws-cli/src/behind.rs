//! The databases behind a proxy.

use crate::client::Aws;
use crate::database::Database;
use crate::discover::discover;
use crate::error::Error;
use crate::proxy_target::{ProxyTarget, TargetHealth, proxy_targets};
use crate::target::Target;

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
    let asked = targets(proxy_targets(aws, name)?)
        .into_iter()
        .map(|(target, trouble)| Ok(Behind { database: discover(aws, &target)?, trouble }));
    asked.collect::<Result<_, Error>>().map(merged)
}

/// What to ask AWS about, each once.
fn targets(found: Vec<ProxyTarget>) -> Vec<(Target, Option<String>)> {
    let mut all: Vec<(Target, Option<String>)> = Vec::new();
    for registered in found {
        let Some(target) = identified(&registered) else { continue };
        let trouble = registered.target_health.and_then(trouble);
        match all.iter_mut().find(|(other, _)| *other == target) {
            Some((_, other)) => *other = other.take().or(trouble),
            None => all.push((target, trouble)),
        }
    }
    all
}

/// The instances of a tracked cluster are listed beside it, and have its resource id: they are the cluster.
fn merged(all: Vec<Behind>) -> Vec<Behind> {
    let mut merged: Vec<Behind> = Vec::new();
    for one in all {
        match merged.iter_mut().find(|it| it.database.resource_id == one.database.resource_id) {
            Some(other) => {
                other.trouble = other.trouble.take().or(one.trouble);
                if matches!(one.database.target, Target::Cluster(_)) {
                    other.database = one.database;
                }
            }
            None => merged.push(one),
        }
    }
    merged
}

/// The cluster or the instance that a proxy has registered.
fn identified(registered: &ProxyTarget) -> Option<Target> {
    let given = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
    if let Some(cluster) = given(&registered.tracked_cluster_id) {
        return Some(Target::Cluster(cluster));
    }
    let id = given(&registered.rds_resource_id)?;
    Some(match registered.kind.as_deref() {
        Some("TRACKED_CLUSTER") => Target::Cluster(id),
        _ => Target::Instance(id),
    })
}

fn trouble(health: TargetHealth) -> Option<String> {
    let state = health.state.filter(|state| state == "UNAVAILABLE")?;
    let more =
        [health.reason, health.description].into_iter().flatten().filter(|it| !it.is_empty());
    Some([Some(state)].into_iter().flatten().chain(more).collect::<Vec<_>>().join(": "))
}

#[cfg(test)]
mod tests {
    use engine::Engine;

    use super::*;
    use crate::proxy_target::read;

    /// The answer for a cluster, in the Aurora user guide: "Verifying connectivity of RDS Proxy to the RDS DB
    /// instance or Aurora DB cluster". It has no `TrackedClusterId`.
    /// <https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/rds-proxy.troubleshooting.html>
    const OF_A_CLUSTER: &str = r#"{"Targets": [
        {"Endpoint": "instance-9814.demo.us-east-1.rds.amazonaws.com", "Type": "RDS_INSTANCE",
         "Port": 3306, "RdsResourceId": "instance-9814", "TrackedClusterId": null,
         "TargetHealth": {"State": "UNAVAILABLE", "Reason": "AUTH_FAILURE", "Description": null}},
        {"Port": 0, "Type": "TRACKED_CLUSTER", "RdsResourceId": "cluster-56-2020-02-25-1399",
         "TargetHealth": null}]}"#;

    #[test]
    fn a_tracked_cluster_is_a_cluster() {
        let trouble = || Some("UNAVAILABLE: AUTH_FAILURE".to_owned());
        let found = targets(read(OF_A_CLUSTER));
        let cluster = Target::Cluster("cluster-56-2020-02-25-1399".into());
        let instance = Target::Instance("instance-9814".into());
        assert_eq!(found, [(instance.clone(), trouble()), (cluster.clone(), None)]);
        let of_it = |target: Target, trouble| Behind { database: database(target), trouble };
        for all in [
            vec![of_it(instance.clone(), trouble()), of_it(cluster.clone(), None)],
            vec![of_it(cluster.clone(), None), of_it(instance, trouble())],
        ] {
            let all = merged(all);
            assert_eq!(all.len(), 1, "{all:?}");
            assert_eq!((&all[0].database.target, &all[0].trouble), (&cluster, &trouble()));
        }
    }

    #[test]
    fn an_instance_of_its_own_is_one() {
        let found = r#"{"Targets": [{"Type": "RDS_INSTANCE", "RdsResourceId": "orders"},
            {"Type": "RDS_INSTANCE", "RdsResourceId": null}]}"#;
        let found = targets(read(found));
        assert_eq!(found, [(Target::Instance("orders".into()), None)]);
    }

    fn database(target: Target) -> Database {
        Database {
            target,
            arn: String::new(),
            engine: Engine::MySql,
            engine_name: "aurora-mysql".into(),
            version: None,
            endpoint: String::new(),
            port: 3306,
            resource_id: "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ".into(),
            cluster: None,
            region: "us-east-1".into(),
            vpc: None,
            subnets: vec![],
            security_groups: vec![],
            ca: None,
            iam_auth: true,
            proxy: None,
            internet_access_gateway: false,
            instance_classes: vec![],
            master_user: None,
            status: "available".into(),
            publicly_accessible: None,
            exports_auth_errors: None,
            reader: None,
            serverless: None,
            is_dual_stack: false,
        }
    }
}
