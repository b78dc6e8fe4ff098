//! What the steps have seen, as far as it points to one cause or another.

use diagnosis::Cause;
use iam_auth::{Certificate, Description, Endpoint, EndpointKind};
use std::net::IpAddr;

use crate::error::Error;
use crate::rds_ca;

/// The evidence so far.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The credentials that sign tokens.
    pub(super) credentials: Option<Description>,
    /// The addresses of the name that is dialled.
    pub(super) addresses: Vec<IpAddr>,
    /// The server's name for itself, before the login.
    pub(super) greeting: String,
    /// The certificates that the server presented, its own first.
    pub(super) presented: Vec<Certificate>,
    /// The name of their root.
    pub(super) root: Option<String>,
    /// How the server asks the user to authenticate.
    pub(super) method: Option<String>,
    /// Another spelling of the user's name, for which the server asks for a token.
    pub(super) other_user: Option<String>,
    /// What was tried after the server denied the login.
    pub(super) tried: Vec<Tried>,
    /// What was not tried, because AWS does not vouch for the server.
    pub(super) untried: Vec<(Cause, String)>,
    /// The schema for which the server says that the user lacks privileges, if the statement's own SQL
    /// names it.
    pub(super) denied_schema: Option<String>,
    /// The error that ended the examination.
    pub(super) failure: Option<Error>,
    /// The causes that a step has seen directly, and how.
    pub(super) findings: Vec<(Cause, String)>,
}

/// A login that was tried with one thing changed.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) what: String,
    /// The cause if the server accepts it.
    pub(super) cause: Cause,
    pub(super) accepted: bool,
    /// The endpoint that the token was for.
    pub(super) at: Endpoint,
}

impl Evidence {
    /// The IPv4 addresses, if all of them are public. Those of IPv6 are so in a VPC too.
    pub(super) fn public_addresses(&self) -> Option<String> {
        let ipv4: Vec<_> = self.addresses.iter().filter(|address| address.is_ipv4()).collect();
        let public = !ipv4.is_empty() && ipv4.iter().all(|address| !is_private(**address));
        let texts: Vec<_> = ipv4.iter().map(ToString::to_string).collect();
        public.then(|| texts.join(", "))
    }

    /// The last login that was tried and accepted.
    pub(super) fn accepted(&self) -> Option<&Tried> {
        self.tried.iter().rfind(|tried| tried.accepted)
    }

    /// The endpoints of RDS, other than `own`, that the server's certificate names.
    pub(super) fn other_endpoints(&self, own: &str) -> impl Iterator<Item = &str> {
        let names = self.presented.first().map_or(&[][..], |certificate| certificate.names());
        let names = names.iter().map(String::as_str);
        names.filter(move |name| is_endpoint(name) && *name != own)
    }

    /// The region in the name of the CA that issued the server's certificate.
    pub(super) fn ca_region(&self) -> Option<&str> {
        self.presented.iter().rev().find_map(|one| rds_ca::region(one.issuer()))
    }

    /// The endpoint, other than the configured one, for which the server accepted a token.
    pub(super) fn proven_endpoint(&self) -> Option<&Endpoint> {
        let elsewhere = [Cause::SignedForCname, Cause::WrongEndpoint, Cause::WrongRegion];
        self.accepted().filter(|one| elsewhere.contains(&one.cause)).map(|one| &one.at)
    }
}

/// Whether a name has the form of an RDS endpoint.
fn is_endpoint(name: &str) -> bool {
    Endpoint::parse(name, 1).is_ok_and(|endpoint| endpoint.kind() != EndpointKind::Unknown)
}

/// Whether an address belongs to a private network or this machine: RFC 1918, 6598, 4193, 3927, 4291.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            let shared = first == 100 && (64..128).contains(&second);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_endpoint_that_the_server_accepted_is_proven() {
        let tried = |host: &str, cause, accepted| {
            let at = Endpoint::with_region(host, 3306, "eu-west-1").unwrap();
            Tried { what: String::new(), cause, accepted, at }
        };
        let named = tried("named.example", Cause::SignedForCname, false);
        let now = || tried("set.example", Cause::Throttled, true);
        let mut evidence = Evidence { tried: vec![named, now()], ..Evidence::default() };
        assert_eq!(evidence.proven_endpoint(), None);
        evidence.tried.push(tried("real.example", Cause::WrongEndpoint, true));
        assert_eq!(evidence.proven_endpoint().map(Endpoint::host), Some("real.example"));
        // It would have been accepted where it was denied, too.
        evidence.tried.push(now());
        assert_eq!(evidence.proven_endpoint(), None);
    }
}
