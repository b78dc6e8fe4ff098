//! A cold start: how many round trips a login takes, and a function that only reads while its reader is away.

use engine::Engine;
use fault_proxy::{Condition, Direction, Message};
use function_harness::event::ITEMS;
use function_harness::{ClusterHarness, Harness, faults};
use local_rds::Cluster;
use std::fs;
use std::time::Duration;
use tempfile::TempDir;

use crate::moving::{WHERE, is_at, port, where_statement};

const TIMEOUT: Duration = Duration::from_secs(30);
/// It needs no connection: when it is answered, the login before the first event has ended.
const UNKNOWN: &str = r#"{"statement":"unknown"}"#;

/// The round trips of a login, from the request for TLS to the session, and of a first statement. PostgreSQL is
/// asked for TLS, TLS, for the way of authentication, and with the token. MySQL and MariaDB are asked for TLS
/// together with TLS, for the way of authentication, with the token, and for the session's settings.
const EXPECTED: [usize; 2] = [4, 1];

/// How often a login is tried.
const TRIES: usize = 10;

/// How often the client sends something after the server.
fn round_trips(messages: &[Message]) -> usize {
    let directions: Vec<_> = messages.iter().map(|message| message.direction).collect();
    let turns =
        directions.windows(2).filter(|two| *two == [Direction::ToClient, Direction::ToServer]);
    turns.count() + usize::from(directions.first() == Some(&Direction::ToServer))
}

/// A login takes as many round trips as the protocols need.
pub async fn as_few_round_trips(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let proxy = faults::proxy(&harness).await;
    let address = proxy.address().to_string();
    let mut taken = [0; 2];
    // Where a machine is busy, a TLS ticket may come between two messages of the client.
    for _ in 0..TRIES {
        let function = harness.deploy(&[("DB_CONNECT_TO", &address)]).await;
        function.fails(UNKNOWN, "Statement").await;
        let (login, mark) = (round_trips(&proxy.messages()), proxy.mark());
        function.ok(ITEMS).await;
        taken = [login, round_trips(&mark.since())];
        if taken == EXPECTED {
            break;
        }
    }
    assert_eq!(taken, EXPECTED);
}

/// A connection to the reader is opened when something first reads, and before the first event by a function
/// that only reads. If the reader is away then, the writer answers, and the first event does not wait for the
/// reader again.
pub async fn at_a_reader(engine: Engine, bootstrap: &str) {
    let rig = ClusterHarness::start(Cluster::builder(engine), bootstrap).await;
    let (writer, reader) = (rig.cluster.writer(), rig.cluster.reader());
    let folder = TempDir::with_prefix("reads-").unwrap();
    let (name, sql) = where_statement(engine);
    fs::write(folder.path().join(format!("{name}.sql")), sql).unwrap();
    let folder = folder.path().display().to_string();
    let readers = ("DB_READER_HOST", rig.cluster.reader_endpoint());
    let only_reads = [("STATEMENTS_DIR", &*folder), readers];
    let accepted = || [&writer, &reader].map(|server| rig.proxy(server).accepted());

    // Both are there: the one connection is the reader's.
    let function = rig.deploy(TIMEOUT, &[], &only_reads).await;
    assert!(is_at(port(&function.ok(WHERE).await), reader), "{}", function.logs());
    assert_eq!(accepted(), [0, 1], "{}", function.logs());
    let function = rig.deploy(TIMEOUT, &[(name, sql)], &[readers]).await;
    function.fails(UNKNOWN, "Statement").await;
    assert_eq!(accepted(), [1, 1], "nothing has read: {}", function.logs());
    assert!(is_at(port(&function.ok(WHERE).await), reader), "{}", function.logs());
    assert_eq!(accepted(), [1, 2], "{}", function.logs());

    // The reader is away: it is tried once, before the first event.
    rig.proxy(reader).set(Condition::BlackHole);
    let function = rig.deploy(TIMEOUT, &[], &only_reads).await;
    let response = function.ok(WHERE).await;
    assert!(is_at(port(&response), writer), "{response}\n{}", function.logs());
    assert_eq!(accepted(), [2, 3], "{}", function.logs());
    assert!(function.logs().contains("the writer answers"), "{}", function.logs());
}
