//! Reads on a cluster's reader, everything else on its writer.

mod away;

pub use away::away;

use engine::Engine;
use function_harness::faults::{connections, query};
use function_harness::{ClusterHarness, Deployed, until};
use local_rds::{Cluster, Server};
use std::time::{Duration, Instant};

use crate::moving::{WHERE, is_at, port, where_statement};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Not enough for a writer that is not found.
const HURRIED: Duration = Duration::from_secs(6);
const HIT: &str = r#"{"statement":"hit","params":[1]}"#;
/// A statement that declares itself a read, and is none.
const SNEAKY: (&str, &str) = ("sneaky", "DELETE FROM items");

/// A function with a reader, and statements that say where they run.
async fn deploy(rig: &ClusterHarness) -> Deployed<'_> {
    let (_, sql) = where_statement(rig.cluster.engine());
    let [write, exclusive] =
        ["-- mode: write\n", "-- exclusive: true\n"].map(|option| format!("{option}{sql}"));
    let statements =
        [("where", sql), ("where-write", &*write), ("where-exclusive", &*exclusive), SNEAKY];
    let changes =
        [("DB_READER_HOST", rig.cluster.reader_endpoint()), ("AWS_LAMBDA_LOG_LEVEL", "DEBUG")];
    rig.deploy(TIMEOUT, &statements, &changes).await
}

/// Fails unless `server` runs the read. Returns the response's `connection.reused`.
async fn reads_at(function: &Deployed<'_>, server: &Server) -> bool {
    let response = function.ok(WHERE).await;
    assert!(is_at(port(&response), server), "it ran elsewhere: {response}\n{}", function.logs());
    response["connection"]["reused"].as_bool().unwrap()
}

