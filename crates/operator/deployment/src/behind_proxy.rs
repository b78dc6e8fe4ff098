//! An RDS Proxy: the endpoint that is meant, and whether it can log in to the database behind it.

use aws_cli::{
    Aws, Behind, BlueGreen, Database, ProxyAuth, ProxySecret, Side, Target, behind, blue_green,
    enable_iam_auth, proxy_endpoints,
};
use iam_auth::Endpoint;

use crate::checks::Enable;
use crate::{Failure, Report, pause};

/// The proxy as it is at the endpoint `host`, which has a network of its own.
///
/// # Errors
/// The proxy has no such endpoint.
pub(crate) fn at_endpoint(
    aws: &Aws,
    found: Database,
    host: Option<&str>,
    report: &Report,
) -> Result<Database, Failure> {
    let (Target::Proxy(name), Some(host)) = (&found.target, host) else { return Ok(found) };
    // What is not a proxy's is refused by its resource id.
    let endpoint = Endpoint::with_region(host, found.port, &found.region);
    let Some(endpoint) = endpoint.ok().filter(|endpoint| endpoint.kind().is_proxy()) else {
        return Ok(found);
    };
    let host = endpoint.host();
    if found.endpoint.eq_ignore_ascii_case(host) {
        return Ok(found);
    }
    let all = match proxy_endpoints(aws, name) {
        Ok(all) => all,
        Err(error) => {
            report.note(&format!("note: cannot ask for the endpoints of the proxy: {error}"));
            return Ok(found);
        }
    };
    let Some(endpoint) = all.iter().find(|it| it.host.eq_ignore_ascii_case(host)) else {
        let hosts: Vec<_> = all.iter().map(|it| it.host.as_str()).collect();
        return Err(format!(
            "the DB proxy {name} has no endpoint {host}; it has {}",
            hosts.join(", ")
        )
        .into());
    };
    if endpoint.is_read_only {
        report.note(&format!(
            "note: the endpoint {host} is read-only: statements with `mode: write` fail there"
        ));
    }
    Ok(Database {
        vpc: endpoint.vpc.clone(),
        subnets: endpoint.subnets.clone(),
        security_groups: endpoint.security_groups.clone(),
        ..found
    })
}

/// Checks what the proxy logs in to. With `enable`, IAM authentication is enabled there where the proxy
/// needs it.
///
/// # Errors
/// The proxy logs in with IAM to a database that does not take it.
pub(crate) fn check(
    aws: &Aws,
    proxy: &Database,
    user: &str,
    enable: Enable,
    report: &Report,
) -> Result<(), Failure> {
    let (Target::Proxy(name), Some(auth)) = (&proxy.target, &proxy.proxy) else { return Ok(()) };
    if let Some(warning) = no_secret(auth, name, user) {
        report.note(&warning);
    }
    let all = match behind(aws, name) {
        Ok(all) => all,
        Err(error) => {
            report.note(&format!("note: cannot ask for the database behind the proxy: {error}"));
            return Ok(());
        }
    };
    if all.is_empty() {
        report.note(&format!(
            "warning: no database is behind the proxy {name}; register one: aws rds \
             register-db-proxy-targets --region {} --db-proxy-name {name} --db-instance-identifiers NAME \
             (or --db-cluster-identifiers)",
            proxy.region
        ));
    }
    for Behind { database, trouble } in &all {
        let target = &database.target;
        if let Some(trouble) = trouble {
            report.note(&format!("warning: RDS says of the {target} behind the proxy: {trouble}"));
        }
        if let Some(note) = pause::behind_proxy(database) {
            report.note(&note);
        }
        if !auth.is_iam_by_default {
            continue;
        }
        if !database.iam_auth {
            if enable == Enable::No {
                return Err(format!(
                    "the proxy {name} logs in to the {target} with IAM (DefaultAuthScheme is IAM_AUTH), and \
                     IAM authentication is disabled there; enable it with --enable-iam-auth: the \
                     database keeps running, and its users keep their passwords"
                )
                .into());
            }
            match enable {
                Enable::Yes => {
                    enable_iam_auth(aws, database, &mut |line| report.note(line))?;
                }
                _ => report.note(&format!("would enable IAM authentication for the {target}")),
            }
        }
        report.note(&of_the_proxys_role(database, user));
        green(aws, database, user, report);
    }
    Ok(())
}

