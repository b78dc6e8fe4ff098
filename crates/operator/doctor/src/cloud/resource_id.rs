//! Whether another resource id is the one that the database had before.

use aws_cli::{Aws, Database, Target, blue_green, name_of_resource};
use diagnosis::{Cause, Suspect};

use super::{Login, of_table};

/// The settings name other resource ids than RDS.
pub(super) fn changed(aws: &Aws, database: &Database, login: &Login) -> Option<Suspect> {
    let own = &database.resource_id;
    if login.resource_ids.contains(own) {
        return None;
    }
    let ids = login.resource_ids.iter().map(String::as_str);
    let (cause, why) = explain(aws, database, ids.clone())?;
    let because = format!(
        "DB_RESOURCE_ID is {}, but RDS shows {own} for the {}{why}",
        ids.collect::<Vec<_>>().join(","),
        database.target
    );
    Some(of_table(cause, because, database, login))
}

/// Why `ids` are not the database's, from the first that was its own before, or else from the first.
pub(super) fn explain<'a>(
    aws: &Aws,
    database: &Database,
    ids: impl Iterator<Item = &'a str>,
) -> Option<(Cause, String)> {
    let mut first = None;
    for id in ids {
        let found = explain_one(aws, database, id);
        if found.0 == Cause::ResourceIdChanged {
            return Some(found);
        }
        first = first.or(Some(found));
    }
    first
}

/// Whose the id `other` is. Only what RDS shows proves that it was the database's before.
fn explain_one(aws: &Aws, database: &Database, other: &str) -> (Cause, String) {
    let wrong = |why: String| (Cause::PolicyWrongResource, why);
    if !may_be_former(database, other) {
        return wrong(String::new());
    }
    if let Ok(Some(deployment)) = blue_green(aws, database)
        && deployment.other_id.as_deref() == Some(other)
    {
        let seen =
            format!("; the blue/green deployment {} is {}", deployment.id, deployment.status);
        return (Cause::ResourceIdChanged, seen);
    }
    match name_of_resource(aws, other) {
        Ok(Some(name)) if is_old(&name, database) => {
            (Cause::ResourceIdChanged, format!("; {other} is now {name}"))
        }
        Ok(Some(name)) => wrong(format!("; {other} is {name}")),
        Ok(None) => wrong(format!(
            "; there is no {other} in {}: it is not spelt right, or the database was replaced",
            database.region
        )),
        Err(error) => wrong(format!("; whose {other} is, is not known: {error}")),
    }
}

/// Whether `other` has the form of an id that the database may have had: a proxy keeps its own.
fn may_be_former(database: &Database, other: &str) -> bool {
    let form = |id: &str| id.split_once('-').map(|(kind, rest)| (kind.to_owned(), rest.to_owned()));
    match (form(&database.resource_id), form(other)) {
        (Some((own, _)), Some((kind, rest))) => {
            let is_plain = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
            let is_proxy = matches!(database.target, Target::Proxy(_));
            own == kind && !is_proxy && !rest.is_empty() && rest.bytes().all(is_plain)
        }
        _ => false,
    }
}

/// Whether a switchover gave this name to the blue database: `mydb-old1`.
fn is_old(name: &str, database: &Database) -> bool {
    let own = database.cluster.as_deref().unwrap_or(database.target.name());
    name.rsplit_once("-old").is_some_and(|(stem, number)| {
        stem == own && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample::{self, ID};
    use super::*;
    use serde_json::{Value, json};

    const OTHER: &str = "db-ZYXWVUTSRQPONMLKJIHGFEDCBA";

    fn instances(name: &str) -> Value {
        json!({"DBInstances": [{"DBInstanceIdentifier": name, "DbiResourceId": OTHER,
            "DBInstanceArn": format!("arn:aws:rds:eu-west-1:123456789012:db:{name}"),
            "DBInstanceStatus": "available", "Engine": "postgres"}]})
    }

    fn of_settings(ids: &[&str], answers: &[(&str, Value)]) -> (String, String) {
        let resource_ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let login = Login { resource_ids, ..sample::login(true) };
        let (aws, _answers) = sample::aws(answers);
        let suspect = changed(&aws, &sample::database(), &login).unwrap();
        (suspect.id, suspect.because)
    }

    #[test]
    fn only_what_rds_shows_is_a_switchover() {
        let changed = Cause::ResourceIdChanged.id();
        let wrong = Cause::PolicyWrongResource.id();
        let none = || ("describe-blue-green-deployments", json!({"BlueGreenDeployments": []}));
        let by_id = "--filters Name=dbi-resource-id,Values=db-ZYXWVUTSRQPONMLKJIHGFEDCBA";
        let blue_green = json!({"BlueGreenDeployments": [{
            "BlueGreenDeploymentIdentifier": "bgd-1", "Status": "SWITCHOVER_COMPLETED",
            "Source": "arn:aws:rds:eu-west-1:123456789012:db:orders-x",
            "Target": "arn:aws:rds:eu-west-1:123456789012:db:orders"}]});
        let deployment = [
            ("describe-blue-green-deployments", blue_green),
            ("--db-instance-identifier orders-x", instances("orders-x")),
        ];
        let (id, because) = of_settings(&["db-FIRST", OTHER], &deployment);
        assert_eq!(id, changed);
        assert!(because.contains("bgd-1 is SWITCHOVER_COMPLETED"), "{because}");

        for (name, expected) in
            [("orders-old1", changed), ("billing-old1", wrong), ("orders-old", wrong), ("a", wrong)]
        {
            let (id, because) = of_settings(&[OTHER], &[none(), (by_id, instances(name))]);
            assert_eq!(id, expected, "{because}");
            assert!(because.ends_with(name), "{because}");
        }
        let deleted = [none(), (by_id, json!({"DBInstances": []}))];
        let (id, because) = of_settings(&[OTHER], &deleted);
        assert_eq!(id, wrong);
        assert!(because.contains("or the database was replaced"), "{because}");
        let (id, because) = of_settings(&[OTHER], &[none()]);
        assert_eq!(id, wrong);
        assert!(because.contains("is not known: `aws rds"), "{because}");
    }

    #[test]
    fn what_cannot_be_an_id_of_the_database_is_never_a_switchover() {
        for id in ["db-*", "*", "db-prod", "cluster-ABC", "cluster-*", "orders", "db-", "DB-ABC"] {
            // Whatever RDS would say.
            let mut found = instances("orders-old1");
            found["DBInstances"][0]["DbiResourceId"] = json!(id);
            let answers = [("describe-db-instances", found)];
            let (cause, because) = of_settings(&[id], &answers);
            assert_eq!(cause, Cause::PolicyWrongResource.id(), "{because}");
        }
        let proxy = Database {
            target: Target::Proxy("app".into()),
            resource_id: "prx-0123456789abcdef0".into(),
            ..sample::database()
        };
        assert!(!may_be_former(&proxy, "prx-0"));
        assert!(may_be_former(&sample::database(), ID));
    }
}
