//! A cluster: what a handler reads from the reader, and what from the writer, wherever that is.

use engine::Engine;
use function_harness::ClusterHarness;
use local_rds::{Cluster, Topology};
use serde_json::json;
use std::time::Duration;

use crate::sent::{last, steps};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Reads are at the reader until something of the invocation writes, and a transaction that may write, or
/// the driver's client, is at the writer. After a failover both find the new writer, although the name
/// leads to the old one.
pub(crate) async fn followed(engine: Engine, bootstrap: &str) {
    let cluster = Cluster::builder(engine).topology(Topology::MultiAz);
    let rig = ClusterHarness::start(cluster, bootstrap).await;
    let changes = [("DB_READER_HOST", rig.cluster.reader_endpoint())];
    let function = rig.deploy(TIMEOUT, &[], &changes).await;
    let [writer, reader] =
        [rig.cluster.writer(), rig.cluster.reader()].map(|server| server.address().port());
    for (taken, answers) in [
        (&["port", "add 4", "port"][..], json!([reader, 1, writer])),
        (&["begin read", "port", "commit", "port"], json!([reader, reader])),
        (&["begin", "port", "rollback", "port"], json!([writer, writer])),
        (&["begin", "add 5", "commit", "begin read", "port", "commit"], json!([1, writer])),
        (&["driver", "port"], json!(["raw", writer])),
        (&["port"], json!([reader])),
    ] {
        assert_eq!(function.ok(&steps(taken)).await, answers, "{taken:?}");
    }
    rig.catch_up().await;
    assert_eq!(last(&function, &["count"]).await, 6);

    rig.fail_over().await;
    let answers = function.ok(&steps(&["begin", "port", "add 7", "commit", "port"])).await;
    assert_eq!(answers, json!([reader, 1, reader]), "{}", function.logs());
    let cold = rig.deploy(TIMEOUT, &[], &[]).await;
    let answers = cold.ok(&steps(&["port", "begin", "port", "add 8", "commit"])).await;
    assert_eq!(answers, json!([writer, reader, 1]), "{}", cold.logs());
    let cold = rig.deploy(TIMEOUT, &[], &[]).await;
    assert_eq!(last(&cold, &["add 9"]).await, 1, "{}", cold.logs());
    assert_eq!(last(&cold, &["count"]).await, 9);
}
