//! Each fault, as seen by client and server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use fault_proxy::{At, Condition, Cut, Direction, Ending, Kind, Place, Protocol, Proxy};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

/// Three records, of 10 bytes each.
const RECORDS: [&[u8]; 3] = [
    &[22, 3, 1, 0, 5, 1, 1, 1, 1, 1],
    &[20, 3, 3, 0, 5, 2, 2, 2, 2, 2],
    &[23, 3, 3, 0, 5, 3, 3, 3, 3, 3],
];
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);
const MOMENT: Duration = Duration::from_millis(100);

struct Ends {
    proxy: Proxy,
    listener: TcpListener,
}

impl Ends {
    async fn start() -> Ends {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap(), Protocol::MySql).await.unwrap();
        Ends { proxy, listener }
    }

    /// A connection, by its two ends.
    async fn connect(&self) -> (TcpStream, TcpStream) {
        let client = TcpStream::connect(self.proxy.address()).await.unwrap();
        let (server, _) = timeout(EVENT_TIMEOUT, self.listener.accept()).await.unwrap().unwrap();
        (client, server)
    }
}

/// Everything that arrives until the end, and whether the end is a reset.
async fn read(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let end = timeout(EVENT_TIMEOUT, stream.read_to_end(&mut all)).await.expect("it ends");
    let reset = end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
    (all, reset)
}

/// Whether nothing arrives for a moment.
async fn is_silent(stream: &mut TcpStream) -> bool {
    timeout(MOMENT, stream.read(&mut [0; 1])).await.is_err()
}

#[tokio::test]
async fn what_passes_is_whole_and_recorded() {
    let ends = Ends::start().await;
    let (mut client, mut server) = ends.connect().await;
    client.write_all(&RECORDS.concat()).await.unwrap();
    let mut start = [0; 10];
    server.read_exact(&mut start).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read(&mut server).await, (RECORDS[1..].concat(), false));
    let mark = ends.proxy.mark();
    server.write_all(RECORDS[0]).await.unwrap();
    drop(server);
    assert_eq!(read(&mut client).await, (RECORDS[0].to_vec(), false));

    let kinds: Vec<_> = ends.proxy.messages().iter().map(|message| message.kind).collect();
    let sent = [Kind::Handshake, Kind::ChangeCipherSpec, Kind::Application];
    assert_eq!(kinds, [&sent[..], &[Kind::Handshake]].concat());
    let [after] = mark.since()[..] else { panic!("{:?}", mark.since()) };
    assert_eq!((after.direction, after.length), (Direction::ToClient, 10));
}

#[tokio::test]
async fn a_cut_comes_where_it_was_set() {
    let ends = Ends::start().await;
    let places = Place::ALL.into_iter().zip([10, 11, 15, 20]);
    let messages = places.map(|(place, passes)| (At::Message(1, place), passes));
    let bytes = [(At::Bytes(0), 0), (At::Bytes(1), 1), (At::Bytes(17), 17)];
    for (at, passes) in messages.chain(bytes) {
        // On an open connection, the first record has passed when the cut is set.
        for is_open in [false, true] {
            let cut = Cut { direction: Direction::ToServer, at, ending: Ending::Close };
            if !is_open {
                ends.proxy.cut_next(cut);
            }
            let (mut client, mut server) = ends.connect().await;
            if is_open {
                client.write_all(RECORDS[0]).await.unwrap();
                server.read_exact(&mut [0; 10]).await.unwrap();
                ends.proxy.cut_open(cut);
            }
            assert!(ends.proxy.awaits_cut());
            // In one piece or in many.
            if is_open {
                client.write_all(&RECORDS.concat()).await.unwrap();
            } else {
                for byte in RECORDS.concat() {
                    let _ = client.write_all(&[byte]).await;
                    tokio::task::yield_now().await;
                }
            }
            let (arrived, _) = read(&mut server).await;
            assert_eq!(arrived, RECORDS.concat()[..passes], "{at:?}, open: {is_open}");
            assert!(!ends.proxy.awaits_cut());
        }
    }
}

#[tokio::test]
async fn each_ending_is_what_it_says() {
    let ends = Ends::start().await;
    let cut = |ending| Cut { direction: Direction::ToServer, at: At::Bytes(5), ending };
    for (ending, reset) in [(Ending::Reset, true), (Ending::Close, false)] {
        ends.proxy.cut_next(cut(ending));
        let (mut client, mut server) = ends.connect().await;
        client.write_all(RECORDS[0]).await.unwrap();
        assert_eq!(read(&mut client).await, (vec![], reset), "{ending:?}");
        assert_eq!(read(&mut server).await.1, reset, "{ending:?}");
    }

    ends.proxy.cut_next(cut(Ending::HalfClose));
    let (mut client, mut server) = ends.connect().await;
    client.write_all(RECORDS[0]).await.unwrap();
    assert_eq!(read(&mut server).await, (RECORDS[0][..5].to_vec(), false));
    server.write_all(b"still there").await.unwrap();
    drop(server);
    assert_eq!(read(&mut client).await, (b"still there".to_vec(), false));

    ends.proxy.cut_next(cut(Ending::Freeze));
    let (mut client, mut server) = ends.connect().await;
    client.write_all(RECORDS[0]).await.unwrap();
    server.read_exact(&mut [0; 5]).await.unwrap();
    server.write_all(b"unheard").await.unwrap();
    assert!(is_silent(&mut client).await && is_silent(&mut server).await);
    ends.proxy.sever(Ending::Reset);
    assert_eq!(read(&mut client).await, (vec![], true));
}

