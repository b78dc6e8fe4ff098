//! From the evidence to the causes that fit it, the likeliest first.
//!
//! A cause that a trial has proved comes first, then those that the evidence points to, then those that
//! are only possible. Causes that no client can tell apart (a missing policy, a policy for the wrong
//! resource, IAM that is off, a deleted key) are ranked by how often they occur.

use diagnosis::Cause;
use engine::Engine;
use iam_auth::EndpointKind;

use super::evidence::Evidence;
use super::pause;
use super::resource_id;
use super::spelling::misspelt;
use super::subject::Subject;
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::login::Login;
use crate::rds_ca;

/// A cause, and what was seen that suggests it.
type Suspect = (Cause, String);

/// The causes that fit the evidence, the likeliest first, each once.
pub(super) fn suspects<C: Connector>(
    evidence: &Evidence,
    subject: &Subject<'_, C>,
) -> Vec<Suspect> {
    let mut suspects = match &evidence.failure {
        Some(error) => of_failure(error, evidence, subject),
        None => vec![],
    };
    suspects.extend(evidence.findings.iter().cloned());
    let mut seen = vec![];
    suspects.retain(|(cause, _)| {
        let new = !seen.contains(cause);
        seen.push(*cause);
        new
    });
    suspects
}

fn of_failure<C: Connector>(
    error: &Error,
    evidence: &Evidence,
    subject: &Subject<'_, C>,
) -> Vec<Suspect> {
    let login = subject.connector.login();
    let said = error.chain();
    match error.kind() {
        Kind::ConnectDns => of_dns(error.cause(), said),
        Kind::ConnectTcp => of_tcp(error.cause(), said, evidence, login),
        Kind::ConnectTls => of_tls(error.cause(), said, evidence, login),
        Kind::LoginDenied => of_denial::<C>(error.cause(), said, evidence, subject),
        Kind::LoginRefused => of_refusal(error.cause(), said),
        Kind::Timeout => silent(Cause::LoginSilent, said, login),
        _ => error.cause().map(|cause| (cause, said)).into_iter().collect(),
    }
}

/// A resolver that fails for good is one that cannot reach the name's servers.
fn of_dns(cause: Option<Cause>, said: String) -> Vec<Suspect> {
    match cause {
        Some(Cause::NameLookupFails) => {
            vec![(Cause::NameLookupFails, said.clone()), (Cause::NameUnresolved, said)]
        }
        cause => vec![(cause.unwrap_or(Cause::NameUnresolved), said)],
    }
}

fn of_tcp(cause: Option<Cause>, said: String, evidence: &Evidence, login: &Login) -> Vec<Suspect> {
    let cause = cause.unwrap_or(Cause::TcpSilent);
    if cause == Cause::PortRefused {
        return vec![(cause, said)];
    }
    let mut suspects = vec![];
    let reached_before = login.accepted.is_known();
    if let Some(addresses) = evidence.public_addresses().filter(|_| !reached_before) {
        let because = format!("{addresses} is public and does not answer");
        suspects.push((Cause::PublicAddress, because));
    }
    if cause == Cause::TcpSilent && reached_before {
        // The rules of the network let it through then.
        suspects.extend(silent(cause, said.clone(), login));
    } else {
        suspects.push((cause, said.clone()));
        suspects.push((Cause::TcpSilent, said.clone()));
        let pause = pause::explains_silence(login).filter(|_| cause == Cause::TcpSilent);
        suspects.extend(pause.map(|_| (Cause::DatabasePaused, said.clone())));
    }
    suspects.push((Cause::NoRoute, said));
    suspects
}

/// The server was silent until the time was up: it hangs, as `cause` says, or it resumes.
fn silent(cause: Cause, said: String, login: &Login) -> Vec<Suspect> {
    let hangs = (cause, said.clone());
    let resumes = (Cause::DatabasePaused, said);
    match pause::explains_silence(login) {
        None => vec![hangs],
        Some(false) => vec![hangs, resumes],
        Some(true) => vec![resumes, hangs],
    }
}

fn of_tls(cause: Option<Cause>, said: String, evidence: &Evidence, login: &Login) -> Vec<Suspect> {
    let cause = cause.unwrap_or(Cause::HandshakeFailed);
    let mut suspects = vec![];
    match cause {
        Cause::UnknownIssuer
        | Cause::CaOfSameName
        | Cause::RdsBundleForProxy
        | Cause::ProxyBundleForInstance
        | Cause::BundleOfOtherRegion => {
            let known = of_unknown_issuer(evidence, login);
            // An instance of an Aurora express cluster has an ordinary name, too.
            let gateway = known.clone().filter(|(cause, _)| {
                *cause == Cause::RdsBundleForProxy
                    && login.endpoint().kind() == EndpointKind::Instance
            });
            suspects.extend(known);
            suspects.extend(gateway.map(|(_, said)| (Cause::GatewayNeedsAmazonRoots, said)));
            suspects.push((Cause::UnknownIssuer, said));
        }
        Cause::WrongName => {
            let names = evidence.presented.first().map(|own| own.names().join(", "));
            let because = format!("the certificate is for {}", names.unwrap_or_default());
            if login.endpoint().kind() == EndpointKind::Unknown {
                suspects.push((Cause::SignedForCname, because.clone()));
            }
            suspects.push((Cause::WrongName, because));
        }
        Cause::CertificateExpired => {
            let until = evidence.presented.first().map(|own| own.last_day()).unwrap_or_default();
            suspects.push((cause, format!("it was valid until {until}")));
            suspects.push((Cause::ClockOff, "or this machine's clock is ahead".into()));
        }
        Cause::ServerSilent => suspects.extend(silent(cause, said, login)),
        cause => suspects.push((cause, said)),
    }
    suspects
}

