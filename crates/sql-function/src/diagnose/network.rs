//! The steps up to a TCP connection.

use diagnosis::{Cause, Verdict};
use serde_json::json;
use tokio::net::TcpStream;

use super::evidence::is_private;
use super::examination::Examination;
use super::seen::Seen;
use crate::dial::{self, Race};
use crate::driver::Connector;
use crate::family::in_turn;

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

    /// Opens a TCP connection, to the address that answers first. A database that is paused answers late:
    /// it has all of the time.
    pub(super) async fn tcp(&mut self) -> (Seen, Option<TcpStream>) {
        let addresses = in_turn(&self.evidence.addresses, None);
        let mut race = Race::among(&self.login().connect_to, &addresses);
        match race.winner(self.deadline).await {
            Ok(stream) => {
                let address = |address: std::io::Result<std::net::SocketAddr>| {
                    address.map(|address| address.to_string()).unwrap_or_default()
                };
                let (ours, theirs) = (address(stream.local_addr()), address(stream.peer_addr()));
                let mut seen = Seen::ok(format!("connected from {ours} to {theirs}"))
                    .fact("local", ours)
                    .fact("peer", theirs);
                let reached = stream.peer_addr().map(|address| address.ip());
                if let Some(silent) = reached.ok().and_then(|reached| race.silent_family(reached)) {
                    seen.text += &format!("; {silent}");
                    seen.verdict = Verdict::Warning;
                    self.find(Cause::FamilySilent, silent);
                }
                (seen, Some(stream))
            }
            Err(error) => (self.fail(error), None),
        }
    }
}
