//! The template's parameters for a function and its database.

use crate::choice::Choice;

/// Names, which start with the function's `prefix`, and values, overridden by those of the command line. Others keep their value in an existing
/// stack, or else take the template's default.
pub(crate) fn parameters(
    choice: &Choice,
    prefix: &str,
    user: &str,
    name: &str,
    architecture: &str,
    given: &[(String, String)],
) -> Vec<(String, String)> {
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
    .map(|(parameter, value)| (format!("{prefix}{parameter}"), value))
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
