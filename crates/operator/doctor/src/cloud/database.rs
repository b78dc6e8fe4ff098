//! The database as RDS describes it, compared with the function's settings.

use aws_cli::{Aws, Database, Objection, Serverless, Target, objections};
use diagnosis::{Cause, Suspect, Verdict, shell};
use iam_auth::{Endpoint, EndpointKind};

use super::proxy::{self, Behind};
use super::{Finding, Login, Seen, of_table, pause, readers, resource_id, suspect};

pub(super) fn examine(aws: &Aws, database: &Database, login: &Login, knows: Seen) -> Finding {
    let behind = proxy::behind(aws, database);
    let mut wrong: Vec<Suspect> =
        [iam_off(database, login), not_available(database)].into_iter().flatten().collect();
    wrong.extend(behind.as_ref().into_iter().flat_map(|behind| behind.suspects(database, login)));
    wrong.extend(resource_id::changed(aws, database, login));
    wrong.extend(gateway(database, login));
    let failed = !wrong.is_empty();
    wrong.extend(proxy::secret(database, login));
    wrong.extend(other_endpoint(database, login));
    wrong.extend(other_port(database, login));
    wrong.extend(master_user(database, login));
    wrong.extend(readers::another(database, login));
    wrong.extend(pause::warning(database, login, knows));
    let verdict = match (failed, wrong.is_empty()) {
        (true, _) => Verdict::Failed,
        (false, false) => Verdict::Warning,
        (false, true) => Verdict::Ok,
    };
    let seen = describe(database)
        + &behind.as_ref().map(Behind::describe).unwrap_or_default()
        + &pause::describe(database)
        + &readers::describe(database, login);
    let finding = Finding::new(verdict, seen)
        .fact("target", database.target.to_string())
        .fact("status", database.status.as_str())
        .fact("iam_authentication", database.iam_auth)
        .fact("resource_id", database.resource_id.as_str())
        .fact("endpoint", format!("{}:{}", database.endpoint, database.port))
        .fact("ca", database.ca.clone())
        .fact("internet_access_gateway", database.internet_access_gateway)
        .fact("reader_endpoint", database.reader.as_ref().map(|reader| reader.host.clone()))
        .fact("pauses_after_s", database.serverless.as_ref().and_then(Serverless::pauses_after))
        .fact("dual_stack", database.is_dual_stack)
        .because_of(wrong);
    let finding = match pause::suspected(database, login, knows) {
        Some(Ok(suspect)) => finding.perhaps_because_of([suspect]),
        Some(Err(cause)) => finding.disproves(&[cause]),
        None => finding,
    };
    let finding = match database.internet_access_gateway {
        true => finding,
        false => finding.disproves(&[Cause::GatewayNeedsAmazonRoots]),
    };
    match (database.iam_auth, &database.proxy) {
        (false, _) => finding,
        (true, Some(proxy)) if !proxy.is_iam_by_default => {
            finding.fact("default_auth_scheme", "NONE").disproves(&[Cause::IamOff])
        }
        (true, Some(proxy)) => {
            let scheme = "IAM_AUTH";
            let finding = finding.fact("default_auth_scheme", scheme).disproves(&[
                Cause::IamOff,
                Cause::ProxyWithoutIam,
                Cause::ProxyDefaultScheme,
            ]);
            match proxy.secrets.is_empty() {
                true => finding.disproves(&[Cause::ProxySecretMissing, Cause::ProxySecretDiffers]),
                false => finding,
            }
        }
        (true, None) => finding.disproves(&[Cause::IamOff, Cause::ProxyWithoutIam]),
    }
}

/// An internet access gateway has a certificate of Amazon Trust Services, and every other instance and
/// cluster one of RDS.
fn gateway(database: &Database, login: &Login) -> Option<Suspect> {
    let trust = login.trust.as_deref();
    match database.internet_access_gateway {
        true if matches!(trust, None | Some("rds")) && login.function.is_some() => Some(of_table(
            Cause::GatewayNeedsAmazonRoots,
            format!(
                "RDS says of the {} that its internet access gateway is on, and DB_TRUST is not amazon",
                database.target
            ),
            database,
            login,
        )),
        false if trust == Some("amazon") && database.proxy.is_none() => Some(of_table(
            Cause::ProxyBundleForInstance,
            format!(
                "DB_TRUST is amazon, and the {} has no internet access gateway",
                database.target
            ),
            database,
            login,
        )),
        _ => None,
    }
}

fn describe(database: &Database) -> String {
    let Database { target, engine_name, status, resource_id, .. } = database;
    let version = database.version.as_deref().map(|version| format!(" {version}"));
    let iam = if database.iam_auth { "enabled" } else { "DISABLED" };
    let ca = database.ca.as_deref().map(|ca| format!("; CA {ca}"));
    format!(
        "{target}, {engine_name}{}, is {status}; IAM authentication is {iam}; resource id \
         {resource_id}{}",
        version.unwrap_or_default(),
        ca.unwrap_or_default()
    )
}

