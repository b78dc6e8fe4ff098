//! Why a login was refused, and what to do about it.
//!
//! The client sees none of this, as on RDS. No refusal holds a secret, a session token or a signature:
//! what a client sent is quoted only where it can be none of them.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use crate::calendar::iso_8601;

/// The kind of a service control policy.
pub(crate) const SERVICE_CONTROL: &str = "service control policy";

/// Why a login was refused.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// There were more new connections in one second than the cap allows.
    TooManyConnections {
        /// New connections a second.
        cap: u32,
    },
    /// No password was sent.
    EmptyPassword,
    /// The password does not begin with `host:port/?`. It is not quoted: it may be a password.
    NotAToken,
    /// The query of the token breaks the rules of a URL.
    Malformed {
        /// The position, in bytes from the start of the token.
        offset: usize,
        /// What is wrong there.
        fault: &'static str,
    },
    /// A required parameter is missing.
    MissingParameter(&'static str),
    /// A parameter occurs twice, and which one counts would be a guess.
    DuplicateParameter(String),
    /// A part of the token differs from the only value that is accepted.
    Mismatch {
        /// What differs.
        part: Part,
        /// The accepted value.
        expected: String,
        /// The token's value.
        found: String,
    },
    /// `X-Amz-Credential` is not `key/day/region/service/aws4_request`.
    MalformedCredential,
    /// `X-Amz-Date` is not a date of the form `20140704T123553Z`.
    MalformedDate(String),
    /// `X-Amz-Expires` is not a number of seconds from 1 to 900.
    Lifetime(String),
    /// The token's date is in the future.
    NotYetValid {
        /// The token's date.
        signed: SystemTime,
        /// The verifier's clock, its offset included.
        now: SystemTime,
    },
    /// The token has expired.
    Expired {
        /// The token's date.
        signed: SystemTime,
        /// The verifier's clock, its offset included.
        now: SystemTime,
        /// How long the token was valid.
        lifetime: Duration,
    },
    /// The verifier does not know the access key.
    UnknownAccessKey(String),
    /// The access key has expired.
    AccessKeyExpired {
        /// The access key's id.
        id: String,
        /// When it expired.
        expired: SystemTime,
    },
    /// The access key is temporary, and the token has no session token.
    SessionTokenMissing,
    /// The access key is permanent, and the token has a session token.
    SessionTokenUnexpected,
    /// The token has a session token, but not that of its access key.
    SessionTokenDifferent,
    /// The signature was not made with the secret access key.
    Signature,
    /// No policy is attached to the access key.
    NoPolicy {
        /// The resource of the login.
        arn: String,
    },
    /// The access key belongs to another account than the database. Access to databases cannot be given
    /// across accounts ("Creating and using an IAM policy for IAM database access", Amazon RDS User
    /// Guide).
    OtherAccount {
        /// The ARN of the user or role.
        principal: String,
        /// The resource of the login.
        arn: String,
    },
    /// No statement of a policy that must allow this login does.
    NotAllowed {
        /// The resource of the login.
        arn: String,
        /// The kind of the policy, and its name if it has one.
        policy: String,
        /// Which statements would allow it, and why they do not apply.
        reasons: Vec<String>,
    },
    /// A statement of a policy denies this login.
    Denied {
        /// The resource of the login.
        arn: String,
        /// The kind of the policy, and its name if it has one.
        policy: String,
        /// The statement's `Sid`, or its position.
        statement: String,
        /// Why its conditions hold.
        reasons: Vec<String>,
    },
}

/// A part of a token of which one value is accepted.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The host before the query.
    Host,
    /// The port before the query.
    Port,
    /// `Action`.
    Action,
    /// `DBUser`, against the user who logs in.
    User,
    /// `X-Amz-Algorithm`.
    Algorithm,
    /// `X-Amz-SignedHeaders`.
    SignedHeaders,
    /// The day in `X-Amz-Credential`, against `X-Amz-Date`.
    Day,
    /// The region in `X-Amz-Credential`.
    Region,
    /// The service in `X-Amz-Credential`.
    Service,
    /// The end of `X-Amz-Credential`.
    Terminator,
}

