//! The resource ids that the policy names: one, or two while a Blue/Green deployment is in progress.
//!
//! At its switchover the blue and the green database swap their names, and keep their ids. A policy of one
//! id then locks every function out at once:
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/blue-green-deployments-considerations.html>.

use aws_cli::{Aws, BlueGreen, Database, Side, Target, blue_green, name_of_resource};

/// Ids, and why they are these.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ResourceIds {
    pub(crate) ids: Vec<String>,
    /// A line of text for each that is not the database's own.
    pub(crate) why: Vec<String>,
}

impl ResourceIds {
    pub(crate) fn of(ids: Vec<String>) -> Self {
        Self { ids, why: vec![] }
    }

    /// The value of the template's parameter.
    pub(crate) fn parameter(&self) -> String {
        self.ids.join(",")
    }

    /// The ids for a database, whose function has a policy of the ids `kept` so far.
    pub(crate) fn for_database(aws: &Aws, database: &Database, kept: &[String]) -> Self {
        let aws = &aws.clone().region(&database.region);
        let found = match &database.target {
            // A proxy keeps its id.
            Target::Proxy(_) => Ok(None),
            _ => blue_green(aws, database),
        };
        let of_other =
            |other: &str| name_of_resource(aws, other).map_err(|error| error.to_string());
        decide(database, found.map_err(|error| error.to_string()), kept, of_other)
    }
}

/// Decides, with what AWS says of a Blue/Green deployment of the database, and of the name of a database
/// with another id.
fn decide(
    database: &Database,
    deployment: Result<Option<BlueGreen>, String>,
    kept: &[String],
    name_of: impl Fn(&str) -> Result<Option<String>, String>,
) -> ResourceIds {
    let own = &database.resource_id;
    let mut decided = ResourceIds::of(vec![own.clone()]);
    // One other id is from before a switchover, and no longer the database's. Of two, somebody or this
    // command wanted both.
    let other = match kept {
        [one, two] if one == own => Some(two),
        [one, two] if two == own => Some(one),
        _ => None,
    };
    match deployment {
        Err(error) => {
            decided.why.push(format!("cannot ask for Blue/Green deployments: {error}"));
            keep(&mut decided, other, "it was there, and may be of a Blue/Green deployment");
        }
        Ok(Some(deployment)) if is_wanted(&deployment) => {
            add(&mut decided, &deployment, database, other);
        }
        Ok(deployment) => {
            let deployment = deployment.as_ref();
            if let Some(warning) = deployment.and_then(|it| of_no_name(it, database)) {
                decided.why.push(warning);
            }
            match other.map(|other| (other, is_droppable(other, database, deployment, &name_of))) {
                None => {}
                Some((other, Ok(why))) => decided.why.push(format!("{other} is dropped: {why}")),
                Some((other, Err(why))) => keep(&mut decided, Some(other), &why),
            }
        }
    }
    decided
}

/// Whether the other database of a deployment may get, or just had, the name.
fn is_wanted(deployment: &BlueGreen) -> bool {
    deployment.may_switch_over()
        && (deployment.side == Side::Blue || deployment.status == "SWITCHOVER_IN_PROGRESS")
}

fn add(
    decided: &mut ResourceIds,
    deployment: &BlueGreen,
    database: &Database,
    kept: Option<&String>,
) {
    let BlueGreen { id, status, .. } = deployment;
    let Some(other) = &deployment.other_id else {
        decided.why.push(format!(
            "the Blue/Green deployment {id} is {status} and has no green database yet; deploy again when \
             it has one, before its switchover: the policy must name both"
        ));
        keep(decided, kept, "it was there");
        return;
    };
    let name = deployment.other.as_ref().map(Target::to_string).unwrap_or_default();
    let own = &database.resource_id;
    decided.ids.push(other.clone());
    decided.why.push(format!(
        "{other} is added: it is the {name} of the Blue/Green deployment {id}, {status}. After the \
         switchover the name {} is that database's, and a policy of {own} alone would lock the function \
         out. To leave it out: --resource-id {own}",
        database.target.name()
    ));
    if let Some(kept) = kept.filter(|kept| *kept != other) {
        decided.why.push(format!(
            "{kept} is dropped: the policy has room for two ids, and it is neither of {id}. To keep it: \
             --resource-id {own},{kept}"
        ));
    }
}

fn keep(decided: &mut ResourceIds, other: Option<&String>, why: &str) {
    let Some(other) = other else { return };
    let own = decided.ids.concat();
    decided.why.push(format!("{other} is kept: {why}. To drop it: --resource-id {own}"));
    decided.ids.push(other.clone());
}

/// Whether the policy needs another id no longer: why, or else why it is kept.
fn is_droppable(
    other: &str,
    database: &Database,
    deployment: Option<&BlueGreen>,
    name_of: impl Fn(&str) -> Result<Option<String>, String>,
) -> Result<String, String> {
    if let Some(done) = deployment.filter(|it| it.is_switched_over() && it.side == Side::Green)
        && done.other_id.as_deref().is_none_or(|id| id == other)
    {
        return Ok(match &done.other {
            Some(old) if done.other_id.is_some() => format!(
                "it is the {old}, the old blue database of {}, whose switchover is complete",
                done.id
            ),
            _ => format!("the old blue database of {} is deleted", done.id),
        });
    }
    match name_of(other) {
        Ok(None) => Ok("no database has this id".to_owned()),
        Ok(Some(name)) if is_old_name(&name, database.target.name()) => {
            Ok(format!("it is {name}, an old blue database"))
        }
        Ok(Some(name)) => {
            Err(format!("it is {name}, and no Blue/Green deployment says that it is old"))
        }
        Err(error) => Err(format!("cannot ask which database has it: {error}")),
    }
}

/// `mydb-old1`: the name of the blue database after the switchover.
fn is_old_name(name: &str, current: &str) -> bool {
    let number = name.strip_prefix(current).and_then(|rest| rest.strip_prefix("-old"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

/// A warning when the database that was named is not the one with the name that stays.
fn of_no_name(deployment: &BlueGreen, database: &Database) -> Option<String> {
    let BlueGreen { id, status, side, .. } = deployment;
    let (target, other) = (&database.target, deployment.other.as_ref()?);
    match side {
        Side::Green if deployment.may_switch_over() => Some(format!(
            "warning: the {target} is the green database of {id}, {status}; its endpoint is gone after the \
             switchover. Its production database is the {other}"
        )),
        Side::Blue if deployment.is_switched_over() => Some(format!(
            "warning: the {target} is the old blue database of {id}, {status}, and is read-only; the \
             production database is the {other}"
        )),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