fn iam_off(database: &Database, login: &Login) -> Option<Suspect> {
    if database.iam_auth {
        return None;
    }
    let unsupported = objections(database).into_iter().find_map(|objection| match objection {
        Objection::Unsupported(why) => Some(format!("; {why}")),
        _ => None,
    });
    let because =
        format!("RDS says so of the {}{}", database.target, unsupported.unwrap_or_default());
    let region = shell(&database.region);
    let name = shell(database.cluster.as_deref().unwrap_or(database.target.name()));
    let (what, id) = match (&database.target, &database.cluster) {
        (Target::Proxy(_), _) => {
            return Some(of_table(Cause::ProxyWithoutIam, because, database, login));
        }
        (Target::Cluster(_), _) | (_, Some(_)) => ("cluster", "DBClusters"),
        (Target::Instance(_), None) => ("instance", "DBInstances"),
    };
    Some(suspect(
        Cause::IamOff,
        because,
        format!(
            "`aws rds describe-db-{what}s --region {region} --db-{what}-identifier {name} --query \
             \"{id}[].IAMDatabaseAuthenticationEnabled\"`"
        ),
        format!(
            "`aws rds modify-db-{what} --region {region} --db-{what}-identifier {name} \
             --enable-iam-database-authentication --apply-immediately`, and wait until it is \
             available again; it is not restarted"
        ),
    ))
}

fn not_available(database: &Database) -> Option<Suspect> {
    let because = objections(database).into_iter().find_map(|objection| match objection {
        Objection::NotAvailable(why) => Some(why),
        _ => None,
    })?;
    let (region, name) = (shell(&database.region), shell(database.target.name()));
    let what = match database.target {
        Target::Cluster(_) => "cluster",
        _ => "instance",
    };
    let fix = match database.status.as_str() {
        "stopped" => {
            format!(
                "start it: `aws rds start-db-{what} --region {region} --db-{what}-identifier {name}`"
            )
        }
        _ => format!(
            "wait: `aws rds wait db-{what}-available --region {region} --db-{what}-identifier {name}`"
        ),
    };
    Some(suspect(
        Cause::ServerNotReady,
        because,
        format!("`aws rds describe-events --region {region} --duration 60`"),
        fix,
    ))
}

/// The function uses another host name than this database's endpoint.
fn other_endpoint(database: &Database, login: &Login) -> Option<Suspect> {
    let host = login.host.as_deref()?.trim_end_matches('.').to_ascii_lowercase();
    let own = &database.endpoint;
    let kind = Endpoint::parse(&host, database.port).map(|endpoint| endpoint.kind());
    // Further endpoints of a cluster or a proxy, which are named after it.
    let further = matches!(
        kind,
        Ok(EndpointKind::ClusterReader
            | EndpointKind::ClusterCustom
            | EndpointKind::ProxyEndpoint
            | EndpointKind::GlobalWriter)
    );
    if host == *own || further {
        return None;
    }
    let because =
        format!("DB_HOST is {host}, but the endpoint of the {} is {own}", database.target);
    let port = database.port;
    Some(match kind {
        Ok(_) => suspect(
            Cause::WrongEndpoint,
            because,
            "compare the two names".into(),
            format!("set DB_HOST to {own}"),
        ),
        Err(_) => suspect(
            Cause::SignedForCname,
            because,
            format!("`dig +short CNAME {}`", shell(&host)),
            format!("set DB_HOST to {own}, and DB_CONNECT_TO to {host}:{port}"),
        ),
    })
}

fn other_port(database: &Database, login: &Login) -> Option<Suspect> {
    let port = login.port.as_deref().filter(|port| *port != database.port.to_string())?;
    Some(suspect(
        Cause::WrongPort,
        format!("DB_PORT is {port}, but the {} listens on {}", database.target, database.port),
        "compare the two numbers".into(),
        format!("set DB_PORT to {}; a tunnel's port goes into DB_CONNECT_TO only", database.port),
    ))
}

fn master_user(database: &Database, login: &Login) -> Option<Suspect> {
    let master = database.master_user.as_deref()?;
    (login.user.as_deref() == Some(master)).then(|| {
        let then = if database.is_outside_vpcs() {
            "leave IAM authentication on for the master user, who has no password in an express \
             cluster and could not log in without it"
        } else {
            "disable IAM authentication for the master user, whose password does not work until then"
        };
        suspect(
            Cause::MasterUser,
            format!("{master} is the master user of the {}", database.target),
            "compare DB_USER with the master user that RDS shows".into(),
            format!("create a user for the function alone, and set DB_USER to it; {then}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;
    use aws_cli::{ProxyAuth, ProxySecret};

    const WELL: Seen = Seen { logged_in: true, suspects_pause: false };

    #[test]
    fn a_proxy_without_secrets_has_no_wrong_one() {
        let causes = [Cause::ProxySecretMissing, Cause::ProxySecretDiffers];
        let secret = ProxySecret { arn: "arn:x".into(), user: None, is_iam_required: true };
        for (secrets, expected) in [(vec![], true), (vec![secret], false)] {
            let proxy = Some(ProxyAuth { is_iam_by_default: true, secrets });
            let target = Target::Proxy("app".into());
            let database = Database { target, proxy, ..sample::database() };
            let (aws, _answers) = sample::aws(&[]);
            let found = examine(&aws, &database, &sample::login(true), WELL);
            for cause in causes {
                assert_eq!(found.disproved.contains(&cause), expected, "{cause:?}");
            }
        }
    }

    #[test]
    fn the_master_user_of_an_express_cluster_keeps_iam() {
        for (database, keeps) in [(sample::express(), true), (sample::database(), false)] {
            let database = Database { master_user: Some("app".into()), ..database };
            let fix = master_user(&database, &sample::login(false)).unwrap().fix;
            assert_eq!(fix.contains("leave IAM authentication on"), keeps, "{fix}");
            assert_eq!(fix.contains("disable"), !keeps, "{fix}");
        }
    }
}