/// A proxy without `IAM_AUTH` takes a token only of a user whose secret it has.
fn no_secret(auth: &ProxyAuth, name: &str, user: &str) -> Option<String> {
    if auth.is_iam_by_default {
        return None;
    }
    // RDS need not know the user of a secret.
    let is_of_user = |secret: &&ProxySecret| secret.user.as_deref().is_none_or(|it| it == user);
    let of_user: Vec<_> = auth.secrets.iter().filter(is_of_user).collect();
    let why = match of_user[..] {
        [] => "has no secret of it",
        _ if of_user.iter().any(|secret| secret.is_iam_required) => return None,
        _ => "requires no IAM authentication of it (IAMAuth is DISABLED)",
    };
    Some(format!(
        "warning: the proxy {name} takes a token of {user} only with a secret of that user and \
         IAMAuth=REQUIRED, and it {why}"
    ))
}

/// The proxy's own login, which the policy of this stack has nothing to do with.
fn of_the_proxys_role(database: &Database, user: &str) -> String {
    format!(
        "note: the proxy's own role must allow rds-db:connect on dbuser:{}/{user}, with which it logs in \
         to the {}",
        database.resource_id, database.target
    )
}

/// A Blue/Green deployment of the database behind the proxy: the proxy's role must name both.
fn green(aws: &Aws, database: &Database, user: &str, report: &Report) {
    match blue_green(aws, database) {
        Err(error) => report.note(&format!(
            "note: cannot ask for Blue/Green deployments of the {}: {error}",
            database.target
        )),
        Ok(None) => {}
        Ok(Some(deployment)) => {
            if let Some(warning) = of_both(&deployment, database, user) {
                report.note(&warning);
            }
        }
    }
}

/// What the proxy's own role needs before a switchover that is still to come.
fn of_both(deployment: &BlueGreen, database: &Database, user: &str) -> Option<String> {
    if deployment.side != Side::Blue || !deployment.may_switch_over() {
        return None;
    }
    let (it, role) = match &deployment.other_id {
        Some(id) => ("", format!("dbuser:{id}/{user}")),
        None => {
            (" and has no green database yet", "the green one's id when there is one,".to_owned())
        }
    };
    Some(format!(
        "warning: the {} behind the proxy is the blue one of {}, {}{it}: the proxy's own role must also allow \
         rds-db:connect on {role} before the switchover. The policy of the function names the proxy and stays",
        database.target, deployment.id, deployment.status
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(is_iam_by_default: bool, secrets: &[(Option<&str>, bool)]) -> Option<String> {
        let secret = |(user, is_iam_required): &(Option<&str>, bool)| ProxySecret {
            arn: "arn".into(),
            user: user.map(str::to_owned),
            is_iam_required: *is_iam_required,
        };
        let secrets = secrets.iter().map(secret).collect();
        no_secret(&ProxyAuth { is_iam_by_default, secrets }, "pool", "me")
    }

    #[test]
    fn a_token_needs_a_secret_where_iam_is_not_the_default() {
        assert_eq!(warning(true, &[]), None);
        assert_eq!(warning(false, &[(None, true)]), None);
        assert_eq!(warning(false, &[(Some("you"), false), (Some("me"), true)]), None);
        assert!(warning(false, &[(Some("you"), true)]).unwrap().contains("has no secret of it"));
        let disabled = warning(false, &[(Some("you"), true), (Some("me"), false)]).unwrap();
        assert!(disabled.contains("IAMAuth is DISABLED"), "{disabled}");
    }

    #[test]
    fn the_proxys_role_needs_both_ids_before_a_switchover() {
        let deployment = |side, status: &str, other_id: Option<&str>| BlueGreen {
            id: "bgd-1".into(),
            status: status.into(),
            side,
            other: None,
            other_id: other_id.map(str::to_owned),
        };
        let database = crate::resource_ids::tests::database("mydb", "db-BLUE");
        let said = |deployment| of_both(&deployment, &database, "me");
        let green = said(deployment(Side::Blue, "AVAILABLE", Some("db-GREEN"))).unwrap();
        assert!(green.contains("rds-db:connect on dbuser:db-GREEN/me before"), "{green}");
        let none = said(deployment(Side::Blue, "PROVISIONING", None)).unwrap();
        assert!(none.contains("bgd-1, PROVISIONING and has no green database yet"), "{none}");
        assert_eq!(said(deployment(Side::Blue, "SWITCHOVER_COMPLETED", Some("db-GREEN"))), None);
        assert_eq!(said(deployment(Side::Green, "AVAILABLE", Some("db-BLUE"))), None);
    }
}