impl Refusal {
    /// What to do about it, for the owner of the client.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::TooManyConnections { .. } => {
                "reuse connections, and retry with exponential backoff and jitter"
            }
            Self::EmptyPassword | Self::NotAToken => {
                "send the whole token as the password: host:port/?Action=connect&DBUser=..., without \
                 https://"
            }
            Self::Malformed { .. } | Self::DuplicateParameter(_) => {
                "percent-encode each value (RFC 3986) before signing"
            }
            Self::MissingParameter(_)
            | Self::MalformedCredential
            | Self::MalformedDate(_)
            | Self::Lifetime(_) => {
                "presign GET host:port/?Action=connect&DBUser=... for 900 seconds with Signature \
                 Version 4, and send the whole token"
            }
            Self::Mismatch { part, .. } => part.advice(),
            Self::NotYetValid { .. } => "correct the client's clock",
            Self::Expired { .. } => "sign a new token for each login, and check the client's clock",
            Self::UnknownAccessKey(_) => "use an access key that this server knows",
            Self::AccessKeyExpired { .. } => "get new credentials before signing",
            Self::SessionTokenMissing => {
                "sign with the session token (AWS_SESSION_TOKEN) of the access key"
            }
            Self::SessionTokenUnexpected | Self::SessionTokenDifferent => {
                "take the access key, its secret and its session token from the same source"
            }
            Self::Signature => {
                "check the secret access key, and that nothing changed the token after signing"
            }
            Self::NotAllowed { policy, .. } if policy.starts_with(SERVICE_CONTROL) => {
                "allow it at this level of the organization too, as FullAWSAccess does"
            }
            Self::NoPolicy { .. } | Self::NotAllowed { .. } => {
                "allow rds-db:connect on this ARN in the policy"
            }
            Self::OtherAccount { .. } => {
                "assume a role of the database's account, and sign with its credentials"
            }
            Self::Denied { reasons, .. } if reasons.is_empty() => {
                "remove this ARN from the statement"
            }
            Self::Denied { .. } => {
                "exempt rds-db:connect from the statement (NotAction), or this principal \
                 (ArnNotLike with aws:PrincipalArn)"
            }
        }
    }
}

impl Part {
    /// The name of the part in AWS's documents.
    fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Port => "port",
            Self::Action => "Action",
            Self::User => "DBUser",
            Self::Algorithm => "X-Amz-Algorithm",
            Self::SignedHeaders => "X-Amz-SignedHeaders",
            Self::Day => "day in X-Amz-Credential",
            Self::Region => "region in X-Amz-Credential",
            Self::Service => "service in X-Amz-Credential",
            Self::Terminator => "end of X-Amz-Credential",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Host | Self::Port => {
                "sign for the host and port of the endpoint, not of the address that is dialed"
            }
            Self::User => "sign for the user who logs in; user names are case-sensitive",
            Self::Region => "sign for the region of the endpoint",
            Self::Day => "take the day of the credential scope from X-Amz-Date",
            Self::Service => "sign for the service rds-db",
            Self::Action | Self::Algorithm | Self::SignedHeaders | Self::Terminator => {
                "presign GET host:port/?Action=connect&DBUser=... with Signature Version 4"
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyConnections { cap } => {
                write!(f, "more than {cap} new connections in one second")
            }
            Self::EmptyPassword => f.write_str("the password is empty"),
            Self::NotAToken => f.write_str("the password does not begin with host:port/?"),
            Self::Malformed { offset, fault } => write!(f, "{fault} at byte {offset} of the token"),
            Self::MissingParameter(name) => write!(f, "the token has no {name}"),
            Self::DuplicateParameter(name) => write!(f, "the token has {name} twice"),
            Self::Mismatch { part, expected, found } => {
                write!(f, "the token's {} is {found:?}, expected {expected:?}", part.name())
            }
            Self::MalformedCredential => f.write_str(
                "the token's X-Amz-Credential is not of the form key/day/region/rds-db/aws4_request",
            ),
            Self::MalformedDate(found) => write!(
                f,
                "the token's X-Amz-Date is {found:?}, not a date of the form 20140704T123553Z"
            ),
            Self::Lifetime(found) => {
                write!(f, "the token's X-Amz-Expires is {found:?}, not a number from 1 to 900")
            }
            Self::NotYetValid { signed, now } => write!(
                f,
                "the token is not valid before {}, and it is now {}",
                iso_8601(*signed),
                iso_8601(*now)
            ),
            Self::Expired { signed, now, lifetime } => write!(
                f,
                "the token was signed at {} for {} seconds, and it is now {}",
                iso_8601(*signed),
                lifetime.as_secs(),
                iso_8601(*now)
            ),
            Self::UnknownAccessKey(id) => {
                write!(f, "the token's access key {id} is unknown to this server")
            }
            Self::AccessKeyExpired { id, expired } => {
                write!(f, "the access key {id} expired at {}", iso_8601(*expired))
            }
            Self::SessionTokenMissing => f.write_str(
                "the access key is temporary, and the token has no X-Amz-Security-Token",
            ),
            Self::SessionTokenUnexpected => f.write_str(
                "the access key is permanent, and the token has an X-Amz-Security-Token",
            ),
            Self::SessionTokenDifferent => f.write_str(
                "the token's X-Amz-Security-Token is not the session token of its access key",
            ),
            Self::Signature => f.write_str("the token's signature is wrong"),
            Self::NoPolicy { arn } => {
                write!(f, "no policy is attached to allow rds-db:connect on {arn}")
            }
            Self::OtherAccount { principal, arn } => {
                write!(f, "{principal} is not of the account of {arn}")
            }
            Self::NotAllowed { arn, policy, reasons } => {
                write!(f, "no statement of the {policy} allows rds-db:connect on {arn}")?;
                because(f, reasons)
            }
            Self::Denied { arn, policy, statement, reasons } => {
                write!(f, "{statement} of the {policy} denies rds-db:connect on {arn}")?;
                because(f, reasons)
            }
        }
    }
}

fn because(f: &mut fmt::Formatter<'_>, reasons: &[String]) -> fmt::Result {
    if reasons.is_empty() { Ok(()) } else { write!(f, " ({})", reasons.join("; ")) }
}

impl Error for Refusal {}
