//! What the steps saw, as far as it speaks for one cause or another.

use diagnosis::Cause;
use iam_auth::{Certificate, Description};
use std::net::IpAddr;

use super::trial::Tried;
use crate::error::Error;

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// What tokens are signed with.
    pub(super) credentials: Option<Description>,
    /// Where the name leads.
    pub(super) addresses: Vec<IpAddr>,
    /// What the server calls itself before the login.
    pub(super) greeting: String,
    /// The certificates that the server presented, its own first.
    pub(super) presented: Vec<Certificate>,
    /// How the root is called that they lead to.
    pub(super) root: Option<String>,
    /// The proof that the server asks of the user for.
    pub(super) method: Option<String>,
    /// Another spelling of the user's name, of whom the server asks for a token.
    pub(super) other_user: Option<String>,
    /// What was tried when the server denied the login.
    pub(super) tried: Vec<Tried>,
    /// What was not tried then, because AWS does not vouch for the server.
    pub(super) untried: Vec<(Cause, String)>,
    /// The schema that the server says the user lacks rights in, where a statement's own SQL names it.
    pub(super) denied_schema: Option<String>,
    /// The error that ended the walk.
    pub(super) failure: Option<Error>,
    /// What is seen directly to be wrong, and by what.
    pub(super) findings: Vec<(Cause, String)>,
}

impl Evidence {
    /// The addresses that are reached from inside a private network alone.
    pub(super) fn any_private_address(&self) -> bool {
        self.addresses.iter().any(|address| is_private(*address))
    }
}

/// Whether an address is of a private network or this machine: RFC 1918, 6598, 4193, 3927, 4291.
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
