//! Whether the resource id of the settings is still the database's.

use aws_cli::{Aws, Database, blue_green, name_of_resource};
use diagnosis::{Cause, Suspect};

use super::{Login, of_table};

/// The settings name another resource id than RDS.
pub(super) fn changed(aws: &Aws, database: &Database, login: &Login) -> Option<Suspect> {
    let own = &database.resource_id;
    let kind = own.split('-').next()?;
    // The function itself tells an id of the wrong form.
    let is_of_kind = |id: &&String| id.split('-').next() == Some(kind);
    let other = login.resource_ids.iter().find(is_of_kind)?;
    if login.resource_ids.contains(own) {
        return None;
    }
    let (cause, why) = explain(aws, database, other);
    let because =
        format!("DB_RESOURCE_ID is {other}, but RDS shows {own} for the {}{why}", database.target);
    Some(of_table(cause, because, database, login))
}

/// Whose the id `other` is, and whether it was the database's before.
pub(super) fn explain(aws: &Aws, database: &Database, other: &str) -> (Cause, String) {
    if let Ok(Some(deployment)) = blue_green(aws, database)
        && deployment.other_id.as_deref() == Some(other)
    {
        let seen =
            format!("; the blue/green deployment {} is {}", deployment.id, deployment.status);
        return (Cause::ResourceIdChanged, seen);
    }
    match name_of_resource(aws, other) {
        Ok(Some(name)) if is_old(&name) => {
            (Cause::ResourceIdChanged, format!("; {other} is now {name}"))
        }
        Ok(Some(name)) => (Cause::PolicyWrongResource, format!("; {other} is {name}")),
        Ok(None) => (Cause::ResourceIdChanged, format!("; there is no {other} any more")),
        Err(error) => {
            (Cause::ResourceIdChanged, format!("; whose {other} is, is not known: {error}"))
        }
    }
}

/// Whether a switchover gave this name to a blue database: `mydb-old1`.
fn is_old(name: &str) -> bool {
    let number = name.rsplit_once("-old").map(|(_, number)| number);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::is_old;

    #[test]
    fn a_switchover_numbers_the_old_one() {
        assert!(is_old("mydb-old1") && is_old("a-old-old12"));
        assert!(!is_old("mydb") && !is_old("mydb-old") && !is_old("mydb-older1"));
    }
}
