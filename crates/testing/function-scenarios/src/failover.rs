//! The writer of a cluster moves, and its name leads to the old writer for a minute.

use engine::Engine;
use function_harness::faults::{Ledger, Outcome, Report, own_statements};
use function_harness::{ClusterHarness, borrowed, until};
use local_rds::{Cluster, Server, Topology};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::time::sleep_until;

use crate::moving::{
    Moving, WHERE, Work, assert_balanced, is_at, port, sever_all, where_statement,
};

/// How long the name stays behind.
const LAG: Duration = Duration::from_secs(60);
/// Enough for anything but waiting for the name, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Enough to wait for the name.
const PATIENT: Duration = Duration::from_secs(120);
/// Not enough.
const HURRIED: Duration = Duration::from_secs(6);
/// Within which a read answers, whatever the writer does, and a write goes on by the topology.
const SOON: Duration = Duration::from_secs(10);

/// Where the cluster says who writes, writes go on there within seconds. Where it does not, or is mistaken, they
/// wait for the name, as long as they have time. Reads wait for nothing.
pub async fn name_lags(engine: Engine, bootstrap: &str) {
    let start = async |topology| {
        ClusterHarness::start(Cluster::builder(engine).topology(topology), bootstrap).await
    };
    let report = Mutex::new(Report::new(engine, "failover"));
    let told = async |topology| by_topology(&start(topology).await, &report).await;
    let aurora = async {
        // Nobody can add Aurora's table to MySQL.
        if engine == Engine::Postgres {
            told(Topology::Aurora).await;
        }
    };
    let untold = async {
        if engine == Engine::MySql {
            by_name(&mistaken(start(Topology::MultiAz).await).await, &report).await;
        } else {
            by_name(&start(Topology::Nowhere).await, &report).await;
        }
    };
    tokio::join!(told(Topology::MultiAz), aurora, untold);
    report.into_inner().unwrap().write(bootstrap);
}

/// A cluster of MySQL that takes the first writer for the writer for ever.
async fn mistaken(rig: ClusterHarness) -> ClusterHarness {
    let first = rig.cluster.instance_endpoint(rig.cluster.writer());
    rig.harness.execute(&format!("UPDATE mysql.rds_topology SET endpoint = '{first}'")).await;
    rig
}

/// Reads, writes and transactions while the writer moves, and until the name has followed.
async fn by_topology(rig: &ClusterHarness, report: &Mutex<Report>) {
    let cluster = &rig.cluster;
    let untimed = own_statements(cluster.engine());
    let moving = Moving::start(rig, TIMEOUT, &borrowed(&untimed), &[], &Work::APART).await;
    let old = Arc::clone(cluster.writer());
    let (moves, moved) = moving
        .during(async {
            moving.succeed(5).await;
            let moves = Instant::now();
            rig.fail_over().await;
            let moved = Instant::now();
            moving.succeed(5).await;
            (moves, moved)
        })
        .await;
    assert!(moved.elapsed() < LAG / 2, "it took {:?}", moved.elapsed());
    assert_met(&moving, moves, moved);
    assert_goes_on(&moving, moved, &old);
    moving.report("writer moved, its name a minute behind,", &mut report.lock().unwrap());

    // A first start in this state, which begins with a write.
    let new = rig.deploy(TIMEOUT, &[], &[]).await;
    let begun = Instant::now();
    moving.ledger.write(&new).await.unwrap_or_else(|kind| panic!("{kind}: {}", new.logs()));
    assert!(begun.elapsed() < SOON, "a first start took {:?}", begun.elapsed());
    assert_balanced(rig, &moving.ledger).await;

    sleep_until((moved + LAG).into()).await;
    rig.names_follow();
    logs_in_by_name(rig, &moving).await;
}

/// Fails unless the move met events of each kind, and events were sent or answered during it.
fn assert_met(moving: &Moving<'_>, moves: Instant, moved: Instant) {
    let seen = moving.seen();
    for work in Work::ALL {
        let met = seen.iter().any(|it| it.work == *work && it.began < moved && it.ended() > moves);
        assert!(met, "no {} met the move: {seen:?}", work.words());
    }
    let is_during = |when: Instant| moves < when && when < moved;
    let goes_on = seen.iter().any(|it| is_during(it.began) || is_during(it.ended()));
    assert!(goes_on, "nothing went on during the move of {:?}: {seen:?}", moved - moves);
}

