//! Reads on a cluster's reader, everything else on its writer.

mod away;

pub use away::away;

use engine::Engine;
use function_harness::faults::{connections, query};
use function_harness::{ClusterHarness, Deployed, until};
use local_rds::{Cluster, Server};
use std::time::Duration;

use crate::moving::{WHERE, is_at, port, where_statement};

const TIMEOUT: Duration = Duration::from_secs(30);
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
    rig.deploy(TIMEOUT, &statements, &[("DB_READER_HOST", rig.cluster.reader_endpoint())]).await
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
