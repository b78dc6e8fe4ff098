//! Slow statements, servers that are full, throttled, read-only or stopped, functions that are ended:
//! each is healed within the invocation, or reported for what it is.

use engine::Engine;
use function_harness::event::{ADD, ITEMS};
use function_harness::{Deployed, Harness, until};
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

const SLOW_READ: &str = r#"{"statement":"slow-read"}"#;
const SLOW_WRITE: &str = r#"{"statement":"slow-write"}"#;

/// SQL for a value that takes `seconds`.
fn sleep(engine: Engine, seconds: u32) -> String {
    match engine {
        Engine::Postgres => format!("pg_sleep({seconds})::text"),
        Engine::MySql | Engine::MariaDb => format!("SLEEP({seconds})"),
    }
}

/// A statement that reads for `seconds`, and one that writes three times as long, with `options` above
/// them.
fn slow(engine: Engine, seconds: u32, options: &str) -> [(&'static str, String); 2] {
    let sleep = sleep(engine, seconds);
    [
        ("slow-read", format!("{options}SELECT {sleep} AS slept")),
        (
            "slow-write",
            // Three rows: when MySQL ends the statement, the first sleep returns as if it were over.
            format!(
                "{options}-- mode: write\n\
                 INSERT INTO items SELECT id + 90, CONCAT('x', {sleep}) FROM items"
            ),
        ),
    ]
}

fn borrowed<'a>(statements: &'a [(&'static str, String); 2]) -> [(&'static str, &'a str); 2] {
    statements.each_ref().map(|(name, sql)| (*name, sql.as_str()))
}

/// Fails unless the table is unchanged and the connection is new.
async fn assert_untouched(function: &Deployed<'_>, after: &str) {
    let response = function.ok(ITEMS).await;
    assert_eq!(response["row_count"], 3, "after {after}: {response}");
    assert_eq!(response["connection"]["reused"], false, "after {after}");
}

/// A statement that exceeds its time-out is ended on the server too, and an ended write is known not to
/// have been carried out.
pub async fn ended_on_the_server(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let statements = slow(engine, 30, "-- timeout: 400ms\n");
    let function = harness.deploy_with(&[], &borrowed(&statements)).await;
    let transaction = format!(r#"{{"transaction":[{ADD},{SLOW_WRITE}]}}"#);
    for event in [SLOW_READ, SLOW_WRITE, &transaction] {
        let message = function.fails(event, "Timeout").await;
        assert!(message.contains("slow-"), "{message}");
        until("the server has ended it", async || harness.running("slept").await == 0).await;
        until("the server has ended it", async || harness.running("INSERT").await == 0).await;
        assert_untouched(&function, event).await;
    }
}

/// A statement that is still running when the function must answer is ended within the remaining half
/// second.
pub async fn by_its_own_deadline(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let statements = slow(engine, 600, "");
    let statements = borrowed(&statements);
    let function = harness.deploy_as(&statements, |f| f.timeout(Duration::from_millis(2700))).await;
    for event in [SLOW_READ, SLOW_WRITE] {
        let message = function.fails(event, "Timeout").await;
        assert!(message.contains("slow-"), "{message}");
        until("the server has ended it", async || harness.running("600").await == 0).await;
        assert_untouched(&function, event).await;
    }
}

/// The server stops answering: a single write may have been carried out, a transaction without a COMMIT
/// was not, and a read changed nothing.
pub async fn outcomes(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let statements = slow(engine, 2, "");
    let statements = borrowed(&statements);
    let function = harness.deploy_as(&statements, |f| f.timeout(Duration::from_secs(6))).await;
    let transaction = format!(r#"{{"transaction":[{ADD},{SLOW_WRITE}]}}"#);
    for (event, error_type) in
        [(SLOW_READ, "Timeout"), (&transaction, "Timeout"), (SLOW_WRITE, "OutcomeUnknown")]
    {
        function.ok(ITEMS).await;
        let pause = async {
            let text = if event == SLOW_READ { "slept" } else { "INSERT INTO items SELECT" };
            until("it runs", async || harness.asleep(text).await == 1).await;
            harness.server.pause();
        };
        let (message, ()) = tokio::join!(function.fails(event, error_type), pause);
        assert!(message.contains("slow-"), "{message}");
        // A new connection is not answered either, and the error names the step.
        let message = function.fails(ITEMS, "Timeout").await;
        assert!(message.contains("TLS"), "{message}");
        harness.server.resume();
        if event != SLOW_WRITE {
            until("it is over", async || harness.running("INSERT").await == 0).await;
            assert_untouched(&function, event).await;
        }
    }
    // The server carried the write out when it was resumed.
    until("the write is there", async || function.ok(ITEMS).await["row_count"] == 6).await;
}

/// Makes the server refuse or accept writes, in open and new sessions.
async fn set_read_only(harness: &Harness, on: bool) {
    let on = if on { "on" } else { "off" };
    if harness.server.engine() == Engine::Postgres {
        harness.execute(&format!("ALTER SYSTEM SET default_transaction_read_only = {on}")).await;
        harness.execute("SELECT pg_reload_conf()").await;
        until("the setting is known", async || {
            let rows = harness.execute("SHOW default_transaction_read_only").await;
            rows[0][0].as_deref() == Some(on)
        })
        .await;
    } else {
        harness.execute(&format!("SET GLOBAL read_only = {on}")).await;
    }
}

/// A write on a read-only server is not carried out. It waits for one that takes it, and if none does in time,
/// the error says what was found; reads wait for nothing, on the same connection.
pub async fn read_only(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let slow = slow(engine, 2, "");
    let [slow_read, slow_write] = borrowed(&slow);
    let plain = ("plain", "-- mode: write\nINSERT INTO plain VALUES (1)");
    let statements = [slow_read, slow_write, plain];
    let patient = harness.deploy_as(&[], |function| function.max_concurrency(2)).await;
    let hurried = Duration::from_secs(4);
    let hurried = harness.deploy_limited(hurried, &[], &statements).await;
    patient.ok(ITEMS).await;
    hurried.ok(ITEMS).await;
    set_read_only(&harness, true).await;
    let events = [ADD.to_owned(), format!(r#"{{"transaction":[{ITEMS},{ADD}]}}"#)];
    for event in &events {
        let message = hurried.fails(event, "ServerReadOnly").await;
        for words in ["the writer's endpoint", "read_only is on", "each time in", "names no other"]
        {
            assert!(message.contains(words), "{event}: {message}");
        }
        let read = hurried.ok(ITEMS).await;
        assert_eq!(read["row_count"], 3, "{event}: {read}");
        assert_eq!(read["connection"]["reused"], true, "{event}: {read}");
    }
    set_read_only(&harness, false).await;
    if engine != Engine::Postgres {
        // PostgreSQL commits what has begun.
        let refused = async |event: &str, kind| {
            let stop = async {
                until("it runs", async || harness.asleep("slept").await == 1).await;
                set_read_only(&harness, true).await;
            };
            let (message, ()) = tokio::join!(hurried.fails(event, kind), stop);
            assert_eq!(hurried.ok(ITEMS).await["row_count"], 3);
            message
        };
        let event = format!(r#"{{"transaction":[{ADD},{SLOW_READ}]}}"#);
        let message = refused(&event, "ServerReadOnly").await;
        assert!(message.contains("nothing was changed"), "{message}");
        // What is in a table without transactions stays, and must not be written again.
        set_read_only(&harness, false).await;
        harness.execute("CREATE TABLE app.plain (id INT) ENGINE = MyISAM").await;
        let event = format!(r#"{{"transaction":[{{"statement":"plain"}},{ADD},{SLOW_READ}]}}"#);
        let message = refused(&event, "OutcomeUnknown").await;
        assert!(message.contains("tables without transactions was not rolled back"), "{message}");
        let written = harness.execute("SELECT COUNT(*) FROM app.plain").await;
        assert_eq!(written[0][0].as_deref(), Some("1"));
    }
    set_read_only(&harness, true).await;
    let allow = async {
        until("it waits", async || patient.logs().contains("nothing was run")).await;
        // A read of the same environment does not.
        let read = patient.ok(ITEMS).await;
        assert_eq!(read["row_count"], 3, "{read}");
        let still = harness.execute("SELECT name FROM items WHERE id = 4").await;
        assert!(still.is_empty(), "the write is over: {still:?}");
        set_read_only(&harness, false).await;
    };
    let (response, ()) = tokio::join!(patient.ok(ADD), allow);
    assert_eq!(response["rows_affected"], 1);
    assert_eq!(hurried.ok(ITEMS).await["row_count"], 4);
    // No more than one for each event at once: two, and one of the other function.
    until("no connection is left over", async || harness.connections().await <= 3).await;
}

/// After a failover, the open connection leads to a server that is now read-only, a new connection to
/// the writer. The write is carried out once, in the same invocation.
pub async fn failover(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let function = harness.deploy(&[("DB_CONNECT_TO", &address)]).await;
    let moved = Arc::new(AtomicBool::new(false));
    let failing_over = async {
        for count in 0.. {
            let (mut client, _) = listener.accept().await.unwrap();
            if count == 1 {
                // The name leads to the writer again.
                set_read_only(&harness, false).await;
                moved.store(true, Ordering::Relaxed);
            }
            let mut server = TcpStream::connect(harness.server.address()).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    };
    let scenario = async {
        function.ok(ITEMS).await;
        set_read_only(&harness, true).await;
        let response = function.ok(ADD).await;
        assert_eq!(response["rows_affected"], 1);
        assert_eq!(response["connection"]["reused"], false);
        assert!(moved.load(Ordering::Relaxed), "the write was not refused at first");
        assert_eq!(function.ok(ITEMS).await["row_count"], 4);
    };
    tokio::select! {
        () = scenario => {}
        () = failing_over => unreachable!("it accepts for ever"),
    }
}

/// None of this costs anything while nothing goes wrong: a warm invocation takes one round trip, with or
/// without its own time-out.
pub async fn one_round_trip(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let timed = ("timed", "-- timeout: 10s\nSELECT * FROM items");
    let function = harness.deploy_with(&[("DB_CONNECT_TO", &address)], &[timed]).await;
    let round_trips = AtomicUsize::new(0);
    let forwarding = async {
        let (client, _) = listener.accept().await.unwrap();
        let server = TcpStream::connect(harness.server.address()).await.unwrap();
        forward(client, server, &round_trips).await;
    };
    let scenario = async {
        for event in [ITEMS, r#"{"statement":"timed"}"#] {
            function.ok(event).await;
            // On a busy machine a second may pass between two invocations, which costs a check.
            until("four invocations take four round trips", async || {
                let before = round_trips.load(Ordering::Relaxed);
                for _ in 0..4 {
                    assert_eq!(function.ok(event).await["row_count"], 3);
                }
                let taken = round_trips.load(Ordering::Relaxed) - before;
                assert!(taken >= 4, "{taken} round trips for 4 invocations");
                taken == 4
            })
            .await;
        }
        // Writes take one each, and a transaction of three statements five.
        let mut id = 10;
        until("writes take as few", async || {
            let before = round_trips.load(Ordering::Relaxed);
            let mut add = || {
                id += 1;
                format!(r#"{{"statement":"add-item","params":[{id},"it's"]}}"#)
            };
            let alone = add();
            let together = format!(r#"{{"transaction":[{ITEMS},{},{}]}}"#, add(), add());
            function.ok(&alone).await;
            let write = round_trips.load(Ordering::Relaxed) - before;
            function.ok(&together).await;
            let transaction = round_trips.load(Ordering::Relaxed) - before - write;
            assert!(write >= 1 && transaction >= 5, "{write}, {transaction}");
            (write, transaction) == (1, 5)
        })
        .await;
    };
    tokio::select! {
        () = scenario => {}
        () = forwarding => panic!("the connection ended"),
    }
}

/// Forwards bytes between two ends, and counts how often the client sends after the server.
async fn forward(mut client: TcpStream, mut server: TcpStream, round_trips: &AtomicUsize) {
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let (mut questions, mut answers) = ([0; 4096], [0; 4096]);
    let mut server_spoke = true;
    loop {
        tokio::select! {
            read = client.read(&mut questions) => {
                let Ok(1..) = read else { return };
                server.write_all(&questions[..read.unwrap()]).await.unwrap();
                round_trips.fetch_add(usize::from(server_spoke), Ordering::Relaxed);
                server_spoke = false;
            }
            read = server.read(&mut answers) => {
                let Ok(1..) = read else { return };
                client.write_all(&answers[..read.unwrap()]).await.unwrap();
                server_spoke = true;
            }
        }
    }
}

/// A login to a full server is retried until there is room or time is up.
pub async fn no_room(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    harness
        .execute(match engine {
            Engine::Postgres => "ALTER ROLE lambda_user CONNECTION LIMIT 1",
            Engine::MySql | Engine::MariaDb => {
                "ALTER USER 'lambda-user'@'%' WITH MAX_USER_CONNECTIONS 1"
            }
        })
        .await;
    let first = harness.deploy(&[]).await;
    first.ok(ITEMS).await;
    let second = harness.deploy_as(&[], |f| f.timeout(Duration::from_secs(6))).await;
    let message = second.fails(ITEMS, "Login.Refused").await;
    assert!(message.contains("attempts"), "{message}");
    assert!(message.contains("reserved concurrency"), "{message}");
    let attempts = || second.logs().matches("the login failed; retrying").count();
    let before = attempts();
    let make_room = async {
        until("it was refused", async || attempts() > before).await;
        first.kill();
    };
    let (response, ()) = tokio::join!(second.ok(ITEMS), make_room);
    assert_eq!(response["row_count"], 3);
}

/// A login above RDS's cap looks like a denied one: it is retried a few times, with a while between them.
pub async fn throttled(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let iam = harness.server.iam();
    iam.set_connection_cap(Some(0));
    let function = harness.deploy(&[]).await;
    let message = function.fails(ITEMS, "Login.Denied").await;
    assert!(message.contains("(denied 4 times in "), "{message}");
    assert!(message.contains("fails or throttles now and then"), "{message}");
    let refused = iam.refusals().len();
    let lift = async {
        until("it was refused", async || iam.refusals().len() > refused).await;
        iam.set_connection_cap(None);
    };
    let (response, ()) = tokio::join!(function.ok(ITEMS), lift);
    assert_eq!(response["row_count"], 3);
    assert_eq!(iam.refusals().len(), refused + 1);
}

/// A statement that commits implicitly cannot be part of a transaction: MySQL's is refused before
/// anything is durable, and a procedure's commit is reported. PostgreSQL rolls back even a new table.
pub async fn implicit_commit(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let create = ("create", "-- mode: write\nCREATE TABLE made (id INT)");
    let call = ("call", "-- mode: write\nCALL commits()");
    let made = ("made", "SELECT * FROM made");
    let function = harness.deploy_with(&[], &[create, call, made]).await;
    if engine == Engine::Postgres {
        let again = r#"{"statement":"add-item","params":[1,"again"]}"#;
        let event = format!(r#"{{"transaction":[{{"statement":"create"}},{again}]}}"#);
        function.fails(&event, "Query").await;
    } else {
        let event = format!(r#"{{"transaction":[{ADD},{{"statement":"create"}}]}}"#);
        let message = function.fails(&event, "Statement").await;
        assert!(message.contains("would commit"), "{message}");
        assert_eq!(function.ok(ITEMS).await["row_count"], 3);

        harness.execute("CREATE PROCEDURE app.commits() COMMIT").await;
        let event = format!(r#"{{"transaction":[{ADD},{{"statement":"call"}}]}}"#);
        let message = function.fails(&event, "OutcomeUnknown").await;
        assert!(message.contains("ended the transaction"), "{message}");
        assert_eq!(function.ok(ITEMS).await["row_count"], 4);
    }
    let message = function.fails(r#"{"statement":"made"}"#, "Query").await;
    assert!(message.contains("made"), "{message}");
}

/// The lock of an exclusive statement ends when its function is killed.
pub async fn lock_freed_by_crash(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let sleep = sleep(engine, 4);
    let slow = format!("-- exclusive: true\nSELECT {sleep} AS slept");
    let first = harness.deploy_with(&[], &[("job", &slow)]).await;
    let second = harness.deploy_with(&[], &[("job", "-- exclusive: true\nSELECT 1 AS one")]).await;
    let event = r#"{"statement":"job"}"#;
    let crash = async {
        until("it runs", async || harness.asleep("slept").await == 1).await;
        assert_eq!(second.ok(event).await["skipped"], true);
        first.kill();
    };
    let (crashed, ()) = tokio::join!(first.invoke(event), crash);
    crashed.expect_err("it was killed");
    until("the lock is free", async || {
        let response: Value = second.ok(event).await;
        response["row_count"] == 1
    })
    .await;
}

/// Managed Instances send several events at once: each has its own connection, there are never more
/// connections than events, and they are kept.
pub async fn side_by_side(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let slow = slow(engine, 2, "");
    let function = harness.deploy_as(&borrowed(&slow), |f| f.max_concurrency(3)).await;
    function.ok(ITEMS).await;
    assert_eq!(harness.connections().await, 1, "opened as needed");
    let watch = async {
        until("three run at once", async || harness.asleep("slept").await == 3).await;
        assert_eq!(harness.connections().await, 3);
    };
    tokio::join!(function.ok(SLOW_READ), function.ok(SLOW_READ), function.ok(SLOW_READ), watch);
    for _ in 0..5 {
        let (one, two, three) =
            tokio::join!(function.ok(ITEMS), function.ok(ITEMS), function.ok(ITEMS));
        for response in [one, two, three] {
            assert_eq!(response["row_count"], 3);
            assert_eq!(response["connection"]["reused"], true);
        }
    }
    assert_eq!(harness.connections().await, 3);
}

/// A function that Lambda shuts down closes its connection cleanly.
pub async fn farewell(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    function.ok(ITEMS).await;
    assert_eq!(harness.connections().await, 1);
    harness.shut_down().await;
    let logs = function.logs();
    assert!(logs.contains("closed the connections"), "{logs}");
    until("the connection is gone", async || harness.connections().await == 0).await;
    if engine != Engine::Postgres {
        let aborted = harness.execute("SHOW GLOBAL STATUS LIKE 'Aborted_clients'").await;
        assert_eq!(aborted[0][1].as_deref(), Some("0"), "it did not close its connection");
    }
}
