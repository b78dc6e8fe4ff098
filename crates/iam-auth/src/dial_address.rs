//! Where TCP connects: a separate type, so that it is not confused with the endpoint, which the
//! token is signed for and the certificate must name.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::error::{Error, Kind};

/// A host and a port to connect to: the endpoint itself, a tunnel, a CNAME, or a local server.
///
/// ```
/// let tunnel: iam_auth::DialAddress = "localhost:13306".parse()?;
/// assert_eq!((tunnel.host(), tunnel.port()), ("localhost", 13306));
/// # Ok::<(), iam_auth::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DialAddress {
    host: String,
    port: u16,
}

impl DialAddress {
    /// For a host that is known to be valid.
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }

    /// A host name or an IP address, without brackets if it is IPv6.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port, never 0.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// `host:port`, or `[::1]:port` for an IPv6 address.
impl fmt::Display for DialAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&authority(&self.host, self.port))
    }
}

/// Parses `host:port`, or `[::1]:port` for an IPv6 address. The port is required. The error is an
/// [endpoint error](Error::is_endpoint).
impl FromStr for DialAddress {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str| {
            let message = format!(
                "dial address {text:?} {why}; use host:port, such as localhost:13306 or [::1]:13306"
            );
            Error::new(Kind::Endpoint, message)
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(|| refuse("has no port"))?;
        let port = match port.parse() {
            Ok(0) | Err(_) => {
                return Err(refuse("has a port that is not a number from 1 to 65535"));
            }
            Ok(port) => port,
        };
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let valid = match bracketed {
            Some(host) => host.parse::<Ipv6Addr>().is_ok(),
            // An IPv6 address without brackets is ambiguous: the last group could be a port.
            None => !host.contains(':') && rustls_pki_types::ServerName::try_from(host).is_ok(),
        };
        if !valid {
            return Err(refuse("has no valid host"));
        }
        Ok(Self::new(bracketed.unwrap_or(host), port))
    }
}

/// `host:port` as in URLs (RFC 3986, section 3.2), with brackets around an IPv6 address.
pub(crate) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_round_trips() {
        for (text, host, port) in [
            ("localhost:13306", "localhost", 13306),
            ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:65535", "::1", 65535),
            ("my_db:5432", "my_db", 5432),
        ] {
            let address: DialAddress = text.parse().unwrap();
            assert_eq!((address.host(), address.port()), (host, port));
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn every_other_form_is_refused_with_the_forms_shown() {
        for text in [
            "",
            "localhost",
            "localhost:",
            ":3306",
            "localhost:0",
            "localhost:65536",
            "localhost:mysql",
            "::1:3306",
            "[::1]",
            "[localhost]:3306",
            "mysql://localhost:3306",
            " localhost:3306",
            "localhost:3306 ",
            "local host:3306",
        ] {
            let error = text.parse::<DialAddress>().unwrap_err();
            assert!(error.is_endpoint(), "{text:?}");
            let message = error.to_string();
            assert!(message.contains(&format!("{text:?}")), "{message}");
            assert!(message.contains("localhost:13306"), "{message}");
        }
    }
}