/// The first few of `names`: a bundle of all regions holds some hundred.
fn few(names: &[String]) -> String {
    match names.split_at_checked(3) {
        Some((first, rest)) if !rest.is_empty() => {
            format!("{} and {} more", first.join(", "), rest.len())
        }
        _ => names.join(", "),
    }
}

/// The cause, from the names of the server's issuers and of the trusted roots.
fn of_unknown_issuer(evidence: &Evidence, login: &Login) -> Option<Suspect> {
    let own = evidence.presented.first()?;
    let issuers: Vec<_> = evidence.presented.iter().map(|one| one.issuer()).collect();
    let roots: Vec<_> = login.trust.anchors().map(|root| root.subject().to_owned()).collect();
    let issued_by = |test: fn(&str) -> bool| issuers.iter().any(|issuer| test(issuer));
    let trusts = |test: fn(&str) -> bool| roots.iter().any(|root| test(root));
    let because = format!(
        "the certificate was issued by {}, and the bundle contains {}",
        issuers.join(", "),
        few(&roots)
    );
    let cause = match () {
        () if issuers.last().is_some_and(|last| roots.iter().any(|root| root == last)) => {
            Cause::CaOfSameName
        }
        () if issued_by(rds_ca::is_amazon_trust) && !trusts(rds_ca::is_amazon_trust) => {
            match login.endpoint().kind() {
                EndpointKind::ClusterWriter
                | EndpointKind::ClusterReader
                | EndpointKind::ClusterCustom
                    if !own.names().iter().any(|name| name.contains(".proxy-")) =>
                {
                    Cause::GatewayNeedsAmazonRoots
                }
                _ => Cause::RdsBundleForProxy,
            }
        }
        () if issued_by(rds_ca::is_rds) && !trusts(rds_ca::is_rds) => {
            if trusts(rds_ca::is_amazon_trust) {
                Cause::ProxyBundleForInstance
            } else {
                Cause::UnknownIssuer
            }
        }
        () if issued_by(rds_ca::is_rds) => {
            let region = evidence.ca_region()?;
            let has = roots.iter().any(|root| rds_ca::region(root) == Some(region));
            if has { Cause::UnknownIssuer } else { Cause::BundleOfOtherRegion }
        }
        () if own.names_as_issuer(own) || own.issuer().contains("Auto_Generated") => {
            Cause::SelfSigned
        }
        () => Cause::UnknownIssuer,
    };
    Some((cause, because))
}

fn of_refusal(cause: Option<Cause>, said: String) -> Vec<Suspect> {
    let cause = cause.unwrap_or(Cause::LoginRefused);
    let mut suspects = vec![(cause, said.clone())];
    // MySQL does not tell a database that does not exist from one that the user may not use.
    match cause {
        Cause::DatabaseDenied => suspects.push((Cause::DatabaseUnknown, said)),
        Cause::DatabaseUnknown => suspects.push((Cause::DatabaseDenied, said)),
        _ => {}
    }
    suspects
}

/// The server denied the login.
fn of_denial<C: Connector>(
    cause: Option<Cause>,
    said: String,
    evidence: &Evidence,
    subject: &Subject<'_, C>,
) -> Vec<Suspect> {
    let login = subject.connector.login();
    let mut suspects = vec![];
    if let Some(tried) = evidence.accepted() {
        let because = format!("the server accepts {}", tried.what);
        suspects.push((tried.cause, because.clone()));
        let passes = [Cause::Throttled, Cause::IamCheckFails];
        if passes.contains(&tried.cause) {
            let others = passes.into_iter().filter(|cause| *cause != tried.cause);
            suspects.extend(others.map(|cause| (cause, because.clone())));
            suspects.push((Cause::ChangePending, because));
        }
        return suspects;
    }
    suspects.extend(longer_than_mysql_allows(login.signer.user(), &evidence.greeting));
    match evidence.method.as_deref() {
        Some(method) if method != C::TOKEN_METHOD => {
            suspects.extend(not_for_iam(method, evidence, login));
        }
        _ => {
            let differs = cause.filter(|cause| *cause == Cause::ProxySecretDiffers);
            suspects.extend(differs.map(|cause| (cause, said.clone())));
            suspects.extend(token_denied(&said, evidence, subject));
        }
    }
    suspects
}

