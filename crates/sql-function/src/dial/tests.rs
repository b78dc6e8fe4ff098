//! Races to real sockets: dead, refusing, missing and late.

use super::*;
use std::future::ready;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::join;

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(10))
}

fn within(seconds: f64) -> Deadline {
    Deadline::after(Duration::from_secs_f64(seconds))
}

fn at(address: SocketAddr) -> DialAddress {
    address.to_string().parse().unwrap()
}

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A port on which `live` listen and `dead` do not answer.
async fn port(live: &[&str], dead: &[&str]) -> (DialAddress, Vec<Box<dyn std::any::Any>>) {
    'ports: loop {
        let (first, mut kept) = full_backlog(&format!("{}:0", dead[0])).await;
        for ip in &dead[1..] {
            let (_, more) = full_backlog(&format!("{ip}:{}", first.port())).await;
            kept.extend(more);
        }
        for ip in live {
            let Ok(listener) = TcpListener::bind(format!("{ip}:{}", first.port())) else {
                continue 'ports;
            };
            kept.push(Box::new(listener));
        }
        return (at(first), kept);
    }
}

#[tokio::test]
async fn a_listening_port_is_reached_without_delay() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let start = Instant::now();
    let stream = dial(&at(listener.local_addr().unwrap()), soon()).await.unwrap();
    assert!(stream.nodelay().unwrap());
    assert!(start.elapsed() < STAGGER, "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_name_say_which_step_failed() {
    // Bound and not listening: refused, and nobody else's.
    let closed = tokio::net::TcpSocket::new_v4().unwrap();
    closed.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let error = dial(&at(closed.local_addr().unwrap()), soon()).await.unwrap_err();
    assert_eq!((error.error_type(), error.cause()), ("Connect.Tcp", Some(Cause::PortRefused)));
    assert!(error.report().contains("IPv4 127.0.0.1: Connection refused"), "{}", error.report());

    let error = dial(&"no-such-host.invalid:1".parse().unwrap(), soon()).await.unwrap_err();
    assert_eq!((error.error_type(), error.cause()), ("Connect.Dns", Some(Cause::NameUnresolved)));
    assert!(error.report().contains("no-such-host.invalid"), "{}", error.report());
    assert!(!error.is_transient());
}

#[tokio::test]
async fn a_dead_address_costs_a_quarter_of_a_second() {
    for (live, dead) in [("127.0.0.1", "[::1]"), ("[::1]", "127.0.0.1"), ("127.7.0.2", "127.7.0.1")]
    {
        let (address, _kept) = port(&[live], &[dead]).await;
        let (live, dead) = (live.trim_matches(['[', ']']), dead.trim_matches(['[', ']']));
        let start = Instant::now();
        let stream = connect(&address, &ips(&[dead, live]), soon()).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap().ip().to_string(), live);
        let took = start.elapsed();
        assert!((STAGGER..STAGGER * 3).contains(&took), "{live}: {took:?}");
    }
}

#[tokio::test]
async fn an_address_that_fails_costs_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = at(listener.local_addr().unwrap());
    let start = Instant::now();
    // Refused, without a route, and a family in which this network has no address.
    let tried = ips(&["127.8.0.1", "224.0.0.1", "ff0e::1", "127.0.0.1"]);
    let stream = connect(&address, &tried, soon()).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap().ip().to_string(), "127.0.0.1");
    assert!(start.elapsed() < STAGGER, "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_error_names_what_each_address_did() {
    let (address, _kept) = port(&[], &["127.9.0.1"]).await;
    let tried = ips(&["127.9.0.1", "::1"]);
    let error = connect(&address, &tried, within(0.6)).await.unwrap_err();
    let report = error.report();
    assert!(report.contains("IPv4 127.9.0.1: no answer for 0.6 s"), "{report}");
    assert!(report.contains("IPv6 ::1: Connection refused"), "{report}");
    assert_eq!(error.cause(), Some(Cause::PortRefused));
}

/// The kernel would repeat its SYN after 1, 3 and 7 seconds.
#[tokio::test]
async fn a_server_that_resumes_is_reached_soon() {
    let (address, mut kept) = port(&[], &["127.0.0.1"]).await;
    let start = Instant::now();
    let resume = async {
        sleep(Duration::from_millis(3500)).await;
        kept.truncate(1); // the listener
        let listener = kept[0].downcast_ref::<tokio::net::TcpListener>().unwrap();
        for _ in 0..2 {
            let _ = listener.accept().await;
        }
        // What was queued is accepted; the next is the race's.
        drop(listener.accept().await);
    };
    let (stream, ()) = join!(dial(&address, within(20.0)), resume);
    stream.unwrap();
    let took = start.elapsed().as_secs_f64();
    assert!((3.5..6.9).contains(&took), "{took}");
}

/// Each attempt that is open when a server begins to accept is a client of it, and all but one leave.
#[tokio::test]
async fn while_nobody_answers_two_attempts_are_open_at_an_address() {
    let (address, _kept) = port(&[], &["127.0.0.1"]).await;
    // From here on the clock goes on as soon as all wait.
    tokio::time::pause();
    let mut race = Race::among(&address, &ips(&["127.0.0.1"]));
    let mut open = vec![];
    for _ in 0..60 {
        let silence = timeout(Duration::from_secs(1), race.winner(Deadline::after(ROUND * 100)));
        assert!(silence.await.is_err());
        open.push(race.open.len());
    }
    assert_eq!((open[0], open.iter().max()), (1, Some(&2)), "{open:?}");
}

