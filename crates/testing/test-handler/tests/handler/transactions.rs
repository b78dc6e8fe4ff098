//! Transactions of a handler: all or nothing, however they end.

use engine::Engine;
use function_harness::{ClusterHarness, Harness};
use local_rds::Cluster;
use serde_json::json;
use std::time::Duration;

use crate::sent::{count, last, pid, steps};

/// All of it is there after the commit, and nothing before.
pub(crate) async fn commit(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let answers =
        function.ok(&steps(&["begin", "add 4", "count", "add 5", "commit", "count"])).await;
    assert_eq!(answers, json!([1, 4, 1, 5]));
    assert_eq!(last(&function, &["begin", "commit", "one"]).await, 1, "an empty one");
    assert_eq!(count(&function).await, 5);
}

/// An error of the handler, of the server, or `rollback`: nothing of it is there, the connection is
/// used again, and the error says so.
pub(crate) async fn rolled_back(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let before = pid(&function).await;
    let message = function.fails(&steps(&["begin", "add 4", "own 1"]), "OutOfStock").await;
    assert_eq!(message, "there are only 1 of them; the open transaction was rolled back");
    assert_eq!(count(&function).await, 3);
    function.fails(&steps(&["begin", "add 4", "add 4"]), "Query").await;
    assert_eq!(last(&function, &["begin", "add 4", "rollback", "count"]).await, 3);
    assert_eq!(pid(&function).await, before, "the connection is used again");
}

/// A transaction that the handler leaves open while it returns a success.
pub(crate) async fn forgotten(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let before = pid(&function).await;
    let message = function.fails(&steps(&["begin", "add 4"]), "Internal").await;
    assert!(message.contains("neither committed nor rolled back"), "{message}");
    assert_eq!(count(&function).await, 3);
    // Nothing is lost with one that only reads.
    function.ok(&steps(&["begin read", "count"])).await;
    assert_eq!(pid(&function).await, before);
}

/// The first error ends a transaction, even if the handler goes on.
pub(crate) async fn first_error(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let taken = ["begin", "add 4", "?broken", "?add 5", "?commit", "count"];
    let answers = function.ok(&steps(&taken)).await;
    assert_eq!(answers[1]["error"], "Query", "{answers:#}");
    for later in [&answers[2], &answers[3]] {
        assert_eq!(later["error"], "Internal", "{answers:#}");
        let message = later["message"].as_str().unwrap();
        assert!(message.contains("rolled back after its first error"), "{message}");
    }
    assert_eq!(answers[4], 3, "{answers:#}");
}

/// A transaction that is dropped is rolled back before the next call.
pub(crate) async fn dropped(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    let taken = ["begin", "add 4", "drop", "?count", "begin", "add 5", "commit", "?count"];
    let message = function.fails(&steps(&taken), "Internal").await;
    assert!(message.contains("neither committed nor rolled back"), "{message}");
    assert!(message.contains("an earlier write was carried out"), "{message}");
    assert_eq!(count(&function).await, 4);
    let rows = last(&function, &["items"]).await["rows"].clone();
    assert_eq!(rows[3]["id"], 5, "{rows}");
}

/// A transaction in mode read is read-only on the server. A write in it is told so at once, on whatever
/// server it runs, and leaves nothing behind.
pub(crate) async fn read_only(engine: Engine, bootstrap: &str) {
    let rig = ClusterHarness::start(Cluster::builder(engine), bootstrap).await;
    let reader = [("DB_READER_HOST", rig.cluster.reader_endpoint())];
    for (changes, port) in [(&[][..], rig.cluster.writer()), (&reader[..], rig.cluster.reader())] {
        let changes = [&[("AWS_LAMBDA_LOG_LEVEL", "TRACE")], changes].concat();
        let function = rig.deploy(Duration::from_secs(30), &[], &changes).await;
        let taken = ["begin read", "port", "?add 4", "drop", "count", "begin read", "?add 4"];
        let answers = function.ok(&steps(&taken)).await;
        assert_eq!(answers[0], port.address().port(), "{answers:#}");
        for refused in [&answers[1], &answers[3]] {
            assert_eq!(refused["error"], "Query", "{answers:#}");
            let message = refused["message"].as_str().unwrap();
            assert!(message.contains("begin the transaction with Mode::Write"), "{message}");
            assert!(!message.contains("DB_HOST"), "{message}");
        }
        assert_eq!(answers[2], 3, "{answers:#}");
        let logs = function.logs();
        assert!(!logs.contains("nothing was run"), "it was tried again: {logs}");
        let written = last(&function, &["begin", "add 4", "rollback", "count"]).await;
        assert_eq!(written, 3, "the connection still takes writes");
    }
}
