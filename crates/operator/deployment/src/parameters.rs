//! The template's parameters for a function and its database.

use crate::Failure;
use crate::choice::{Choice, Trust};
use crate::readers::Readers;

/// Parameters of the function that options set, after its prefix. `DbIdentifier` has no option.
const OWN: [(&str, &str); 6] = [
    ("Endpoint", "--endpoint"),
    ("Port", "--port"),
    ("ResourceId", "--resource-id"),
    ("User", "--db-user"),
    ("Database", "--db-name"),
    ("Trust", "--trust"),
];

/// Parameters of all functions that options set.
const OF_ALL: [(&str, &str); 3] = [
    ("Architecture", "--arch"),
    ("SubnetIds", "--subnets, or --no-vpc"),
    ("SecurityGroupIds", "--security-groups, or --no-vpc"),
];

/// Refuses parameters of the command line that options set: whether values belong together is checked of the
/// options.
///
/// # Errors
/// One is among `given`: the option is named.
pub(crate) fn have_no_option(given: &[(String, String)], prefix: &str) -> Result<(), Failure> {
    for (name, value) in given {
        let own = name.strip_prefix(prefix);
        let own = own.and_then(|own| OWN.iter().find(|(it, _)| *it == own));
        if let Some((_, option)) = own.or_else(|| OF_ALL.iter().find(|(it, _)| it == name)) {
            return Err(format!(
                "--parameter {name}={value} would replace what is checked before; use {option}"
            )
            .into());
        }
    }
    Ok(())
}

/// Names, which start with the function's `prefix`, and values, overridden by those of the command line.
/// Others keep their value in an existing stack, or else take the template's default.
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
        ("ReaderHost", choice.readers.as_ref().map(Readers::parameter)),
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

#[cfg(test)]
mod tests {
    use super::have_no_option;

    #[test]
    fn what_an_option_sets_is_no_parameter_of_the_command_line() {
        for (name, option) in [
            ("MySqlEndpoint", Some("--endpoint")),
            ("MySqlResourceId", Some("--resource-id")),
            ("MySqlTrust", Some("--trust")),
            ("Architecture", Some("--arch")),
            ("SubnetIds", Some("--subnets")),
            ("SecurityGroupIds", Some("--security-groups")),
            ("MySqlDbIdentifier", None),
            ("PostgresEndpoint", None),
            ("MySqlReportsEndpoint", None),
            ("Timeout", None),
        ] {
            let refused = have_no_option(&[(name.to_owned(), "x".to_owned())], "MySql");
            let refused = refused.err().map(|error| error.to_string());
            assert_eq!(refused.is_some(), option.is_some(), "{name}: {refused:?}");
            assert!(refused.is_none_or(|it| it.contains(option.unwrap_or_default())), "{name}");
        }
    }
}
