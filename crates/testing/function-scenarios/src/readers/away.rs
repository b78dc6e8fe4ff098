//! The reader of a cluster dies, in each way and at each moment, while events go on, and comes back.

use engine::Engine;
use function_harness::faults::{Report, own_statements, query};
use function_harness::names::Answer;
use function_harness::{ClusterHarness, borrowed, until};
use local_rds::{Cluster, Server};
use std::net::{IpAddr, Ipv4Addr};
use std::ops::Range;
use std::time::{Duration, Instant};
use tokio::time::sleep;

use crate::moving::{Moving, Seen, Work, assert_balanced, blocking, is_at};

/// What the environment of each worker meets. Those of a reader that is frozen or killed are in the same order.
const CASES: [&str; 10] = [
    "reader frozen during a read",
    "reader frozen, with a connection in use",
    "reader frozen, with a connection open",
    "reader frozen, at a login",
    "reader killed during a read",
    "reader killed, with a connection in use",
    "reader killed, with a connection open",
    "reader killed, at a login",
    "reader's port refuses",
    "reader's name gone",
];
const FROZEN: usize = 0;
const KILLED: usize = 4;
const REFUSES: usize = 8;
const GONE: usize = 9;

/// Half of it is what one attempt to log in has, except at a reader.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What an attempt at a reader costs at most: five seconds, and more on a busy machine.
const ONE_ATTEMPT: Duration = Duration::from_secs(25);
/// How long a reader is left alone that did not let the function in.
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// There are many workers, for a minute.
const PACE: Duration = Duration::from_millis(150);
/// An address of loopback where nobody listens.
const NOBODY: Ipv4Addr = Ipv4Addr::new(127, 16, 2, 1);
const SLOW: &str = r#"{"statement":"slow"}"#;

/// While the reader is away, reads are answered by the writer: those after the first cost no attempt. Only a read
/// that was on its way may be lost. Writes and transactions notice nothing. When the reader has come back,
/// it answers again.
pub async fn away(engine: Engine, bootstrap: &str) {
    let rig = ClusterHarness::start(Cluster::builder(engine), bootstrap).await;
    let (writer, reader) = (rig.cluster.writer(), rig.cluster.reader());
    let moving = start(&rig).await;
    let rest = |workers: Range<usize>, rests| {
        workers.for_each(|worker| moving.rest(worker, rests));
    };
    rest(0..CASES.len(), true);
    watch(reader);
    let mut report = Report::new(engine, "readers");
    let mut since = [Instant::now(); CASES.len()];
    let back = moving
        .during(async {
            // Its host is reached, and nobody answers.
            let (died, lost) = dies(&rig, &moving, FROZEN, Server::pause).await;
            since[FROZEN..KILLED].fill(died);
            report.count(CASES[FROZEN], &Err(lost));
            // They do not meet the next death.
            rest(FROZEN..KILLED, true);
            reader.resume();

            // Its host has failed.
            let kill = |server: &Server| server.kill().unwrap();
            let (died, lost) = dies(&rig, &moving, KILLED, kill).await;
            since[KILLED..REFUSES].fill(died);
            report.count(CASES[KILLED], &Err(lost));
            rest(FROZEN..KILLED, false);

            let leads_to = [(REFUSES, IpAddr::from(NOBODY).into()), (GONE, Answer::NotFound)];
            for (worker, answer) in leads_to {
                rig.names.set(rig.cluster.reader_endpoint(), answer);
                since[worker] = Instant::now();
                moving.rest(worker, false);
                moving.succeed(2).await;
            }

            rig.names_follow();
            let back = Instant::now();
            blocking(reader, |server| server.restart().unwrap()).await;
            watch(reader);
            let writes = writes_sent(reader);
            until("all functions read at the reader again", async || {
                let seen = moving.since(back);
                (0..CASES.len()).all(|worker| seen.iter().any(|it| is_read(it, worker, reader)))
            })
            .await;
            moving.succeed(2).await;
            assert_eq!(writes_sent(reader), writes, "a write was sent to the reader");
            back
        })
        .await;
    for (worker, fault) in CASES.iter().enumerate() {
        let mut met = moving.seen();
        let has_met = |seen: &Seen| seen.ended() > since[worker] || seen.outcome.is_err();
        met.retain(|seen| seen.worker == worker && has_met(seen));
        let what = || format!("{fault}: {met:#?}\n{}", moving.function(worker).logs());
        for seen in &met {
            let is_away = seen.began >= since[worker] && seen.ended() <= back;
            assert!(seen.took < ONE_ATTEMPT, "{seen:?}: {}", what());
            assert!(!is_away || seen.may_be_at(writer), "{seen:?}: {}", what());
            let fault = match seen.work {
                Work::Read => *fault,
                Work::Write => "reader away, then a write",
                Work::Transaction => "reader away, then a transaction",
            };
            report.count(fault, &seen.outcome);
        }
        assert!(met.iter().filter(|seen| seen.outcome.is_err()).count() <= 1, "{}", what());
        let tried = moving.function(worker).logs().matches("reader-away").count();
        let most = 1 + (back - since[worker]).as_secs() / LEFT_ALONE.as_secs();
        assert!((1..=most as usize).contains(&tried), "tried {tried} times: {}", what());
    }
    for seen in moving.seen() {
        // What needs no reader is never there, and the writer shows all that it has acknowledged.
        assert!(seen.work != Work::Transaction || seen.may_be_at(writer), "{seen:?}");
        let behind = seen.answer.iter().any(|answer| !answer.behind.is_empty());
        assert!(!behind || seen.may_be_at(reader), "{seen:?}");
    }
    assert_balanced(&rig, &moving.ledger).await;
    report.write(bootstrap);
}

