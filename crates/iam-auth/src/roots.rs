//! Which of AWS's two families of root certificates verifies a server.

use std::fmt;
use std::str::FromStr;

use crate::endpoint::Endpoint;
use crate::error::{Error, Kind};

/// The family of root certificates at which a server's chain ends.
///
/// The caller chooses it, by the endpoint's kind or by knowing the database; it never depends on what a
/// server presents.
///
/// Sources: RDS user guide, "Using SSL/TLS to encrypt a connection", "Using TLS/SSL with RDS Proxy"; Aurora
/// user guide, "Aurora PostgreSQL with express configuration".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Roots {
    /// The roots of RDS, three in each region: `Amazon RDS eu-west-1 Root CA RSA2048 G1`.
    Rds,
    /// The roots of Amazon Trust Services, for the certificates of ACM: those of RDS Proxy, and those of an
    /// Aurora cluster with express configuration, whose name is that of any other cluster.
    Amazon,
}

impl Roots {
    /// The roots that fit the kind of `endpoint`: Amazon's for an RDS Proxy, and RDS's for all others. An
    /// Aurora cluster with express configuration needs [`Roots::Amazon`], but its name does not show that.
    #[must_use]
    pub fn of(endpoint: &Endpoint) -> Self {
        if endpoint.kind().is_proxy() { Self::Amazon } else { Self::Rds }
    }
}

/// `rds` or `amazon`.
impl fmt::Display for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rds => "rds",
            Self::Amazon => "amazon",
        })
    }
}

/// From `rds` or `amazon`; the error, for which [`Error::is_trust`] holds, shows both.
impl FromStr for Roots {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "rds" => Ok(Self::Rds),
            "amazon" => Ok(Self::Amazon),
            _ => Err(Error::new(
                Kind::Trust,
                format!(
                    "{text:?} is neither rds (the roots of RDS) nor amazon (the roots of Amazon Trust \
                     Services)"
                ),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words_and_no_other() {
        for roots in [Roots::Rds, Roots::Amazon] {
            assert_eq!(roots.to_string().parse::<Roots>().unwrap(), roots);
        }
        for text in ["", "RDS", "amazon ", "acm", "web"] {
            let error = text.parse::<Roots>().unwrap_err();
            assert!(error.is_trust());
            let message = error.to_string();
            assert!(message.contains("rds") && message.contains("amazon"), "{message}");
        }
    }

    #[test]
    fn by_the_endpoints_kind() {
        for (host, roots) in [
            ("db.abc1.eu-west-1.rds.amazonaws.com", Roots::Rds),
            ("db.cluster-abc1.eu-west-1.rds.amazonaws.com", Roots::Rds),
            ("db.proxy-abc1.eu-west-1.rds.amazonaws.com", Roots::Amazon),
            ("ro.endpoint.proxy-abc1.eu-west-1.rds.amazonaws.com", Roots::Amazon),
        ] {
            assert_eq!(Roots::of(&Endpoint::parse(host, 5432).unwrap()), roots, "{host}");
        }
    }
}