/// Statements of mode `read` and transactions of them run on the reader, and everything else on the writer:
/// an environment has one connection to each. Where the reader endpoint leads to the writer, because the
/// cluster has no replicas, a read still cannot write.
pub async fn roles(engine: Engine, bootstrap: &str) {
    let rig = ClusterHarness::start(Cluster::builder(engine), bootstrap).await;
    let (writer, reader) = (rig.cluster.writer(), rig.cluster.reader());
    let function = deploy(&rig).await;
    let transaction =
        |statements: &[&str]| format!(r#"{{"transaction":[{}]}}"#, statements.join(","));
    for round in 0..3 {
        assert_eq!(reads_at(&function, reader).await, round > 0, "{}", function.logs());
        let response = function.ok(&transaction(&[WHERE, WHERE])).await;
        for result in response["transaction"].as_array().unwrap() {
            assert!(is_at(port(result), reader), "{response}");
        }
        function.ok(HIT).await;
        for name in ["where-write", "where-exclusive"] {
            let response = function.ok(&format!(r#"{{"statement":"{name}"}}"#)).await;
            assert!(is_at(port(&response), writer), "{name}: {response}");
        }
        let response = function.ok(&transaction(&[WHERE, HIT, WHERE])).await;
        for at in [0, 2] {
            assert!(is_at(port(&response["transaction"][at]), writer), "{response}");
        }
    }
    assert_eq!([writer, reader].map(|server| connections(server)), [1, 1]);
    let hits = query(writer, "SELECT n FROM hits WHERE id = 1");
    assert_eq!(hits, [[Some("6".to_owned())]]);

    // A read that writes is told so on the reader, and not sent to the writer.
    let message = function.fails(r#"{"statement":"sneaky"}"#, "Query").await;
    assert!(message.contains("-- mode: write"), "{message}");
    assert!(!function.logs().contains("nothing was run"), "{}", function.logs());

    // A new environment, in a cluster without replicas.
    rig.names.set(rig.cluster.reader_endpoint(), rig.proxy(writer).address().ip());
    let function = deploy(&rig).await;
    reads_at(&function, writer).await;
    function.ok(HIT).await;
    let sneaky = r#"{"statement":"sneaky"}"#;
    for event in [sneaky.to_owned(), transaction(&[WHERE, sneaky])] {
        let message = function.fails(&event, "Query").await;
        assert!(message.contains("-- mode: write"), "{message}");
    }
    assert_eq!(query(writer, "SELECT id FROM items").len(), 3, "a read wrote");
    // One of each role; what was refused may have cost one.
    reads_at(&function, writer).await;
    function.ok(HIT).await;
    until("both functions have their connections", async || {
        [writer, reader].map(|server| connections(server)) == [3, 1]
    })
    .await;

    let elsewhere = rig.cluster.reader_endpoint().replace("eu-west-1", "us-west-2");
    let wrong = rig.deploy(TIMEOUT, &[], &[("DB_READER_HOST", &*elsewhere)]).await;
    let message = wrong.fails(WHERE, "Settings").await;
    assert!(message.contains("DB_READER_HOST"), "{message}");
}

/// At the name of a read replica, everything that can run there does, on one connection and without a look
/// at the writer: exclusive reads, and what may only read. What writes is done at the writer, and nothing else.
/// The name of all readers refuses a write at once.
pub async fn named(engine: Engine, bootstrap: &str) {
    let rig = ClusterHarness::start(Cluster::builder(engine), bootstrap).await;
    let (writer, reader) = (rig.cluster.writer(), rig.cluster.reader());
    if engine != Engine::Postgres {
        query(writer, &format!("GRANT RELOAD ON *.* TO '{}'@'%'", writer.user()));
        rig.catch_up().await;
    }
    let (own, writers_own) =
        (rig.cluster.instance_endpoint(reader), rig.cluster.instance_endpoint(writer));
    let deploy = async |host, limit| deploy_at(&rig, host, limit).await;
    let function = deploy(own, TIMEOUT).await;
    let runs_at_reader = async || {
        for name in ["where", "where-exclusive", "where-write", "where-both"] {
            let response = function.ok(&format!(r#"{{"statement":"{name}"}}"#)).await;
            assert!(is_at(port(&response), reader), "{name}: {response}\n{}", function.logs());
        }
    };
    let begun = Instant::now();
    runs_at_reader().await;
    for (name, _) in maintenance(engine) {
        // There is no such session; and PostgreSQL asks for the right only after it has let a standby do it.
        if let Err((kind, message)) = function.invoke(&format!(r#"{{"statement":"{name}"}}"#)).await
        {
            assert_eq!(kind, "Query", "{name}: {message}\n{}", function.logs());
        }
    }
    assert!(begun.elapsed() < TIMEOUT, "it took {:?}", begun.elapsed());
    assert_eq!([writer, reader].map(|server| connections(server)), [0, 1], "{}", function.logs());

    // Something is found elsewhere, and nothing stays there.
    function.ok(HIT).await;
    until("it is at the writer alone", async || {
        [writer, reader].map(|server| connections(server)) == [1, 0]
    })
    .await;
    let response = function.ok(r#"{"statement":"where-exclusive"}"#).await;
    assert!(is_at(port(&response), reader), "{response}\n{}", function.logs());
    until("it is at the reader alone", async || {
        [writer, reader].map(|server| connections(server)) == [0, 1]
    })
    .await;
    runs_at_reader().await;

    // The error says why the writer could not be used.
    rig.names.set(writers_own, function_harness::names::Answer::NotFound);
    let message = deploy(own, HURRIED).await.fails(HIT, "ServerReadOnly").await;
    let why =
        format!("the login at the writer that it names, {writers_own}, failed: cannot resolve");
    assert!(message.contains(&why), "{message}");

    let readers = deploy(rig.cluster.reader_endpoint(), TIMEOUT).await;
    let response = readers.ok(r#"{"statement":"where-exclusive"}"#).await;
    assert!(is_at(port(&response), reader), "{response}");
    readers.fails(HIT, "ServerReadOnly").await;
    assert!(!readers.logs().contains("connecting again"), "it was sent twice: {}", readers.logs());
}

/// A function at `host`, with statements that say where they run, and those that look after a server.
async fn deploy_at<'a>(rig: &'a ClusterHarness, host: &str, limit: Duration) -> Deployed<'a> {
    let (_, sql) = where_statement(rig.cluster.engine());
    let [write, exclusive, both] =
        ["-- mode: write\n", "-- exclusive: true\n", "-- mode: write\n-- exclusive: true\n"]
            .map(|options| format!("{options}{sql}"));
    let own = [
        ("where", sql),
        ("where-write", &*write),
        ("where-exclusive", &*exclusive),
        ("where-both", &*both),
    ];
    let statements = [&own[..], maintenance(rig.cluster.engine())].concat();
    let changes = [("DB_HOST", host), ("AWS_LAMBDA_LOG_LEVEL", "DEBUG")];
    rig.deploy(limit, &statements, &changes).await
}

/// What looks after one server, and may run on one that takes no writes.
fn maintenance(engine: Engine) -> &'static [(&'static str, &'static str)] {
    match engine {
        Engine::Postgres => &[
            ("checkpoint", "-- mode: write\nCHECKPOINT"),
            (
                "block",
                "-- mode: write\nDO $$ BEGIN PERFORM pg_catalog.pg_cancel_backend(0); END $$",
            ),
        ],
        Engine::MySql | Engine::MariaDb => &[
            ("kill", "-- mode: write\nKILL QUERY 4000000000"),
            ("flush", "-- mode: write\nFLUSH STATUS"),
            ("check", "-- mode: write\nCHECK TABLE items"),
        ],
    }
}
