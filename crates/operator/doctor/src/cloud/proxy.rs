//! An RDS Proxy, its secrets and the databases behind it.
//!
//! A proxy is a second client: what it logs in to the database with may be refused, too.

use aws_cli::{Aws, Database, Error, ProxyTarget, Target, TargetHealth, proxy_targets};
use diagnosis::{Cause, Suspect};

use super::{Login, of_table};

/// What is behind a proxy, or why nobody knows.
pub(super) struct Behind(Result<Vec<(String, TargetHealth)>, Error>);

/// Asks about what is behind a proxy. `None` for another database.
pub(super) fn behind(aws: &Aws, database: &Database) -> Option<Behind> {
    let Target::Proxy(name) = &database.target else { return None };
    Some(Behind(proxy_targets(aws, name).map(|targets| {
        let health =
            |one: ProxyTarget| Some((one.rds_resource_id.unwrap_or_default(), one.target_health?));
        targets.into_iter().filter_map(health).collect()
    })))
}

impl Behind {
    /// In words, after the proxy's own.
    pub(super) fn describe(&self) -> String {
        match &self.0 {
            Err(error) => format!("; its targets were not checked: {error}"),
            Ok(targets) if targets.is_empty() => "; it has no target".to_owned(),
            Ok(targets) => {
                let each = targets.iter().map(|(name, health)| {
                    let reason = health.reason.as_deref().filter(|reason| !reason.is_empty());
                    let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
                    let state = health.state.as_deref().unwrap_or("in an unknown state");
                    format!("{name} is {state}{reason}")
                });
                format!("; its target {}", each.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The causes that the targets' health proves.
    pub(super) fn suspects(&self, database: &Database, login: &Login) -> Vec<Suspect> {
        let targets = self.0.as_deref().unwrap_or_default();
        let unavailable =
            targets.iter().filter(|(_, health)| health.state.as_deref() == Some("UNAVAILABLE"));
        let suspects = unavailable.map(|(name, health)| {
            let cause = match health.reason.as_deref().unwrap_or_default() {
                "AUTH_FAILURE" => Cause::ProxyDatabaseRefused,
                "PENDING_PROXY_CAPACITY" => Cause::ProxyBusy,
                _ => Cause::ProxyBorrowTimeout,
            };
            let words = [&health.state, &health.reason, &health.description];
            let words: Vec<_> = words.into_iter().flatten().map(String::as_str).collect();
            let because = format!("RDS says of its target {name}: {}", words.join(" "));
            of_table(cause, because.trim_end().to_owned(), database, login)
        });
        suspects.collect()
    }
}

/// No secret of a proxy is the user's, or it does not ask that user for a token. RDS need not tell whose
/// a secret is.
pub(super) fn secret(database: &Database, login: &Login) -> Option<Suspect> {
    let (proxy, user) = (database.proxy.as_ref()?, login.user.as_deref()?);
    if proxy.is_iam_by_default || !proxy.takes_tokens() {
        return None;
    }
    let own = proxy.secrets.iter().find(|secret| secret.user.as_deref() == Some(user));
    let (cause, because) = match own {
        Some(secret) if secret.is_iam_required => return None,
        Some(secret) => (
            Cause::ProxyWithoutIam,
            format!("IAMAuth of the secret {} of {user} is not REQUIRED", secret.arn),
        ),
        None if proxy.secrets.iter().all(|secret| secret.user.is_some()) => {
            (Cause::ProxySecretMissing, format!("none of the proxy's secrets is of {user}"))
        }
        None => return None,
    };
    Some(of_table(cause, because, database, login))
}

#[cfg(test)]
mod tests {
    use super::super::sample::database;
    use super::*;
    use aws_cli::{ProxyAuth, ProxySecret};
    use diagnosis::commands;

    fn proxy(auth: ProxyAuth) -> Database {
        Database {
            target: Target::Proxy("app".into()),
            arn: "arn:aws:rds:eu-west-1:123456789012:db-proxy:prx-1".into(),
            endpoint: "app.proxy-abc.eu-west-1.rds.amazonaws.com".into(),
            resource_id: "prx-1".into(),
            iam_auth: auth.takes_tokens(),
            proxy: Some(auth),
            ..database()
        }
    }

    fn login() -> Login {
        Login { user: Some("app".into()), ..Login::default() }
    }

    #[test]
    fn the_health_of_targets_has_its_cause() {
        for (health, cause) in [
            (r#"{"State":"AVAILABLE"}"#, None),
            (r#"{"State":"REGISTERING"}"#, None),
            (
                r#"{"State":"UNAVAILABLE","Reason":"AUTH_FAILURE","Description":"Proxy does not have any registered credentials"}"#,
                Some(Cause::ProxyDatabaseRefused),
            ),
            (
                r#"{"State":"UNAVAILABLE","Reason":"PENDING_PROXY_CAPACITY"}"#,
                Some(Cause::ProxyBusy),
            ),
            (r#"{"State":"UNAVAILABLE","Reason":"UNREACHABLE"}"#, Some(Cause::ProxyBorrowTimeout)),
            (
                r#"{"State":"UNAVAILABLE","Reason":"CONNECTION_FAILED"}"#,
                Some(Cause::ProxyBorrowTimeout),
            ),
        ] {
            let behind = Behind(Ok(vec![("orders".into(), serde_json::from_str(health).unwrap())]));
            let suspects = behind.suspects(&proxy(ProxyAuth::default()), &login());
            let ids: Vec<_> = suspects.iter().map(|suspect| suspect.id.as_str()).collect();
            assert_eq!(ids, cause.iter().map(|cause| cause.id()).collect::<Vec<_>>(), "{health}");
            assert!(suspects.iter().all(|suspect| suspect.because.contains("orders: UNAVAILABLE")));
            assert!(behind.describe().contains("orders is "), "{}", behind.describe());
        }
    }

    #[test]
    fn a_users_secret_must_be_there_and_require_iam() {
        let with = |user: Option<&str>, is_iam_required| {
            let secret = |user: Option<&str>, is_iam_required| ProxySecret {
                arn: "arn:x".into(),
                user: user.map(str::to_owned),
                is_iam_required,
            };
            let secrets = vec![secret(Some("other"), true), secret(user, is_iam_required)];
            let auth = ProxyAuth { is_iam_by_default: false, secrets };
            secret_of(auth)
        };
        fn secret_of(auth: ProxyAuth) -> Option<String> {
            secret(&proxy(auth), &login()).map(|suspect| suspect.id)
        }
        assert_eq!(with(Some("app"), true), None);
        assert_eq!(with(Some("app"), false).as_deref(), Some(Cause::ProxyWithoutIam.id()));
        assert_eq!(with(Some("b"), true).as_deref(), Some(Cause::ProxySecretMissing.id()));
        assert_eq!(with(None, true), None, "it may be anybody's");
        assert_eq!(secret_of(ProxyAuth { is_iam_by_default: true, secrets: vec![] }), None);
    }

    #[test]
    fn there_is_one_text_for_each_fix() {
        let off =
            of_table(Cause::ProxyWithoutIam, "x".into(), &proxy(ProxyAuth::default()), &login());
        let all: Vec<_> = commands(&off.fix).collect();
        assert_eq!(
            all,
            [
                "aws rds modify-db-proxy --region eu-west-1 --db-proxy-name app --require-tls --auth \
                 AuthScheme=SECRETS,SecretArn=SECRET-OF-USER,IAMAuth=REQUIRED",
                "aws rds modify-db-proxy --region eu-west-1 --db-proxy-name app --default-auth-scheme \
                 IAM_AUTH"
            ]
        );
        let scheme =
            of_table(Cause::ProxyDefaultScheme, "x".into(), &proxy(ProxyAuth::default()), &login());
        assert_eq!(commands(&scheme.fix).next(), Some(all[1]));
        assert!(!off.confirm.contains("ENABLED"), "{}", off.confirm);
    }
}