#[tokio::test]
async fn the_family_whose_server_answered_last_begins() {
    let (address, _kept) = port(&["127.0.0.1", "[::1]"], &["127.6.0.1"]).await;
    let preference = Preference::default();
    let connect = async || {
        let found = in_turn(&ips(&["::1", "127.0.0.1"]), preference.family());
        let stream = Race::among(&address, &found).winner(soon()).await.unwrap();
        stream.peer_addr().unwrap().ip()
    };
    let six = connect().await;
    assert!(six.is_ipv6(), "in the resolver's order");
    // It opens connections, and answers no login.
    let login = preference.learn(six, pending::<Result<(), ()>>(), |()| true);
    assert!(timeout(STAGGER, login).await.is_err());
    for _ in 0..2 {
        let four = connect().await;
        assert!(four.is_ipv4(), "it answered no login");
        preference.learn(four, ready(Ok::<_, ()>(())), |()| true).await.unwrap();
    }
}

/// An attempt of a driver at `ip`, which counts its connections and says when it has one.
async fn drive(address: &DialAddress, ip: IpAddr, open: &AtomicUsize) -> TcpStream {
    let stream = TcpStream::connect((ip, address.port())).await.unwrap();
    open.fetch_add(1, Ordering::Relaxed);
    stream
}

#[tokio::test]
async fn an_attempt_that_is_through_is_not_raced() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = at(listener.local_addr().unwrap());
    let open = AtomicUsize::new(0);
    let found = ips(&["127.0.0.1", "127.0.0.2"]);
    let mut race = Race::among(&address, &found);
    let ip = race.take_next().unwrap();
    // It is open at once, and its login takes long.
    let attempt = async {
        let _stream = drive(&address, ip, &open).await;
        sleep(STAGGER * 8).await;
    };
    assert!(matches!(race.beside(ip, soon(), attempt).await, Ok(Beside::Ended(()))));
    let _first = listener.accept().await.unwrap();
    let second = timeout(STAGGER, listener.accept()).await;
    assert!(second.is_err(), "MySQL counts clients that leave during the handshake");
}

#[tokio::test]
async fn an_attempt_that_hangs_is_overtaken() {
    for (live, dead) in [("127.0.0.1", "[::1]"), ("[::1]", "127.0.0.1")] {
        let (address, _kept) = port(&[live], &[dead]).await;
        let found = ips(&[dead.trim_matches(['[', ']']), live.trim_matches(['[', ']'])]);
        let open = AtomicUsize::new(0);
        let mut race = Race::among(&address, &found);
        let ip = race.take_next().unwrap();
        let start = Instant::now();
        let Ok(Beside::Overtaken(next)) = race.beside(ip, soon(), drive(&address, ip, &open)).await
        else {
            panic!("{dead} does not answer")
        };
        assert!(start.elapsed() < STAGGER * 3, "{:?}", start.elapsed());
        assert_eq!(next, found[1]);
        assert!(matches!(
            race.beside(next, soon(), drive(&address, next, &open)).await,
            Ok(Beside::Ended(_))
        ));
        assert_eq!(open.load(Ordering::Relaxed), 1);
        let silent = race.silent_family(next).unwrap_or_default();
        assert!(silent.contains(&found[0].to_string()), "{silent}");
    }
}

#[tokio::test]
async fn a_hanging_attempt_at_the_only_address_is_told_as_tcp() {
    let (address, _kept) = port(&[], &["127.0.0.1"]).await;
    let mut race = Race::among(&address, &ips(&["127.0.0.1"]));
    let ip = race.take_next().unwrap();
    let open = AtomicUsize::new(0);
    let attempt = drive(&address, ip, &open);
    let Err(error) = race.beside(ip, within(3.6), async { drop(attempt.await) }).await else {
        panic!("nothing answers")
    };
    assert_eq!((error.error_type(), error.cause()), ("Connect.Tcp", Some(Cause::TcpSilent)));
    assert!(error.report().contains("IPv4 127.0.0.1: no answer for 3.6 s"), "{}", error.report());
    assert!(error.is_transient());
}

#[tokio::test]
async fn an_open_connection_without_a_login_is_told_as_a_login() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = at(listener.local_addr().unwrap());
    let mut race = Race::among(&address, &ips(&["127.0.0.1"]));
    let ip = race.take_next().unwrap();
    let attempt = async {
        let _stream = drive(&address, ip, &AtomicUsize::new(0)).await;
        pending::<()>().await;
    };
    let Err(error) = race.beside(ip, within(0.6), attempt).await else { panic!("it hangs") };
    assert_eq!(error.error_type(), "Timeout");
    assert!(error.report().contains("TLS and login"), "{}", error.report());
}

/// A failover while nobody answers: the name leads elsewhere.
#[tokio::test]
async fn addresses_that_the_name_has_later_join() {
    let (address, _kept) = port(&["127.0.0.2"], &["127.0.0.1"]).await;
    let mut race = Race::among(&address, &ips(&["127.0.0.1"]));
    // What the name has when it is asked again.
    race.question = Some(Question::new("127.0.0.2"));
    let start = Instant::now();
    let stream = race.winner(soon()).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap().ip().to_string(), "127.0.0.2");
    let took = start.elapsed();
    assert!((ROUND..ROUND + STAGGER * 3).contains(&took), "{took:?}");
    assert_eq!(race.known, ips(&["127.0.0.2"]));
}

#[tokio::test]
async fn nothing_is_waited_for_longer_than_the_deadline() {
    let (address, _kept) = port(&[], &["127.0.0.1", "127.0.0.2"]).await;
    let found = ips(&["127.0.0.1", "127.0.0.2"]);
    let start = Instant::now();
    for left in [0.0, 0.1, 0.4] {
        let error = connect(&address, &found, within(left)).await.unwrap_err();
        assert_eq!(error.error_type(), "Connect.Tcp");
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}
