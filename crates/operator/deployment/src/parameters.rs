//! The template's parameters, for the database that was chosen.

use crate::choice::Choice;

/// Names and values for `sam deploy`. What is given by hand has the last word; what is not named
/// keeps its value in a stack that exists, or else takes the template's default.
pub(crate) fn parameters(
    choice: &Choice,
    user: &str,
    name: &str,
    architecture: &str,
    given: &[(String, String)],
) -> Vec<(String, String)> {
    let engine = if choice.engine.is_postgres() { "Postgres" } else { "MySql" };
    let endpoint = &choice.endpoint;
    let mut all: Vec<(String, String)> = [
        ("Endpoint", endpoint.host().to_owned()),
        ("Port", endpoint.port().to_string()),
        ("ResourceId", choice.resource_id.clone()),
        ("User", user.to_owned()),
        ("Database", name.to_owned()),
        ("DbIdentifier", choice.identifier.clone().unwrap_or_default()),
    ]
    .into_iter()
    .map(|(parameter, value)| (format!("{engine}{parameter}"), value))
    .collect();
    for (parameter, value) in [
        ("Architecture", architecture.to_owned()),
        ("SubnetIds", choice.subnets.join(",")),
        ("SecurityGroupIds", choice.security_groups.join(",")),
    ] {
        all.push((parameter.to_owned(), value));
    }
    for (parameter, value) in given {
        all.retain(|(name, _)| name != parameter);
        all.push((parameter.clone(), value.clone()));
    }
    all
}
