//! From what the steps saw to the causes that fit it, the likeliest first.
//!
//! A cause that something points at comes before those that are only possible, and what a trial has
//! proved before everything else. What no client can tell apart (a policy that is missing, one on
//! the wrong resource, IAM that is off, a key that was deleted) is ranked by how often it happens.

use diagnosis::Cause;
use iam_auth::{Endpoint, EndpointKind};

use super::Subject;
use super::configured::not_a_resource_id;
use super::evidence::Evidence;
use super::rds_ca;
use crate::driver::Connector;
use crate::error::{Error, Kind};
use crate::login::Login;

/// A cause, and what was seen that speaks for it.
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

/// The endpoint and the region, other than those that are set, whose token the server took.
pub(super) fn proven(evidence: &Evidence) -> Option<&Endpoint> {
    let elsewhere = [Cause::SignedForCname, Cause::WrongEndpoint, Cause::WrongRegion];
    let mut tried = evidence.tried.iter();
    tried.find(|one| one.accepted && elsewhere.contains(&one.cause)).map(|one| &one.at)
}

/// Whether a name is of a form that RDS gives to endpoints.
fn is_endpoint(name: &str) -> bool {
    Endpoint::parse(name, 1).is_ok_and(|endpoint| endpoint.kind() != EndpointKind::Unknown)
}

/// The endpoints of RDS that the server's certificate names beside the one that is set.
pub(super) fn other_endpoints<'a>(
    evidence: &'a Evidence,
    login: &'a Login,
) -> impl Iterator<Item = &'a str> {
    let names = evidence.presented.first().map_or(&[][..], |own| own.names());
    let own = login.endpoint().host();
    names
        .iter()
        .map(String::as_str)
        .filter(|name| is_endpoint(name))
        .filter(move |name| *name != own)
}

/// The region in the name of the CA that the server's certificate comes from.
pub(super) fn real_region(evidence: &Evidence) -> Option<&str> {
    evidence.presented.iter().rev().find_map(|one| rds_ca::region(one.issuer()))
}

/// The schema, which is MySQL's database, in a server's words about rights that the user lacks, where
/// `sql`, the statement that was refused, names it too: a server's words alone may be anybody's, such as
/// a function's. PostgreSQL names it where it bars the way to all of its tables, MariaDB always, and
/// MySQL never.
pub(super) fn denied_schema(because: &str, sql: &str) -> Option<String> {
    let schema = schema_of(because)?;
    let quoted = |quote: &str| format!("{quote}{}{quote}", schema.replace(quote, &quote.repeat(2)));
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut before = sql.match_indices('.').map(|(dot, _)| sql[..dot].trim_end());
    let names = before.any(|before| {
        let word = before.rsplit(|c| !is_name(c)).next();
        word.is_some_and(|word| !word.is_empty() && word == schema)
            || before.ends_with(&quoted("\""))
            || before.ends_with(&quoted("`"))
    });
    names.then_some(schema)
}

/// The schema in a server's words.
fn schema_of(because: &str) -> Option<String> {
    if let Some((_, schema)) = because.split_once("permission denied for schema ") {
        return Some(schema.to_owned());
    }
    let (_, table) = because.rsplit_once(" for table `")?;
    let (schema, _) = table.split_once("`.`")?;
    Some(schema.replace("``", "`"))
}

fn of_failure<C: Connector>(
    error: &Error,
    evidence: &Evidence,
    subject: &Subject<'_, C>,
) -> Vec<Suspect> {
    let login = subject.connector.login();
    let said = error.chain();
    match error.kind() {
        Kind::ConnectTcp => of_tcp(error.cause(), said, evidence),
        Kind::ConnectTls => of_tls(error.cause(), said, evidence, login),
        Kind::LoginDenied => of_denial::<C>(said, evidence, subject),
        Kind::LoginRefused => of_refusal(error.cause(), said),
        Kind::Timeout => vec![(Cause::LoginSilent, said)],
        _ => error.cause().map(|cause| (cause, said)).into_iter().collect(),
    }
}

fn of_tcp(cause: Option<Cause>, said: String, evidence: &Evidence) -> Vec<Suspect> {
    let cause = cause.unwrap_or(Cause::TcpSilent);
    if cause == Cause::PortRefused {
        return vec![(cause, said)];
    }
    let mut suspects = vec![];
    if !evidence.any_private_address() {
        let addresses: Vec<_> = evidence.addresses.iter().map(ToString::to_string).collect();
        let because = format!("{} is public, and does not answer", addresses.join(", "));
        suspects.push((Cause::PublicAddress, because));
    }
    suspects.push((cause, said.clone()));
    suspects.push((Cause::TcpSilent, said.clone()));
    suspects.push((Cause::NoRoute, said));
    suspects
}

