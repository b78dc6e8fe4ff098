//! Two protocols: a name with addresses of IPv4 and IPv6, of which one may be dead or missing (RFC 8305).

use engine::Engine;
use fault_proxy::{Condition, Proxy};
use function_harness::faults::{self, Outcome, Report, query};
use function_harness::names::{self, Answer, ENDPOINT, Family, Names};
use function_harness::{Deployed, Harness};
use local_rds::Server;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// What each address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The server.
    Alive,
    /// Nothing answers a SYN.
    Dead,
    /// There is no route to it.
    Unroutable,
    /// The port is closed.
    Closed,
    /// The name has no such address.
    None,
}

/// A name with its addresses at a port of its own, and a function that dials it.
struct Site<'a> {
    v6: Option<Proxy>,
    v4: Option<Proxy>,
    names: Names,
    function: Deployed<'a>,
}

impl<'a> Site<'a> {
    async fn new(
        harness: &'a Harness,
        [v6, v4]: [Way; 2],
        timeout: Duration,
        changes: &[(&str, &str)],
    ) -> Site<'a> {
        // There is one address of loopback for IPv6, so that each name has its own port.
        let own = faults::proxy_at(harness, (Ipv6Addr::LOCALHOST, 0).into()).await;
        let port = own.address().port();
        harness.server.iam().accept_endpoint(ENDPOINT, port);
        let other = SocketAddr::from((Ipv4Addr::new(127, 16, 1, 1), port));
        let other = faults::proxy_at(harness, other).await;
        let names = Names::start();
        let open = async |way: Way, family, proxy: Proxy| {
            let address = match way {
                Way::None => Answer::NoAddress,
                Way::Unroutable => names::unroutable(family).into(),
                Way::Alive | Way::Dead | Way::Closed => proxy.address().ip().into(),
            };
            if way == Way::Dead {
                proxy.set(Condition::Unanswered);
            }
            let proxy = matches!(way, Way::Alive | Way::Dead).then_some(proxy);
            (address, proxy)
        };
        let (v6_answer, v6) = open(v6, Family::V6, own).await;
        let (v4_answer, v4) = open(v4, Family::V4, other).await;
        names.set(ENDPOINT, Answer::NoAddress);
        names.set_family(ENDPOINT, Family::V6, v6_answer);
        names.set_family(ENDPOINT, Family::V4, v4_answer);
        let port = port.to_string();
        let changes = [&[("DB_PORT", &*port)], changes].concat();
        let function = faults::deploy_named(harness, &names, timeout, &changes).await;
        Site { v6, v4, names, function }
    }

    /// How many connections have come over IPv6 and IPv4.
    fn accepted(&self) -> [usize; 2] {
        [&self.v6, &self.v4].map(|proxy| proxy.as_ref().map_or(0, Proxy::accepted))
    }
}

/// The functions' time-out.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Through one dead or missing family a login takes 250 ms more than without, and where both are alive the
/// server sees one connection. If both are dead, the error names both.
pub async fn either(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).dialled_as(ENDPOINT);
    let harness = faults::start(server, bootstrap).await;
    let mut report = Report::new(engine, "families");

    // Alone, to count at the server.
    let counts = Counts::of(&harness);
    let ending = one_connection(&harness).await;
    counts.one_more(&harness);
    report.count("IPv6 and IPv4 alive", &ending);

    use Way::{Alive, Closed, Dead, Unroutable};
    let (only_v6, only_v4) = ([1, 0], [0, 1]);
    let no_v6 = [names::without(Family::V6)];
    let case = |ways, changes, accepted| through(&harness, ways, changes, accepted);
    let (a, b, c, d, e, f, g, h, both) = tokio::join!(
        case([Dead, Alive], &[], only_v4),
        case([Alive, Dead], &[], only_v6),
        case([Unroutable, Alive], &[], only_v4),
        case([Alive, Unroutable], &[], only_v6),
        case([Alive, Way::None], &[], only_v6),
        case([Way::None, Alive], &[], only_v4),
        case([Closed, Alive], &[], only_v4),
        case([Alive, Alive], &no_v6, only_v4),
        neither(&harness),
    );
    for (fault, ending) in [
        ("IPv6 dead, IPv4 alive", a),
        ("IPv4 dead, IPv6 alive", b),
        ("IPv6 without a route, IPv4 alive", c),
        ("IPv4 without a route, IPv6 alive", d),
        ("IPv6 alone", e),
        ("IPv4 alone", f),
        ("IPv6 refused, IPv4 alive", g),
        ("IPv6 missing in the kernel, IPv4 alive", h),
        ("IPv6 and IPv4 dead", both),
    ] {
        report.count(fault, &ending);
    }
    report.write(bootstrap);
}