#[tokio::test]
async fn conditions_change_while_it_runs() {
    let ends = Ends::start().await;
    let (mut client, mut server) = ends.connect().await;

    ends.proxy.set(Condition::Freeze);
    client.write_all(b"a").await.unwrap();
    assert!(is_silent(&mut server).await);
    ends.proxy.set(Condition::Clear);
    assert_eq!(server.read_u8().await.unwrap(), b'a');

    ends.proxy.set(Condition::Swallow(Direction::ToServer));
    client.write_all(b"b").await.unwrap();
    assert!(is_silent(&mut server).await);
    server.write_all(b"c").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'c');

    let start = Instant::now();
    ends.proxy.set(Condition::Delay(MOMENT));
    client.write_all(b"d").await.unwrap();
    assert_eq!(server.read_u8().await.unwrap(), b'd', "what was swallowed is lost");
    assert!(start.elapsed() >= MOMENT);

    let start = Instant::now();
    ends.proxy.set(Condition::Bandwidth(1000));
    client.write_all(&[0; 100]).await.unwrap();
    server.read_exact(&mut [0; 100]).await.unwrap();
    assert!(start.elapsed() >= MOMENT * 9 / 10);

    ends.proxy.set(Condition::Refuse);
    let refused = TcpStream::connect(ends.proxy.address()).await;
    if let Ok(mut refused) = refused {
        assert_eq!(read(&mut refused).await, (vec![], true));
    }
    ends.proxy.set(Condition::BlackHole);
    let mut ignored = TcpStream::connect(ends.proxy.address()).await.unwrap();
    assert!(is_silent(&mut ignored).await);
    server.write_all(b"e").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'e', "an open connection goes on");
    assert_eq!((ends.proxy.open(), ends.proxy.accepted()), (1, 3));

    drop(ends);
    assert_eq!(client.read(&mut [0; 1]).await.unwrap_or(0), 0, "it outlives the proxy");
}

/// Nobody who knocks at a shut door is answered or counted, and who goes on knocking gets in.
#[tokio::test]
async fn an_unanswered_client_gets_in_later() {
    let ends = Ends::start().await;
    let (mut client, mut server) = ends.connect().await;
    for _ in 0..2 {
        ends.proxy.set(Condition::Unanswered);
        client.write_all(b"a").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'a', "an open connection goes on");
        let accepted = ends.proxy.accepted();
        let mut late = std::pin::pin!(ends.connect());
        assert!(timeout(3 * MOMENT, &mut late).await.is_err(), "it was answered");
        assert_eq!(ends.proxy.accepted(), accepted);
        ends.proxy.set(Condition::Clear);
        let (mut late, mut server) = timeout(EVENT_TIMEOUT, late).await.expect("it gets in");
        late.write_all(b"b").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'b');
        assert_eq!(ends.proxy.accepted(), accepted + 1);
    }
}

/// What the client sends after its first encrypted record, the end of the TLS handshake, is a login.
#[tokio::test]
async fn a_login_is_held_back() {
    let ends = Ends::start().await;
    ends.proxy.set(Condition::HoldLogins);
    let (mut client, mut server) = ends.connect().await;
    let login = [&RECORDS.concat(), RECORDS[2]].concat();
    client.write_all(&login).await.unwrap();
    let mut handshake = [0; 30];
    server.read_exact(&mut handshake).await.unwrap();
    assert_eq!(handshake[..], login[..30]);
    assert!(is_silent(&mut server).await);
    server.write_all(b"a").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'a', "the server is heard");
    ends.proxy.set(Condition::Clear);
    server.read_exact(&mut handshake[..10]).await.unwrap();
    assert_eq!(handshake[..10], *RECORDS[2]);
}

#[tokio::test]
async fn a_server_that_is_away_refuses() {
    let Ends { proxy, listener } = Ends::start().await;
    drop(listener);
    if let Ok(mut client) = TcpStream::connect(proxy.address()).await {
        assert_eq!(read(&mut client).await, (vec![], true));
    }
}

/// The server may still get a connection that was accepted before the proxy refused them.
#[tokio::test]
async fn a_connection_is_open_from_its_acceptance() {
    let ends = Ends::start().await;
    let _first = TcpStream::connect(ends.proxy.address()).await.unwrap();
    while ends.proxy.accepted() == 0 {
        tokio::task::yield_now().await;
    }
    ends.proxy.set(Condition::Refuse);
    assert_eq!(ends.proxy.open(), 1);
    timeout(EVENT_TIMEOUT, ends.listener.accept()).await.unwrap().unwrap();
    while ends.proxy.open() > 0 {
        ends.proxy.sever(Ending::Close);
        tokio::task::yield_now().await;
    }

    ends.proxy.set(Condition::Clear);
    let Ends { proxy, listener } = ends;
    drop(listener);
    let mut nowhere = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(read(&mut nowhere).await, (Vec::new(), true));
    assert_eq!((proxy.open(), proxy.accepted()), (0, 2));
}

#[tokio::test]
async fn a_name_that_moves_leads_new_connections_elsewhere() {
    let ends = Ends::start().await;
    let (mut client, mut server) = ends.connect().await;
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    ends.proxy.move_to(other.local_addr().unwrap());
    client.write_all(RECORDS[0]).await.unwrap();
    server.read_exact(&mut [0; 10]).await.unwrap();

    let mut client = TcpStream::connect(ends.proxy.address()).await.unwrap();
    let (mut moved, _) = timeout(EVENT_TIMEOUT, other.accept()).await.unwrap().unwrap();
    client.write_all(RECORDS[1]).await.unwrap();
    moved.read_exact(&mut [0; 10]).await.unwrap();
    assert!(is_silent(&mut server).await);
}
