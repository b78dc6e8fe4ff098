//! Two protocols: a name with addresses of IPv4 and IPv6, of which one may be dead or missing (RFC 8305).

use engine::Engine;
use fault_proxy::{Condition, Ending, Proxy};
use function_harness::event::ITEMS;
use function_harness::faults::{self, Ledger, Outcome, Report, query};
use function_harness::names::{self, Answer, ENDPOINT, Family, Names};
use function_harness::{Deployed, Harness};
use local_rds::Server;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::time::Duration;
use tokio::time::sleep;

/// The functions' time-out.
const TIMEOUT: Duration = Duration::from_secs(10);
/// That of functions whose first login gets no answer.
const LONG: Duration = Duration::from_secs(30);
/// What a login through the second family takes longer than another one, at most: the next round would begin
/// after 3 s.
const QUICK_MS: f64 = 2000.0;
/// An address of loopback, beside the server's.
const V4: Ipv4Addr = Ipv4Addr::new(127, 16, 1, 1);

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

/// A name with its addresses at a port of its own, where functions dial it.
struct Site<'a> {
    harness: &'a Harness,
    port: u16,
    v6: Option<Proxy>,
    v4: Option<Proxy>,
    names: Names,
}

impl<'a> Site<'a> {
    async fn new(harness: &'a Harness, [v6, v4]: [Way; 2]) -> Site<'a> {
        // There is one address of loopback for IPv6, so that each name has its own port.
        if let Err(error) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
            panic!(
                "this machine has no address ::1 ({error}), which this scenario needs: as root, \
                 `sysctl -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.lo.disable_ipv6=0`, or `docker run \
                 --sysctl net.ipv6.conf.all.disable_ipv6=0`. What needs none of it can be named: \
                 `cargo xtask test NAME ...`"
            );
        }
        let [own, other] =
            faults::proxies_at_one_port(harness, [Ipv6Addr::LOCALHOST.into(), V4.into()]).await;
        let port = own.address().port();
        harness.server.iam().accept_endpoint(ENDPOINT, port);
        let names = Names::start();
        let open = |way: Way, family, proxy: Proxy| {
            let answer = match way {
                Way::None => Answer::NoAddress,
                Way::Unroutable => names::unroutable(family).into(),
                Way::Alive | Way::Dead | Way::Closed => proxy.address().ip().into(),
            };
            if way == Way::Dead {
                proxy.set(Condition::Unanswered);
            }
            (answer, matches!(way, Way::Alive | Way::Dead).then_some(proxy))
        };
        let (v6_answer, v6) = open(v6, Family::V6, own);
        let (v4_answer, v4) = open(v4, Family::V4, other);
        names.set(ENDPOINT, Answer::NoAddress);
        names.set_family(ENDPOINT, Family::V6, v6_answer);
        names.set_family(ENDPOINT, Family::V4, v4_answer);
        Site { harness, port, v6, v4, names }
    }

    async fn deploy(&self, timeout: Duration, changes: &[(&str, &str)]) -> Deployed<'a> {
        let port = self.port.to_string();
        let changes = [&[("DB_PORT", &*port)], changes].concat();
        faults::deploy_named(self.harness, &self.names, timeout, &changes).await
    }

    /// How many connections have come over IPv6 and IPv4.
    fn accepted(&self) -> [usize; 2] {
        [&self.v6, &self.v4].map(|proxy| proxy.as_ref().map_or(0, Proxy::accepted))
    }

    /// Ends the connection, after which the function writes over another one: `leads` tells how many there
    /// are over IPv6 and IPv4. The family whose server answered last begins.
    async fn reconnects(
        &self,
        function: &Deployed<'_>,
        ledger: &Ledger,
        leads: [usize; 2],
    ) -> Outcome {
        let mut unlike = vec![];
        loop {
            for proxy in [&self.v6, &self.v4].into_iter().flatten() {
                proxy.sever(Ending::Close);
            }
            // Longer than a connection is used without a check.
            sleep(Duration::from_millis(1500)).await;
            let before = self.accepted();
            let ending = ledger.write(function).await;
            let opened = self.since(before);
            if ending.is_ok() && opened == leads {
                return Ok(());
            }
            unlike.push((ending, opened));
            assert!(unlike.len() < 5, "endings, connections, of {leads:?}: {unlike:?}");
        }
    }

    /// How many have come since then.
    fn since(&self, before: [usize; 2]) -> [usize; 2] {
        let now = self.accepted();
        [now[0] - before[0], now[1] - before[1]]
    }
}