/// Both families are alive: there is one connection, and none that was given up.
async fn one_connection(harness: &Harness) -> Outcome {
    let site = Site::new(harness, [Way::Alive; 2], TIMEOUT, &[]).await;
    let ending = faults::echo(&site.function, 1).await;
    assert_eq!(ending, Ok(()));
    assert_eq!(site.accepted(), [1, 0]);
    assert_eq!(site.names.asked(ENDPOINT), 1, "one look-up asks for both families");
    assert_eq!(faults::connections(&harness.server), 1);
    ending
}

/// Logs in three times where `accepted` tells which way leads to the server.
async fn through(
    harness: &Harness,
    ways: [Way; 2],
    changes: &[(&str, &str)],
    accepted: [usize; 2],
) -> Outcome {
    let site = Site::new(harness, ways, TIMEOUT, changes).await;
    let mut quickest = f64::INFINITY;
    for logins in 1..=3 {
        let response = site.function.ok(r#"{"statement":"echo","params":[1]}"#).await;
        assert_eq!(response["connection"]["reused"], false, "{ways:?}: {response}");
        quickest = quickest.min(response["connection"]["connect_ms"].as_f64().unwrap());
        // The family that won is tried first at the next login.
        let scout = if ways[0] == Way::Dead { scout(harness.server.engine()) } else { 0 };
        let alive = accepted.map(|count| count * (logins + scout));
        assert_eq!(site.accepted(), alive, "{ways:?}, {logins} logins");
        for proxy in [&site.v6, &site.v4].into_iter().flatten() {
            proxy.sever(fault_proxy::Ending::Close);
        }
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    // A second SYN would be sent after 1 s.
    assert!(quickest < 900.0, "{ways:?}: a login took {quickest} ms");
    Ok(())
}

/// Both families are dead: the error names both.
async fn neither(harness: &Harness) -> Outcome {
    let site = Site::new(harness, [Way::Dead; 2], TIMEOUT, &[]).await;
    let event = r#"{"statement":"echo","params":[1]}"#;
    let (kind, message) = site.function.invoke(event).await.unwrap_err();
    assert_eq!(kind, "Connect.Tcp", "{message}");
    for family in ["IPv4", "IPv6"] {
        assert!(message.contains(family), "{family}: {message}");
    }
    let addresses = [IpAddr::from(Ipv6Addr::LOCALHOST), IpAddr::from([127, 16, 1, 1])];
    assert!(
        addresses.iter().any(|address| message.contains(&address.to_string())),
        "{addresses:?}: {message}"
    );
    Err(kind)
}

/// What a server of MySQL or MariaDB has counted: connections, and those that did not log in.
struct Counts(Option<[u64; 2]>);

impl Counts {
    fn of(harness: &Harness) -> Counts {
        let status = |name: &str| -> u64 {
            let rows = query(&harness.server, &format!("SHOW GLOBAL STATUS LIKE '{name}'"));
            rows[0][1].as_deref().unwrap().parse().unwrap()
        };
        let is_mysql = harness.server.engine() != Engine::Postgres;
        Counts(is_mysql.then(|| ["Connections", "Aborted_connects"].map(status)))
    }

    fn one_more(&self, harness: &Harness) {
        let now = Counts::of(harness);
        if let (Some(before), Some(now)) = (self.0, now.0) {
            assert_eq!(now, [before[0] + 1, before[1]], "connections, and aborted ones");
        }
    }
}

/// How many connections a login opens besides its own once an address does not answer: MySQL's driver dials
/// by itself, so that another connection finds out which address does.
pub(crate) fn scout(engine: Engine) -> usize {
    match engine {
        Engine::Postgres => 0,
        Engine::MySql | Engine::MariaDb => 1,
    }
}
