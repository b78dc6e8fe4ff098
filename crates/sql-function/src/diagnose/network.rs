//! The steps up to a TCP connection.

use iam_auth::EndpointKind;
use serde_json::json;
use std::time::UNIX_EPOCH;
use tokio::net::TcpStream;

use super::cname;
use super::evidence::is_private;
use super::seen::Seen;
use super::walk::Walk;
use crate::dial;
use crate::driver::Connector;

impl<C: Connector> Walk<'_, C> {
    /// The name becomes addresses.
    pub(super) async fn dns(&mut self) -> Seen {
        let login = self.login();
        let connect_to = &login.connect_to;
        let addresses = match dial::resolve(connect_to, self.deadline).await {
            Ok(addresses) => addresses,
            Err(error) => return self.fail(error).fact("name", connect_to.host()),
        };
        let listed: Vec<_> = addresses
            .iter()
            .map(|&ip| format!("{ip}, {}", if is_private(ip) { "private" } else { "public" }))
            .collect();
        let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let private = addresses.iter().all(|&ip| is_private(ip));
        self.evidence.addresses = addresses;
        // A name that is no endpoint's may be dialled under another one, and is to be explained.
        let asked = match login.endpoint().kind() {
            EndpointKind::Unknown => login.endpoint().host(),
            _ => connect_to.host(),
        };
        let id = (login.clock)().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos();
        let cnames = cname::chain(asked, id as u16).await;
        let through: String = cnames.iter().map(|name| format!(", through {name}")).collect();
        Seen::ok(format!("{} is {}{through}", connect_to.host(), listed.join("; ")))
            .fact("name", connect_to.host())
            .fact("addresses", json!(texts))
            .fact("private", private)
            .fact("cnames", json!(cnames))
    }

    /// An address becomes a connection.
    pub(super) async fn tcp(&mut self) -> (Seen, Option<TcpStream>) {
        let connect_to = &self.login().connect_to;
        match dial::connect(connect_to, &self.evidence.addresses, self.deadline).await {
            Ok(stream) => {
                let address = |address: std::io::Result<std::net::SocketAddr>| {
                    address.map(|address| address.to_string()).unwrap_or_default()
                };
                let (ours, theirs) = (address(stream.local_addr()), address(stream.peer_addr()));
                let seen = Seen::ok(format!("connected from {ours} to {theirs}"))
                    .fact("local", ours)
                    .fact("peer", theirs);
                (seen, Some(stream))
            }
            Err(error) => (self.fail(error), None),
        }
    }
}
