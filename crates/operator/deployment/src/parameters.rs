//! The template's parameters for a function and its database.

use crate::choice::{Choice, Trust};

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
    let own = [
        ("Endpoint", Some(endpoint.host().to_owned())),
        ("Port", Some(endpoint.port().to_string())),
        ("ResourceId", Some(choice.resource_ids.parameter())),
        ("User", Some(user.to_owned())),
        ("Database", Some(name.to_owned())),
        ("DbIdentifier", Some(choice.identifier.clone().unwrap_or_default())),
        ("Trust", choice.trust.map(trust)),
    ];
    let own = own.into_iter().filter_map(|(parameter, value)| {
        value.map(|value| (format!("{prefix}{parameter}"), value))
    });
    let of_all = [
        ("Architecture", architecture.to_owned()),
        ("SubnetIds", choice.subnets.join(",")),
        ("SecurityGroupIds", choice.security_groups.join(",")),
    ];
    let of_all = of_all.map(|(parameter, value)| (parameter.to_owned(), value));
    let mut all: Vec<_> = own.chain(of_all).collect();
    for (parameter, value) in given {
        all.retain(|(name, _)| name != parameter);
        all.push((parameter.clone(), value.clone()));
    }
    all
}

/// The roots, as the template takes them.
fn trust(trust: Trust) -> String {
    match trust {
        Trust::OfItsKind => String::new(),
        Trust::Roots(roots) => roots.to_string(),
    }
}
