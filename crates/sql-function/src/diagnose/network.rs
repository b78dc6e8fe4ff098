//! The steps up to a TCP connection.

use serde_json::json;
use tokio::net::TcpStream;

use super::evidence::is_private;
use super::examination::Examination;
use super::seen::Seen;
use crate::dial;
use crate::driver::Connector;

impl<C: Connector> Examination<'_, C> {
    /// Resolves the name.
    pub(super) async fn dns(&mut self) -> Seen {
        let login = self.login();
        let connect_to = &login.connect_to;
        let addresses = match dial::resolve(connect_to, self.deadline).await {
            Ok(addresses) => addresses,
            Err(error) => return self.fail(error).fact("name", connect_to.host()),
        };
        let listed: Vec<_> = addresses
            .iter()
            .map(|&ip| format!("{ip} ({})", if is_private(ip) { "private" } else { "public" }))
            .collect();
        let texts: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let private = addresses.iter().all(|&ip| is_private(ip));
        self.evidence.addresses = addresses;
        Seen::ok(format!("{} resolves to {}", connect_to.host(), listed.join(", ")))
            .fact("name", connect_to.host())
            .fact("addresses", json!(texts))
            .fact("private", private)
    }

    /// Opens a TCP connection.
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
