//! Why a login was refused, in words that show a person the way out.
//!
//! The client learns none of this, as on RDS. No refusal holds a secret, a session token or a
//! signature: what a client sent is quoted only where it can be none of them.

use std::error::Error;
use std::fmt;
use std::time::{Duration, SystemTime};

use crate::calendar::iso_8601;

/// Why a login was refused.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// More new connections in one second than the cap allows.
    TooManyConnections {
        /// New connections a second.
        cap: u32,
    },
    /// No password was sent.
    EmptyPassword,
    /// The password does not begin as `host:port/?` does. It is not quoted: it may be a password.
    NotAToken,
    /// The query of the token breaks the rules of a URL.
    Malformed {
        /// Where, in bytes from the start of the token.
        offset: usize,
        /// What is wrong there.
        fault: &'static str,
    },
    /// A parameter that every token has is missing.
    MissingParameter(&'static str),
    /// A parameter stands there twice, and which one counts would be a guess.
    DuplicateParameter(String),
    /// The token says one thing where only another will do.
    Mismatch {
        /// What differs.
        part: Part,
        /// What this server asks for.
        expected: String,
        /// What the token says.
        found: String,
    },
    /// `X-Amz-Credential` is not `key/day/region/service/aws4_request`.
    MalformedCredential,
    /// `X-Amz-Date` is not a date of the form `20140704T123553Z`.
    MalformedDate(String),
    /// `X-Amz-Expires` is not a number of seconds from 1 to 900.
    Lifetime(String),
    /// The token's date is still to come.
    NotYetValid {
        /// The token's date.
        signed: SystemTime,
        /// The verifier's clock, its offset included.
        now: SystemTime,
    },
    /// The token is too old.
    Expired {
        /// The token's date.
        signed: SystemTime,
        /// The verifier's clock, its offset included.
        now: SystemTime,
        /// How long the token was good for.
        lifetime: Duration,
    },
    /// The access key is not one that this server knows.
    UnknownAccessKey(String),
    /// The access key has ended.
    AccessKeyExpired {
        /// The access key's id.
        id: String,
        /// When it ended.
        expired: SystemTime,
    },
    /// The access key is a temporary one, and the token carries no session token.
    SessionTokenMissing,
    /// The access key is a permanent one, and the token carries a session token.
    SessionTokenUnexpected,
    /// The token carries a session token, but not that of its access key.
    SessionTokenDifferent,
    /// The signature is not the one that the secret access key gives.
    Signature,
    /// No policy is attached to the access key.
    NoPolicy {
        /// What the policy would have to allow `rds-db:connect` on.
        arn: String,
    },
    /// No statement of the policy allows this login.
    NotAllowed {
        /// What the policy would have to allow `rds-db:connect` on.
        arn: String,
    },
    /// A statement of the policy denies this login.
    Denied {
        /// What the statement denies `rds-db:connect` on.
        arn: String,
        /// The statement's `Sid`, or its position.
        statement: String,
    },
}

/// A part of a token that must have one given value.
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
    /// What the person who runs the client can do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::TooManyConnections { .. } => {
                "keep connections open and reuse them, and try again with a growing, random delay"
            }
            Self::EmptyPassword | Self::NotAToken => {
                "send the whole token as the password: host:port/?Action=connect&DBUser=..., without \
                 https://"
            }
            Self::Malformed { .. } | Self::DuplicateParameter(_) => {
                "percent-encode each value (RFC 3986) before the token is signed"
            }
            Self::MissingParameter(_)
            | Self::MalformedCredential
            | Self::MalformedDate(_)
            | Self::Lifetime(_) => {
                "presign GET host:port/?Action=connect&DBUser=... for 900 seconds with Signature \
                 Version 4, and send all of it"
            }
            Self::Mismatch { part, .. } => part.advice(),
            Self::NotYetValid { .. } => "set the client's clock",
            Self::Expired { .. } => "sign a new token for each login, and check the client's clock",
            Self::UnknownAccessKey(_) => "use the access key that this server was started with",
            Self::AccessKeyExpired { .. } => "fetch new credentials before signing",
            Self::SessionTokenMissing => "pass AWS_SESSION_TOKEN on along with the access key",
            Self::SessionTokenUnexpected | Self::SessionTokenDifferent => {
                "take access key, secret and session token from the same source"
            }
            Self::Signature => {
                "check the secret access key, and that nothing changed the token after it was signed"
            }
            Self::NoPolicy { .. } | Self::NotAllowed { .. } => {
                "allow rds-db:connect on this ARN in the policy"
            }
            Self::Denied { .. } => "take this user out of the statement that denies",
        }
    }
}

impl Part {
    /// The name of the part in the documents about tokens.
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
                "sign for the host and port of the endpoint, not for the address that is dialled"
            }
            Self::User => "sign for the user who logs in; upper and lower case differ",
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
                "the token was signed at {}, and here it is only {}",
                iso_8601(*signed),
                iso_8601(*now)
            ),
            Self::Expired { signed, now, lifetime } => write!(
                f,
                "the token was signed at {} for {} seconds, and here it is {}",
                iso_8601(*signed),
                lifetime.as_secs(),
                iso_8601(*now)
            ),
            Self::UnknownAccessKey(id) => {
                write!(f, "the token's access key {id} is not known here")
            }
            Self::AccessKeyExpired { id, expired } => {
                write!(f, "the access key {id} expired at {}", iso_8601(*expired))
            }
            Self::SessionTokenMissing => f.write_str(
                "the access key is a temporary one, and the token has no X-Amz-Security-Token",
            ),
            Self::SessionTokenUnexpected => f.write_str(
                "the access key is a permanent one, and the token has an X-Amz-Security-Token",
            ),
            Self::SessionTokenDifferent => f.write_str(
                "the token's X-Amz-Security-Token is not the session token of its access key",
            ),
            Self::Signature => f.write_str("the token's signature is wrong"),
            Self::NoPolicy { arn } => {
                write!(f, "no policy is attached that allows rds-db:connect on {arn}")
            }
            Self::NotAllowed { arn } => {
                write!(f, "no statement of the policy allows rds-db:connect on {arn}")
            }
            Self::Denied { arn, statement } => {
                write!(f, "{statement} of the policy denies rds-db:connect on {arn}")
            }
        }
    }
}

impl Error for Refusal {}