/// A worker for each case. The statements that write have no time-out, which a busy machine might exceed.
async fn start(rig: &ClusterHarness) -> Moving<'_> {
    let engine = rig.cluster.engine();
    let sleep = if engine == Engine::Postgres { "pg_sleep(60)::text" } else { "SLEEP(60)" };
    let slow = [("slow", format!("-- timeout: 5s\nSELECT {sleep} AS s"))];
    let untimed = own_statements(engine);
    let statements = [borrowed(&untimed), borrowed(&slow)].concat();
    let changes = [("DB_READER_HOST", rig.cluster.reader_endpoint())];
    let moving = Moving::start(rig, TIMEOUT, &statements, &changes, &[Work::ALL; CASES.len()]);
    moving.await.at_pace(PACE)
}

/// The reader dies during a read of the first of four workers, in use by the second, while the third rests with an
/// open connection, and before the fourth begins. Returns when that was, once all four have succeeded without
/// the reader, and how the read ended.
async fn dies(
    rig: &ClusterHarness,
    moving: &Moving<'_>,
    first: usize,
    act: fn(&Server),
) -> (Instant, String) {
    let reader = rig.cluster.reader();
    let writes = writes_sent(reader);
    let begun = Instant::now();
    let connected = first..first + 3;
    connected.clone().for_each(|worker| moving.rest(worker, false));
    moving.succeed(2).await;
    for worker in connected {
        let seen = moving.since(begun);
        assert!(seen.iter().any(|seen| is_read(seen, worker, reader)), "{}", moving.logs());
    }
    moving.stop(first).await;
    moving.stop(first + 2).await;
    // Longer than a connection is used without a check.
    sleep(Duration::from_millis(1500)).await;
    let function = if rig.cluster.engine() == Engine::Postgres { "pg_sleep" } else { "SLEEP" };
    let dies = async {
        until("the slow read runs", async || rig.harness.asleep_at(reader, function) > 0).await;
        assert_eq!(writes_sent(reader), writes, "a write was sent to the reader");
        blocking(reader, act).await;
        Instant::now()
    };
    let (read, died) = tokio::join!(moving.function(first).invoke(SLOW), dies);
    (first..first + 4).for_each(|worker| moving.rest(worker, false));
    moving.succeed(2).await;
    (died, read.unwrap_err().0)
}

/// Whether the worker has read there.
fn is_read(seen: &Seen, worker: usize, server: &Server) -> bool {
    let is_there = seen.answer.as_ref().is_some_and(|answer| is_at(answer.port, server));
    seen.worker == worker && seen.work == Work::Read && is_there
}

/// Has a reader count from now on which writes it is sent.
fn watch(reader: &Server) {
    if reader.engine() != Engine::Postgres {
        let own = "SET sql_log_bin = 0; TRUNCATE mysql.general_log; SET sql_log_bin = 1";
        let all = "SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = ON";
        query(reader, &format!("{own}; {all}"));
    }
}

/// How many writes a reader has been sent that is watched, all in vain.
fn writes_sent(reader: &Server) -> usize {
    if reader.engine() == Engine::Postgres {
        return reader.log().matches("in a read-only transaction").count();
    }
    let sql = "SELECT 1 FROM mysql.general_log
        WHERE user_host LIKE '%lambda-user%' AND argument LIKE '%INSERT%'";
    query(reader, sql).len()
}
