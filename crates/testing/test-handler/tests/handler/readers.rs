//! Handlers with a reader: what an event has written it also reads.

use engine::Engine;
use function_harness::{ClusterHarness, until};
use local_rds::{Cluster, Server, Topology};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::sent::{last, sleeping, steps};

/// An event reads on the reader until it writes, or tries to, and on the writer from then on. The next one
/// begins on the reader again. After a failover, with names that lag, it is the same with the new writer.
pub(crate) async fn own_writes(engine: Engine, bootstrap: &str) {
    let rig = ClusterHarness::start(Cluster::builder(engine), bootstrap).await;
    let changes = [("DB_READER_HOST", rig.cluster.reader_endpoint())];
    let function = rig.deploy(Duration::from_secs(30), &[], &changes).await;
    let [first, second] = rig.cluster.members();
    for (round, [writer, reader]) in [[first, second], [second, first]].into_iter().enumerate() {
        let new = |number: usize| format!("add {}", 100 * (round + 1) + number);
        let (one, two, three) = (new(1), new(2), new(3));
        let is_at = |answer: &Value, server: &Arc<Server>| *answer == server.address().port();
        for (taken, on_reader, on_writer) in [
            (&["port", &one, "port", "count"][..], &[0][..], &[2][..]),
            (&["port", "begin read", "port", "commit", "port"], &[0, 1, 2], &[]),
            (&["port", "begin", "port", &two, "port", "commit", "port"], &[0], &[1, 3, 4]),
            (&[&three, "begin read", "port", "commit", "port"], &[], &[1, 2]),
            (&["?add 1", "port"], &[], &[1]),
            (&["port", "one", "port"], &[0, 2], &[]),
        ] {
            let answers = function.ok(&steps(taken)).await;
            let all = [(on_reader, reader), (on_writer, writer)];
            for (at, server) in
                all.into_iter().flat_map(|(all, it)| all.iter().map(move |at| (at, it)))
            {
                let other = if Arc::ptr_eq(server, reader) { writer } else { reader };
                let found = &answers[*at];
                // A reader's connection that a failover has left at the new writer is as good.
                let fits = is_at(found, server) || round == 1 && is_at(found, other);
                assert!(fits, "round {round}, {taken:?}, {at}: {answers}\n{}", function.logs());
            }
        }
        if round == 0 {
            rig.fail_over().await;
            // It may notice only now that its connections are gone.
            let _ = function.invoke(&steps(&["port"])).await;
            let _ = function.invoke(&steps(&["?add 1"])).await;
        }
    }
}

/// The driver's client and a transaction that may write are at the writer from their first statement on: also
/// after a failover, although the name leads to the old one, and in new environments.
pub(crate) async fn writes_first(engine: Engine, bootstrap: &str) {
    let cluster = Cluster::builder(engine).topology(Topology::MultiAz);
    let rig = ClusterHarness::start(cluster, bootstrap).await;
    let changes = [("DB_READER_HOST", rig.cluster.reader_endpoint())];
    let function = rig.deploy(Duration::from_secs(30), &[], &changes).await;
    let [writer, reader] =
        [rig.cluster.writer(), rig.cluster.reader()].map(|server| server.address().port());
    let answers = function.ok(&steps(&["port", "begin", "port", "rollback", "port"])).await;
    assert_eq!(answers, json!([reader, writer, writer]));

    rig.fail_over().await;
    let answers = function.ok(&steps(&["begin", "port", "add 7", "commit", "port"])).await;
    assert_eq!(answers, json!([reader, 1, reader]), "{}", function.logs());
    let cold = async || rig.deploy(Duration::from_secs(30), &[], &[]).await;
    let (begins, drives) = (cold().await, cold().await);
    let answers = begins.ok(&steps(&["port", "begin", "port", "add 8", "commit"])).await;
    assert_eq!(answers, json!([writer, reader, 1]), "{}", begins.logs());
    let answers = drives.ok(&steps(&["driver", "port"])).await;
    assert_eq!(answers[0], "raw", "{}", drives.logs());
    assert_eq!(last(&begins, &["count"]).await, 6);
}

/// An event reads at the writer what it wrote, also when another event of its environment has just returned a
/// connection to the old writer, whose server knew no other one.
pub(crate) async fn side_by_side(engine: Engine, bootstrap: &str) {
    let cluster = Cluster::builder(engine).topology(Topology::Nowhere);
    let rig = ClusterHarness::start(cluster, bootstrap).await;
    let function = rig.harness.deploy_as(&[], |function| {
        let names = rig.names.environment();
        let function = function.max_concurrency(2);
        names.into_iter().fold(function, |function, (name, value)| function.env(name, value))
    });
    let function = function.await;
    rig.fail_over().await;
    let ended = async |event: String| (function.ok(&event).await, Instant::now());
    let at_old = ended(steps(&["set", "sleep 4"]));
    let at_new = async {
        until("the old writer is used", async || rig.harness.asleep(sleeping(engine)).await == 1)
            .await;
        rig.names_follow();
        let reads = ["wait 250", "port"].repeat(32);
        ended(steps(&[&["add 21"], &*reads].concat())).await
    };
    let ((_, old_ended), (answers, new_ended)) = tokio::join!(at_old, at_new);
    assert!(old_ended < new_ended, "the connection was not returned in time");
    let writer = Value::from(rig.cluster.writer().address().port());
    let ports: Vec<_> =
        answers.as_array().unwrap()[1..].iter().filter(|it| !it.is_null()).collect();
    assert_eq!(ports.len(), 32, "{answers}");
    assert!(ports.iter().all(|port| **port == writer), "{answers}\n{}", function.logs());
}
