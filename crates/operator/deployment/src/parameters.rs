//! The template's parameters for a database.

use engine::Engine;

use crate::choice::Choice;

/// The prefix of a function's parameters, resources and outputs in the template.
pub(crate) fn prefix(engine: Engine) -> &'static str {
    match engine {
        Engine::MySql | Engine::MariaDb => "MySql",
        Engine::Postgres => "Postgres",
    }
}

/// Names and values, overridden by those of the command line. Others keep their value in an existing
/// stack, or else take the template's default.
pub(crate) fn parameters(
    choice: &Choice,
    user: &str,
    name: &str,
    architecture: &str,
    given: &[(String, String)],
) -> Vec<(String, String)> {
    let prefix = prefix(choice.engine);
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