fn of_tls(cause: Option<Cause>, said: String, evidence: &Evidence, login: &Login) -> Vec<Suspect> {
    let cause = cause.unwrap_or(Cause::HandshakeFailed);
    let mut suspects = vec![];
    match cause {
        Cause::UnknownIssuer
        | Cause::RdsBundleForProxy
        | Cause::ProxyBundleForInstance
        | Cause::BundleOfOtherRegion => {
            suspects.extend(of_unknown_issuer(evidence, login));
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
            suspects.push((Cause::ClockOff, "or the clock here is ahead".into()));
        }
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

/// What the names of the server's issuers and of the trusted roots say to each other.
fn of_unknown_issuer(evidence: &Evidence, login: &Login) -> Option<Suspect> {
    let own = evidence.presented.first()?;
    let issuers: Vec<_> = evidence.presented.iter().map(|one| one.issuer()).collect();
    let roots: Vec<_> = login.trust.anchors().map(|root| root.subject().to_owned()).collect();
    let issued_by = |test: fn(&str) -> bool| issuers.iter().any(|issuer| test(issuer));
    let trusts = |test: fn(&str) -> bool| roots.iter().any(|root| test(root));
    let because = format!(
        "the certificate is issued by {}, and the bundle holds {}",
        issuers.join(", "),
        few(&roots)
    );
    let cause = match () {
        () if issued_by(rds_ca::is_amazon_trust) && !trusts(rds_ca::is_amazon_trust) => {
            Cause::RdsBundleForProxy
        }
        () if issued_by(rds_ca::is_rds) && !trusts(rds_ca::is_rds) => {
            if trusts(rds_ca::is_amazon_trust) {
                Cause::ProxyBundleForInstance
            } else {
                Cause::UnknownIssuer
            }
        }
        () if issued_by(rds_ca::is_rds) => {
            let region = real_region(evidence)?;
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
    // MySQL says the same of a database that is not there and of one that is closed to the user.
    match cause {
        Cause::DatabaseDenied => suspects.push((Cause::DatabaseUnknown, said)),
        Cause::DatabaseUnknown => suspects.push((Cause::DatabaseDenied, said)),
        _ => {}
    }
    suspects
}

/// The server did not take the token.
fn of_denial<C: Connector>(
    said: String,
    evidence: &Evidence,
    subject: &Subject<'_, C>,
) -> Vec<Suspect> {
    let login = subject.connector.login();
    let mut suspects = vec![];
    if let Some(tried) = evidence.tried.iter().find(|tried| tried.accepted) {
        suspects.push((tried.cause, format!("the server accepts {}", tried.what)));
        if tried.cause == Cause::Throttled {
            suspects.push((Cause::ChangePending, format!("the server accepts {}", tried.what)));
        }
        return suspects;
    }
    suspects.extend(longer_than_mysql_keeps(login.signer.user(), &evidence.greeting));
    match evidence.method.as_deref() {
        Some(method) if method != C::TOKEN_METHOD => {
            suspects.extend(not_for_iam(method, evidence, login));
        }
        _ => suspects.extend(token_denied(&said, evidence, subject)),
    }
    suspects
}

/// MySQL cuts a user's name off after 32 characters. MariaDB says in its greeting what it is, and
/// PostgreSQL greets nobody.
/// <https://dev.mysql.com/doc/refman/8.4/en/user-names.html>
fn longer_than_mysql_keeps(user: &str, greeting: &str) -> Option<Suspect> {
    let (length, is_mysql) = (user.chars().count(), !greeting.is_empty());
    (is_mysql && !greeting.contains("MariaDB") && length > 32).then(|| {
        let because = format!("MySQL keeps 32 characters of a name, and DB_USER has {length}");
        (Cause::UserSpelling, because)
    })
}

/// The server asks for something other than a token: it does not take the user for an IAM user.
fn not_for_iam(method: &str, evidence: &Evidence, login: &Login) -> Vec<Suspect> {
    let user = login.signer.user();
    let because =
        format!("the server asks {user:?} for {method}, as it does not ask users made for IAM");
    let mut suspects = vec![];
    if let Some(other) = &evidence.other_user {
        suspects.push((
            misspelt(user, other),
            format!("the server asks {other:?} for a token, and not {user:?}"),
        ));
    }
    if login.endpoint().kind().is_proxy() {
        suspects.push((Cause::ProxyWithoutIam, because.clone()));
    }
    suspects.push((Cause::UserNotForIam, because.clone()));
    suspects.push((Cause::IamOff, because));
    suspects
}

/// What is wrong with the name of a user who is called otherwise.
pub(super) fn misspelt(user: &str, other: &str) -> Cause {
    let by_case = user.to_lowercase() == other.to_lowercase();
    if by_case { Cause::UserCase } else { Cause::UserSpelling }
}

/// The server asked for a token, and did not take it, nor any other that was tried.
fn token_denied<C: Connector>(
    said: &str,
    evidence: &Evidence,
    subject: &Subject<'_, C>,
) -> Vec<Suspect> {
    let login = subject.connector.login();
    let endpoint = login.endpoint();
    let mut suspects = vec![];
    if let Some(credentials) = &evidence.credentials {
        if !credentials.has_session_token && credentials.access_key_id.starts_with("ASIA") {
            let because = format!("{} is a temporary key's id", credentials.access_key_id);
            suspects.push((Cause::SessionTokenMissing, because));
        }
        if let Some(damage) = &credentials.damage {
            suspects.push((Cause::TokenTruncated, damage.clone()));
        }
    }
    if endpoint.kind() == EndpointKind::Unknown {
        let because = format!("{} is no name that RDS gives to an endpoint", endpoint.host());
        suspects.push((Cause::SignedForCname, because));
    }
    if let Some(region) = real_region(evidence).filter(|region| *region != endpoint.region()) {
        let because = format!(
            "the server's certificate comes from {region}, and the token is for {}",
            endpoint.region()
        );
        suspects.push((Cause::WrongRegion, because));
    }
    let wrong_id = subject.resource_id.and_then(|id| not_a_resource_id(id, endpoint.kind()));
    if let Some(why) = wrong_id {
        suspects.push((Cause::PolicyWrongResource, why));
    }
    let because = format!("the server asked for a token, and says {said}");
    let mut possible = vec![Cause::PolicyMissing, Cause::PolicyWrongResource, Cause::IamOff];
    if endpoint.kind().is_proxy() {
        possible.insert(0, Cause::ProxyWithoutIam);
    }
    // It asks users whom it does not know for what it asks others for: for some, a token.
    if evidence.greeting.contains("MariaDB") {
        possible.insert(1, Cause::UserNotForIam);
    }
    suspects.extend(possible.into_iter().map(|cause| (cause, because.clone())));
    suspects.extend(evidence.untried.iter().map(|(cause, what)| {
        (*cause, format!("{what} is not sent to a server that AWS does not vouch for"))
    }));
    let rest = [Cause::ChangePending, Cause::AccessKeyUnknown, Cause::LogUnread];
    suspects.extend(rest.map(|cause| (cause, because.clone())));
    suspects
}

#[cfg(test)]
mod tests {
    use super::super::trial::Tried;
    use super::*;

    #[test]
    fn only_what_the_server_took_is_proven() {
        let tried = |host: &str, cause, accepted| {
            let at = Endpoint::with_region(host, 3306, "eu-west-1").unwrap();
            Tried { what: String::new(), cause, accepted, at }
        };
        let named = tried("named.example", Cause::SignedForCname, false);
        let now = tried("set.example", Cause::Throttled, true);
        let mut evidence = Evidence { tried: vec![named, now], ..Evidence::default() };
        assert_eq!(proven(&evidence), None);
        evidence.tried.push(tried("real.example", Cause::WrongEndpoint, true));
        assert_eq!(proven(&evidence).map(Endpoint::host), Some("real.example"));
    }

    #[test]
    fn the_schema_is_the_one_in_the_servers_words_and_in_the_statement() {
        let of_postgres = "ERROR (42501): permission denied for schema Year's-Q_1";
        let of_mariadb = "SELECT command denied to user 'u'@'h' for table `a``b-c`.`closed`";
        let plain = "ERROR (42501): permission denied for schema other";
        for (because, sql, schema) in [
            (of_postgres, "SELECT * FROM \"Year's-Q_1\".closed", Some("Year's-Q_1")),
            (of_mariadb, "SELECT * FROM `a``b-c` . closed", Some("a`b-c")),
            (plain, "SELECT * FROM other.closed", Some("other")),
            (plain, "SELECT * FROM another.closed, brother.closed", None),
            (plain, "SELECT other FROM closed", None),
            (plain, "SELECT f()", None),
            ("ERROR (42501): permission denied for table closed", "SELECT * FROM a.closed", None),
            ("SELECT command denied to user 'u'@'h' for table 'closed'", "SELECT a.b", None),
        ] {
            assert_eq!(denied_schema(because, sql).as_deref(), schema, "{because}: {sql}");
        }
    }
}
