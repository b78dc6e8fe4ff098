//! Names without addresses, and addresses that do not answer, or do not answer as a database.

use diagnosis::Cause;
use engine::Engine;
use fault_proxy::{Condition, Proxy};
use function_harness::names::{Answer, Family, Names};
use function_harness::{Harness, closed_port, faults};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::Duration;

use super::names;

/// The time-out of the functions: what is silent takes all of it.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Every way in which the network can fail. What is silent is so side by side.
pub async fn network(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let at = async |address: &str, step: &str, cause: Cause| {
        let function = harness.deploy_limited(TIMEOUT, &[("DB_CONNECT_TO", address)], &[]).await;
        names(&function, step, cause).await
    };
    at("no-such-host.invalid:3306", "dns", Cause::NameUnresolved).await;
    let closed = closed_port();
    let address = closed.local_addr().unwrap().to_string();
    at(&address, "tcp", Cause::PortRefused).await;

    let web = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = web.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in web.incoming() {
            // A client that has disconnected needs no answer.
            let _ =
                stream.and_then(|mut stream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
        }
    });
    at(&address, "tls", Cause::WrongEngine).await;

    // A name with an address of each protocol, of which IPv6 is dead; and with a resolver that fails.
    let resolver = Names::start();
    let port = harness.server.address().port();
    let _dead = silent_at(&harness, (Ipv6Addr::LOCALHOST, port)).await;
    resolver.set("dual.example", Answer::NoAddress);
    resolver.set_family("dual.example", Family::V6, IpAddr::from(Ipv6Addr::LOCALHOST));
    resolver.set_family("dual.example", Family::V4, IpAddr::from(Ipv4Addr::LOCALHOST));
    resolver.set("busy.example", Answer::TryAgain);
    let dialled = async |host: &str, step: &str, cause: Cause| {
        let address = format!("{host}:{port}");
        let changes = [&resolver.environment()[..], &[("DB_CONNECT_TO", &*address)]].concat();
        let function = harness.deploy_limited(TIMEOUT, &changes, &[]).await;
        names(&function, step, cause).await
    };
    let diagnosis = dialled("dual.example", "tcp", Cause::FamilySilent).await;
    let seen = diagnosis["causes"][0]["because"].as_str().unwrap_or_default();
    assert!(seen.starts_with("IPv6 ::1: no answer for "), "{diagnosis:#}");

    let proxy = silent_at(&harness, (Ipv4Addr::LOCALHOST, 0)).await;
    let silent = proxy.address().to_string();
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = hanging.local_addr().unwrap().to_string();
    harness.server.pause();
    let hung = harness.deploy_limited(TIMEOUT, &[], &[]).await;
    let (.., diagnosis) = tokio::join!(
        at(&silent, "tcp", Cause::TcpSilent),
        dialled("busy.example", "dns", Cause::NameLookupFails),
        // Not in a private network, and Linux makes no TCP connection to it: some networks answer for every
        // other unused address.
        at("224.0.0.1:3306", "tcp", Cause::PublicAddress),
        at(&hangs, "tls", Cause::ServerSilent),
        names(&hung, "tls", Cause::ServerSilent),
    );
    harness.server.resume();
    assert!(diagnosis["causes"][0]["fix"].as_str().unwrap().contains("reboot"), "{diagnosis:#}");
}

/// A proxy at `address` that neither accepts nor refuses connections, as behind a firewall that drops
/// packets.
async fn silent_at(harness: &Harness, address: impl Into<SocketAddr>) -> Proxy {
    let proxy = faults::proxy_at(harness, address.into()).await;
    proxy.set(Condition::Unanswered);
    proxy
}