/// Fails unless everything that began since `moved` was soon done, reads by the server that the name leads to.
/// A function may first notice that its connection is gone.
fn assert_goes_on(moving: &Moving<'_>, moved: Instant, old: &Server) {
    for work in Work::ALL {
        let seen = moving.since(moved).into_iter().filter(|seen| seen.work == *work);
        for (number, seen) in seen.enumerate() {
            let what = || format!("{} {number}: {seen:?}\n{}", work.words(), moving.logs());
            assert!(seen.took < SOON, "{}", what());
            assert!(number == 0 || seen.outcome.is_ok(), "{}", what());
            assert!(seen.may_be_at(old) || *work == Work::Transaction, "{}", what());
        }
    }
}

/// Once the name has followed, the next login is at the name again.
async fn logs_in_by_name(rig: &ClusterHarness, moving: &Moving<'_>) {
    let cluster = &rig.cluster;
    let asked = |host| rig.names.asked(host);
    let own = cluster.instance_endpoint(cluster.writer());
    let [by_name, by_own_name] = [cluster.endpoint(), own].map(asked);
    assert!(by_own_name > 0, "nobody has asked for {own}");
    sever_all(rig);
    // At first it may notice that its connection is gone.
    until("it writes", async || moving.ledger.write(moving.function(1)).await.is_ok()).await;
    assert!(asked(cluster.endpoint()) > by_name, "it did not ask for the cluster's name");
    assert_eq!(asked(own), by_own_name, "it asked for the writer's own name");
    assert_balanced(rig, &moving.ledger).await;
}

/// Without a topology, a write waits for the name if it has the time, and is refused in the end if it has not.
/// It has not been run then.
async fn by_name(rig: &ClusterHarness, report: &Mutex<Report>) {
    let cluster = &rig.cluster;
    let untimed = own_statements(cluster.engine());
    let statements = [&borrowed(&untimed)[..], &[where_statement(cluster.engine())]].concat();
    let deploy = async |timeout| rig.deploy(timeout, &statements, &[]).await;
    let [write, transaction] = [deploy(PATIENT).await, deploy(PATIENT).await];
    let (hurried, read) = (deploy(HURRIED).await, deploy(HURRIED).await);
    let ledger = Ledger::default();
    ledger.write(&write).await.unwrap();
    ledger.transaction(&transaction).await.unwrap();
    ledger.write(&hurried).await.unwrap();
    let old = Arc::clone(cluster.writer());
    rig.fail_over().await;
    let moved = Instant::now();

    let count = |fault: &str, outcome: &Outcome| {
        report.lock().unwrap().count(&format!("writer moved, no topology, then {fault}"), outcome);
    };
    let (written, carried_out, (), ()) = tokio::join!(
        until_done(async || ledger.write(&write).await),
        until_done(async || ledger.transaction(&transaction).await),
        async {
            let refused = until_known(async || ledger.write(&hurried).await).await;
            assert_eq!(refused, Err("ServerReadOnly".to_owned()), "{}", hurried.logs());
            count("a write without enough time", &refused);
            let begun = Instant::now();
            let response = read.ok(WHERE).await;
            assert!(is_at(port(&response), &old) && begun.elapsed() < SOON, "{response}");
            count("a read", &Ok(()));
        },
        async {
            sleep_until((moved + LAG).into()).await;
            rig.names_follow();
        }
    );
    for (what, (outcome, when)) in [("write", written), ("transaction", carried_out)] {
        outcome.unwrap_or_else(|kind| panic!("{what}: {kind}"));
        let waited = when.duration_since(moved);
        assert!(
            waited >= LAG,
            "a {what} was carried out after {waited:?}, before the name followed"
        );
        assert!(waited < LAG + SOON, "a {what} was carried out after {waited:?}");
        count(&format!("a {what} with a minute left"), &Ok(()));
    }
    ledger.write(&hurried).await.unwrap();
    assert_balanced(rig, &ledger).await;
}

/// Acts again if the first outcome is that the connection is gone, which nobody knows within a second of its
/// last use.
async fn until_known(act: impl AsyncFn() -> Outcome) -> Outcome {
    match act().await {
        Err(kind) if kind == "ConnectionLost" || kind == "OutcomeUnknown" => act().await,
        outcome => outcome,
    }
}

/// The same, and when it was over.
async fn until_done(act: impl AsyncFn() -> Outcome) -> (Outcome, Instant) {
    (until_known(act).await, Instant::now())
}
