//! One opaque error for the whole crate: callers ask it questions, and do not match on its
//! representation.

use std::error::Error as StdError;
use std::fmt;

/// An error about an endpoint, a token, credentials or trust anchors.
///
/// Its text names the thing, the place and a fix. It contains no token and no secret. The error of
/// a credentials provider is the [`source`](StdError::source), and is not repeated.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Endpoint,
    OtherService,
    RegionUnknown,
    RegionMismatch,
    User,
    Credentials,
    Expiring,
    Clock,
    Trust,
}

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// The host, the port, the region's name or the dial address is malformed, or the host is not a
    /// database's of RDS.
    pub fn is_endpoint(&self) -> bool {
        matches!(self.kind, Kind::Endpoint | Kind::OtherService)
    }

    /// The host belongs to another service of AWS, which takes other tokens: Aurora DSQL, Redshift,
    /// DocumentDB, Neptune, ElastiCache, MemoryDB. The error says which.
    pub fn is_other_service(&self) -> bool {
        self.kind == Kind::OtherService
    }

    /// The host has no region: a CNAME, an IP address, localhost, a global endpoint.
    pub fn is_region_unknown(&self) -> bool {
        self.kind == Kind::RegionUnknown
    }

    /// The given region contradicts the one in the host name.
    pub fn is_region_mismatch(&self) -> bool {
        self.kind == Kind::RegionMismatch
    }

    /// The database user's name is empty or contains a NUL.
    pub fn is_user(&self) -> bool {
        self.kind == Kind::User
    }

    /// There are no AWS credentials, or they expire too soon.
    pub fn is_credentials(&self) -> bool {
        matches!(self.kind, Kind::Credentials | Kind::Expiring)
    }

    /// There are AWS credentials, but they expire too soon for a login.
    pub fn is_expiring(&self) -> bool {
        self.kind == Kind::Expiring
    }

    /// The time is outside the years that a token can have.
    pub fn is_clock(&self) -> bool {
        self.kind == Kind::Clock
    }

    /// The trust anchors are missing, malformed, expired or not certificate authorities.
    pub fn is_trust(&self) -> bool {
        self.kind == Kind::Trust
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