/// Through one dead or missing family a login takes 250 ms more than without, and where both are alive the
/// server sees one connection. If both are dead, the error names both.
pub async fn either(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).dialled_as(ENDPOINT);
    let harness = faults::start(server, bootstrap).await;
    let mut report = Report::new(engine, "families");
    let ledger = Ledger::default();

    // Alone, to count at the server.
    let counts = Counts::of(&harness);
    let ending = one_connection(&harness).await;
    counts.one_more(&harness);
    report.count("IPv6 and IPv4 alive", &ending);

    use Way::{Alive, Closed, Dead, Unroutable};
    let (only_v6, only_v4) = ([1, 0], [0, 1]);
    let no_v6 = [names::without(Family::V6)];
    let case = |ways, changes, accepted| through(&harness, &ledger, ways, changes, accepted);
    let mute = |condition| mute(&harness, &ledger, condition);
    let (both, silent, held, a, b, c, d) = tokio::join!(
        neither(&harness),
        mute(Condition::BlackHole),
        mute(Condition::HoldLogins),
        case([Dead, Alive], &[], only_v4),
        case([Alive, Dead], &[], only_v6),
        case([Unroutable, Alive], &[], only_v4),
        case([Alive, Unroutable], &[], only_v6),
    );
    let (e, f, g, h) = tokio::join!(
        case([Alive, Way::None], &[], only_v6),
        case([Way::None, Alive], &[], only_v4),
        case([Closed, Alive], &[], only_v4),
        case([Alive, Alive], &no_v6, only_v4),
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
        ("IPv6 accepts and says nothing, IPv4 alive", silent),
        ("IPv6 accepts and holds logins, IPv4 alive", held),
        ("IPv6 and IPv4 dead", both),
    ] {
        report.count(fault, &ending);
    }
    ledger.assert_balanced(&harness.server);
    report.write(bootstrap);
}

/// Both families are alive: there is one connection, and none that was given up.
async fn one_connection(harness: &Harness) -> Outcome {
    let site = Site::new(harness, [Way::Alive; 2]).await;
    let function = site.deploy(TIMEOUT, &[]).await;
    let ending = faults::echo(&function, 1).await;
    assert_eq!(ending, Ok(()));
    assert_eq!(site.accepted(), [1, 0]);
    assert_eq!(faults::connections(&harness.server), 1);
    ending
}

/// Logs in where `leads` tells which ways lead to the server, and again after the connection has ended.
async fn through(
    harness: &Harness,
    ledger: &Ledger,
    ways: [Way; 2],
    changes: &[(&str, &str)],
    leads: [usize; 2],
) -> Outcome {
    let site = Site::new(harness, ways).await;
    let scout = if ways[0] == Way::Dead { scout(harness.server.engine()) } else { 0 };
    let mut slow = vec![];
    let function = loop {
        let before = site.accepted();
        let function = site.deploy(TIMEOUT, changes).await;
        let took = connect_ms(&function).await;
        let opened = site.since(before);
        let mut usual = 0.0;
        if took > QUICK_MS {
            // On a machine that is very busy, any login may take long.
            let direct = faults::deploy(harness, harness.server.address(), TIMEOUT, &[]).await;
            usual = connect_ms(&direct).await;
        }
        if took < usual + QUICK_MS && opened == leads.map(|count| count * (1 + scout)) {
            break function;
        }
        slow.push((took, usual, opened));
        assert!(slow.len() < 5, "{ways:?}: ms, those without the detour, connections: {slow:?}");
    };
    site.reconnects(&function, ledger, leads).await
}

/// Over IPv6 connections are accepted, and logins get no answer: the first event gets one over IPv4, and
/// later logins begin there.
async fn mute(harness: &Harness, ledger: &Ledger, condition: Condition) -> Outcome {
    let site = Site::new(harness, [Way::Alive; 2]).await;
    site.v6.as_ref().unwrap().set(condition);
    let function = site.deploy(LONG, &[]).await;
    let ending = ledger.write(&function).await;
    assert_eq!(ending, Ok(()), "{condition:?}: {}", function.logs());
    assert!(site.accepted()[0] > 0, "{condition:?}: IPv6 was not tried");
    site.reconnects(&function, ledger, [0, 1]).await
}

/// How long the login of the function took that has had no event yet.
async fn connect_ms(function: &Deployed<'_>) -> f64 {
    let response = function.ok(ITEMS).await;
    response["connection"]["connect_ms"].as_f64().unwrap()
}

/// Both families are dead: the error names both.
async fn neither(harness: &Harness) -> Outcome {
    let site = Site::new(harness, [Way::Dead; 2]).await;
    let (kind, message) = faults::echo_fails(&site.deploy(TIMEOUT, &[]).await).await;
    assert_eq!(kind, "Connect.Tcp", "{message}");
    for address in [IpAddr::from(Ipv6Addr::LOCALHOST), V4.into()] {
        let family = if address.is_ipv6() { "IPv6" } else { "IPv4" };
        let says = format!("{family} {address}: no answer");
        assert!(message.contains(&says), "{says}: {message}");
    }
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