/// MySQL truncates a user's name to 32 characters. MariaDB names itself in its greeting, and PostgreSQL
/// has none.
/// <https://dev.mysql.com/doc/refman/8.4/en/user-names.html>
fn longer_than_mysql_allows(user: &str, greeting: &str) -> Option<Suspect> {
    let (length, is_mysql) = (user.chars().count(), !greeting.is_empty());
    (is_mysql && !greeting.contains("MariaDB") && length > 32).then(|| {
        let because = format!("MySQL keeps 32 characters of a name, but DB_USER has {length}");
        (Cause::UserSpelling, because)
    })
}

/// The server asks for something other than a token: to the server, the user is not an IAM user.
fn not_for_iam(method: &str, evidence: &Evidence, login: &Login) -> Vec<Suspect> {
    let user = login.signer.user();
    let because = format!("the server asks {user:?} for {method}, unlike users created for IAM");
    let mut suspects = vec![];
    if let Some(other) = &evidence.other_user {
        suspects.push((
            misspelt(user, other),
            format!("the server asks {other:?} for a token, but not {user:?}"),
        ));
    }
    if login.endpoint().kind().is_proxy() {
        suspects.push((Cause::ProxyWithoutIam, because.clone()));
    }
    suspects.push((Cause::UserNotForIam, because.clone()));
    // A server that asks any user for a token has IAM authentication turned on.
    if evidence.other_user.is_none() {
        suspects.push((Cause::IamOff, because));
    }
    suspects
}

/// The server asked for a token, and accepted neither the first nor any other that was tried.
fn token_denied<C: Connector>(
    said: &str,
    evidence: &Evidence,
    subject: &Subject<'_, C>,
) -> Vec<Suspect> {
    let login = subject.connector.login();
    let endpoint = &login.signed_for();
    let mut suspects = vec![];
    if login.accepted.is_known() && !login.is_through_proxy() {
        let because = "the server accepted a token of this environment before, and none of its settings \
                       has changed: what has is at AWS, the resource id or the policy";
        suspects.push((Cause::ResourceIdChanged, because.to_owned()));
        let because = "the server accepted a token of this environment before: if it accepts one again soon, \
                       it was RDS's own check that failed";
        suspects.push((Cause::IamCheckFails, because.to_owned()));
    }
    if let Some(credentials) = &evidence.credentials {
        if !credentials.has_session_token && credentials.access_key_id.starts_with("ASIA") {
            let because = format!("{} is the id of a temporary key", credentials.access_key_id);
            suspects.push((Cause::SessionTokenMissing, because));
        }
        if let Some(damage) = &credentials.damage {
            suspects.push((Cause::TokenTruncated, damage.clone()));
        }
    }
    if endpoint.kind() == EndpointKind::Unknown {
        let because = format!("{} is not the name of an RDS endpoint", endpoint.host());
        suspects.push((Cause::SignedForCname, because));
    }
    if let Some(region) = evidence.ca_region().filter(|region| *region != endpoint.region()) {
        let because = format!(
            "the server's certificate is from {region}, but the token is for {}",
            endpoint.region()
        );
        suspects.push((Cause::WrongRegion, because));
    }
    let wrong_id =
        subject.resource_ids.iter().find_map(|id| resource_id::invalid(id, endpoint.kind()));
    if let Some(why) = wrong_id {
        suspects.push((Cause::PolicyWrongResource, why));
    }
    let because = format!("the server asked for a token, and then {said}");
    let mut possible = vec![Cause::PolicyMissing, Cause::PolicyWrongResource];
    possible.extend(match endpoint.kind().is_proxy() {
        true => [Cause::ProxyWithoutIam, Cause::ProxySecretMissing],
        false => [Cause::IamOff, Cause::ResourceIdChanged],
    });
    possible.push(Cause::NetworkCondition);
    // A proxy of PostgreSQL has other words for it.
    if endpoint.kind().is_proxy() && C::ENGINE != Engine::Postgres {
        possible.insert(1, Cause::ProxySecretDiffers);
    }
    // It treats a user that does not exist like some other user, and may ask for a token.
    if evidence.greeting.contains("MariaDB") {
        possible.insert(1, Cause::UserNotForIam);
    }
    suspects.extend(possible.into_iter().map(|cause| (cause, because.clone())));
    suspects.extend(evidence.untried.iter().map(|(cause, what)| {
        (*cause, format!("{what} was not tried: AWS's roots do not vouch for the server"))
    }));
    let rest =
        [Cause::ChangePending, Cause::OtherAccount, Cause::AccessKeyUnknown, Cause::LogUnread];
    suspects.extend(rest.map(|cause| (cause, because.clone())));
    suspects
}
