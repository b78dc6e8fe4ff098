//! Everything that RDS can check about a token, each with its own reason.
//!
//! The checks run from what is visible in the token to what only the secret shows, so that the first
//! failure is the most informative one.

use std::time::{Duration, SystemTime};

use crate::access_key::AccessKey;
use crate::calendar::parse_amz_date;
use crate::refusal::{Part, Refusal};
use crate::resource::Resource;
use crate::signature::{self, ALGORITHM, SERVICE, Scope, TERMINATOR};
use crate::token::{SIGNATURE, Token};

/// How long RDS accepts a token at most, in seconds.
const MAX_LIFETIME: u64 = 900;
/// How many characters of a client's text are quoted.
const QUOTE_LIMIT: usize = 128;

/// A token that was accepted.
pub(crate) struct Accepted {
    /// The user, as a policy names it.
    pub(crate) user: String,
    /// When it was signed.
    pub(crate) signed: SystemTime,
    /// Whether its access key is temporary.
    pub(crate) is_temporary: bool,
}

/// Checks that `password` is a token for `user` on `resource`, at its endpoint or one of `endpoints`,
/// signed with one of `keys` and valid at `now`.
///
/// There is no tolerance for clock skew: a token of the next second is refused. Unknown parameters are
/// covered by the signature and otherwise ignored.
pub(crate) fn token(
    user: &[u8],
    password: &[u8],
    resource: &Resource,
    endpoints: &[(String, u16)],
    keys: &[AccessKey],
    now: SystemTime,
) -> Result<Accepted, Refusal> {
    let token = Token::parse(password)?;
    same(Part::Action, "connect", token.require("Action")?)?;
    let db_user = token.require("DBUser")?;
    if db_user.as_bytes() != user {
        return Err(mismatch(Part::User, &String::from_utf8_lossy(user), db_user));
    }
    same(Part::Algorithm, ALGORITHM, token.require("X-Amz-Algorithm")?)?;
    same(Part::SignedHeaders, "host", token.require("X-Amz-SignedHeaders")?)?;
    let credential = token.require("X-Amz-Credential")?;
    let date = token.require("X-Amz-Date")?;
    let expires = token.require("X-Amz-Expires")?;
    let signature = token.require(SIGNATURE)?;

    let host = token.host.to_ascii_lowercase();
    if !endpoints.iter().any(|(other, port)| *other == host && port.to_string() == token.port) {
        same(Part::Host, &resource.host, &host)?;
        same(Part::Port, &resource.port.to_string(), &token.port)?;
    }

    let parts: Vec<_> = credential.split('/').collect();
    let [id, day, region, service, terminator] = parts[..] else {
        return Err(Refusal::MalformedCredential);
    };
    same(Part::Region, &resource.region, region)?;
    same(Part::Service, SERVICE, service)?;
    same(Part::Terminator, TERMINATOR, terminator)?;

    let signed = parse_amz_date(date).ok_or_else(|| Refusal::MalformedDate(quote(date)))?;
    same(Part::Day, &date[..8], day)?;
    let lifetime = lifetime(expires).ok_or_else(|| Refusal::Lifetime(quote(expires)))?;
    let age = now.duration_since(signed).map_err(|_| Refusal::NotYetValid { signed, now })?;
    if age > lifetime {
        return Err(Refusal::Expired { signed, now, lifetime });
    }

    let key = keys.iter().find(|key| key.id == id).ok_or_else(|| unknown_key(id))?;
    session_token(token.get("X-Amz-Security-Token"), key.session_token.as_deref())?;
    if let Some(expired) = key.expires.filter(|expires| *expires <= now) {
        return Err(Refusal::AccessKeyExpired { id: key.id.clone(), expired });
    }
    if !signature::is_valid(signature, &token, date, &Scope { day, region }, &key.secret) {
        return Err(Refusal::Signature);
    }
    Ok(Accepted { user: db_user.to_owned(), signed, is_temporary: key.session_token.is_some() })
}

fn same(part: Part, expected: &str, found: &str) -> Result<(), Refusal> {
    if found == expected { Ok(()) } else { Err(mismatch(part, expected, found)) }
}

fn mismatch(part: Part, expected: &str, found: &str) -> Refusal {
    Refusal::Mismatch { part, expected: quote(expected), found: quote(found) }
}

/// The beginning of what a client sent: a log must not hold megabytes of it.
fn quote(text: &str) -> String {
    text.chars().take(QUOTE_LIMIT).collect()
}

/// `X-Amz-Expires`: only digits, from 1 to 900.
fn lifetime(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| text.parse().ok()).flatten()?;
    (1..=MAX_LIFETIME).contains(&seconds).then(|| Duration::from_secs(seconds))
}

/// Quotes `id` only if it looks like an access key id: people confuse id and secret.
fn unknown_key(id: &str) -> Refusal {
    let is_id = (16..=QUOTE_LIMIT).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    Refusal::UnknownAccessKey(if is_id { id } else { "(no access key id)" }.to_owned())
}

fn session_token(found: Option<&str>, expected: Option<&str>) -> Result<(), Refusal> {
    match (found, expected) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::SessionTokenMissing),
        (Some(_), None) => Err(Refusal::SessionTokenUnexpected),
        // Timing reveals nothing useful: a session token is worthless without the secret.
        (Some(found), Some(expected)) if found == expected => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::SessionTokenDifferent),
    }
}
