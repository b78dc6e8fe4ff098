//! Connections: healed, reused, restored, and as many as events.

use engine::Engine;
use function_harness::{Harness, until};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::sent::{count, last, pid, sleeping, steps};

/// A connection that the server has ended is replaced, also for the first statement of a transaction,
/// and nothing is done twice.
pub(crate) async fn connection_gone(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    for (number, taken) in
        [&["count"][..], &["add 4"], &["begin", "add 5", "commit"]].into_iter().enumerate()
    {
        let before = pid(&function).await;
        end(&harness, &before).await;
        // Longer than a connection is used without a check.
        sleep(Duration::from_millis(1500)).await;
        function.ok(&steps(taken)).await;
        assert_ne!(pid(&function).await, before);
        assert_eq!(count(&function).await, 3 + number);
    }
    // In the middle of a transaction, it is over.
    let id = pid(&function).await;
    let event = steps(&["begin", "add 9", "?sleep 20", "?add 10", "?commit", "count"]);
    let cut = async {
        until("it sleeps", async || harness.asleep(sleeping(engine)).await == 1).await;
        end(&harness, &id).await;
    };
    let (answers, ()) = tokio::join!(function.ok(&event), cut);
    assert_eq!(answers[1]["error"], "ConnectionLost", "{answers:#}");
    assert_eq!(answers[2]["error"], "Internal", "{answers:#}");
    assert_eq!(answers[3]["error"], "Internal", "{answers:#}");
    assert_eq!(answers[4], 5, "{answers:#}");
}

/// Ends a connection on the server.
async fn end(harness: &Harness, id: &Value) {
    let (sql, seen) = match harness.server.engine() {
        Engine::Postgres => (
            format!("SELECT pg_terminate_backend({id})"),
            format!("SELECT 1 FROM pg_stat_activity WHERE pid = {id}"),
        ),
        _ => (
            format!("KILL {id}"),
            format!("SELECT 1 FROM information_schema.processlist WHERE id = {id}"),
        ),
    };
    harness.execute(&sql).await;
    until("the connection has ended", async || harness.execute(&seen).await.is_empty()).await;
}

/// What a statement or a transaction sets ends with it.
pub(crate) async fn session(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    for change in [&["set"][..], &["temporary"], &["begin", "temporary", "commit"]] {
        let taken = [change, &["count"]].concat();
        assert_eq!(last(&function, &taken).await, 3, "{taken:?}: in the same invocation");
        assert_eq!(count(&function).await, 3, "{taken:?}: in the next");
    }
}

/// Several events at once have a connection each, and keep them.
pub(crate) async fn side_by_side(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy_as(&[], |function| function.max_concurrency(3)).await;
    let slow = |id| steps(&["begin", &format!("add {id}"), "sleep 2", "commit"]);
    let (one, two, three) = (slow(11), slow(12), slow(13));
    let watch = async {
        until("three are open", async || harness.connections().await == 3).await;
    };
    tokio::join!(function.ok(&one), function.ok(&two), function.ok(&three), watch);
    assert_eq!(count(&function).await, 6);
    assert_eq!(harness.connections().await, 3, "no more than events");
}

/// A call costs what an event that names a statement costs: one round trip, and a transaction of two
/// statements four.
pub(crate) async fn one_round_trip(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let function = harness.deploy(&[("DB_CONNECT_TO", &address)]).await;
    let round_trips = AtomicUsize::new(0);
    let forwarding = async {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(harness.server.address()).await.unwrap();
        forward(client, server, &round_trips).await;
    };
    let scenario = async {
        let mut id = 10;
        until("calls take as few", async || {
            id += 3;
            let adds = [id, id + 1, id + 2].map(|id| format!("add {id}"));
            let taken = async |event: String| {
                let before = round_trips.load(Ordering::Relaxed);
                function.ok(&event).await;
                round_trips.load(Ordering::Relaxed) - before
            };
            let read = taken(steps(&["count", "count"])).await;
            let write = taken(steps(&[&adds[0]])).await;
            let transaction = taken(steps(&["begin", &adds[1], &adds[2], "commit"])).await;
            (read, write, transaction) == (2, 1, 4)
        })
        .await;
    };
    tokio::select! {
        () = forwarding => panic!("the connection was closed"),
        () = scenario => {}
    }
}

/// Forwards bytes, and counts how often the client speaks after the server.
async fn forward(mut client: TcpStream, mut server: TcpStream, round_trips: &AtomicUsize) {
    let (mut from_client, mut from_server) = ([0; 1 << 16], [0; 1 << 16]);
    let mut servers_turn = false;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(count @ 1..) = read else { return };
                if !std::mem::replace(&mut servers_turn, true) {
                    round_trips.fetch_add(1, Ordering::Relaxed);
                }
                server.write_all(&from_client[..count]).await.unwrap();
            }
            read = server.read(&mut from_server) => {
                let Ok(count @ 1..) = read else { return };
                servers_turn = false;
                client.write_all(&from_server[..count]).await.unwrap();
            }
        }
    }
}
