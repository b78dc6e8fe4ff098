//! A property: whatever happens to a cluster, no write runs on a reader, none runs twice, none that was
//! acknowledged is lost, and reads see what the servers may hold.

use engine::Engine;
use fault_proxy::{Condition, Direction, Ending};
use function_harness::ClusterHarness;
use function_harness::faults::Report;
use function_harness::names::Answer;
use local_rds::{Cluster, Server};
use std::collections::hash_map::RandomState;
use std::env;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;
use tokio::time::sleep;

use crate::moving::{Moving, Work, assert_balanced, blocking};

/// How many things happen in a history.
const LENGTH: usize = 12;
/// Longer than anything that happens, so that little is left at its end on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How many functions there are. Each does all kinds of work, and so has connections of both roles.
const FUNCTIONS: usize = 3;

/// What happens to a cluster. Names stay behind after a move until they follow.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Move,
    Follow,
    /// The server with this number is stopped for so many milliseconds.
    Freeze(usize, u64),
    /// It is killed, and comes back after so many.
    Kill(usize, u64),
    /// This happens to its network for so many.
    Network(usize, Condition, u64),
    /// All its connections end.
    Sever(usize, Ending),
    /// The resolver fails for the next questions.
    NoNames(usize),
    /// The function with this number gets no events, so that Lambda freezes its environment, or gets some again.
    Rest(usize),
}

impl Happening {
    fn random(random: &mut fastrand::Rng) -> Happening {
        let member = random.usize(..2);
        let lasts = random.u64(50..1500);
        match random.u32(..24) {
            0..=4 => Happening::Move,
            5..=7 => Happening::Follow,
            8..=10 => Happening::Freeze(member, lasts),
            11..=12 => Happening::Kill(member, lasts),
            13..=14 => Happening::Sever(member, [Ending::Reset, Ending::Close][random.usize(..2)]),
            15 => Happening::NoNames(random.usize(1..4)),
            16..=19 => Happening::Rest(random.usize(..FUNCTIONS)),
            _ => {
                let conditions = [
                    Condition::Freeze,
                    Condition::Refuse,
                    Condition::BlackHole,
                    Condition::Unanswered,
                    Condition::HoldLogins,
                    Condition::Swallow(Direction::ToServer),
                    Condition::Swallow(Direction::ToClient),
                    Condition::Delay(Duration::from_millis(5)),
                ];
                Happening::Network(member, conditions[random.usize(..conditions.len())], lasts)
            }
        }
    }
}

/// `HISTORIES` is how many there are, and `HISTORIES_SEED` repeats those of an earlier run.
pub async fn at_random(engine: Engine, bootstrap: &str) {
    let histories = number("HISTORIES").unwrap_or(1);
    let first =
        number("HISTORIES_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let mut report = Report::new(engine, "histories");
    for seed in (0..histories).map(|index| first.wrapping_add(index)) {
        let mut random = fastrand::Rng::with_seed(seed);
        let history: Vec<_> = (0..LENGTH).map(|_| Happening::random(&mut random)).collect();
        println!("{engine}: HISTORIES_SEED={seed}: {history:?}");
        run(engine, bootstrap, &history, &mut report).await;
    }
    report.write(bootstrap);
}

async fn run(engine: Engine, bootstrap: &str, history: &[Happening], report: &mut Report) {
    let rig = ClusterHarness::start(Cluster::builder(engine), bootstrap).await;
    let readers = [("DB_READER_HOST", rig.cluster.reader_endpoint())];
    let moving = Moving::start(&rig, TIMEOUT, &[], &readers, &[Work::ALL; FUNCTIONS]).await;
    moving
        .during(async {
            moving.succeed(1).await;
            for happening in history {
                happen(&rig, &moving, *happening).await;
            }
            rig.names_follow();
            (0..FUNCTIONS).for_each(|function| moving.rest(function, false));
            moving.succeed(3).await;
        })
        .await;
    moving.report("a cluster's random history", report);
    assert_balanced(&rig, &moving.ledger).await;
}

async fn happen(rig: &ClusterHarness, moving: &Moving<'_>, happening: Happening) {
    let member = |number: usize| &rig.cluster.members()[number];
    let wait = |milliseconds| sleep(Duration::from_millis(milliseconds));
    match happening {
        Happening::Move => rig.fail_over().await,
        Happening::Follow => rig.names_follow(),
        Happening::Freeze(number, lasts) => {
            blocking(member(number), Server::pause).await;
            wait(lasts).await;
            member(number).resume();
        }
        Happening::Kill(number, lasts) => {
            blocking(member(number), |server| server.kill().unwrap()).await;
            wait(lasts).await;
            blocking(member(number), |server| server.restart().unwrap()).await;
        }
        Happening::Network(number, condition, lasts) => {
            let proxy = rig.proxy(member(number));
            if matches!(condition, Condition::Refuse | Condition::BlackHole | Condition::Unanswered)
            {
                proxy.sever(Ending::Reset);
            }
            proxy.set(condition);
            wait(lasts).await;
            proxy.set(Condition::Clear);
        }
        Happening::Sever(number, ending) => rig.proxy(member(number)).sever(ending),
        Happening::NoNames(questions) => {
            for host in [rig.cluster.endpoint(), rig.cluster.reader_endpoint()] {
                rig.names.next(host, vec![Answer::TryAgain; questions]);
            }
        }
        Happening::Rest(function) => moving.rest(function, !moving.rests(function)),
    }
    // Something is done between two things that happen.
    wait(200).await;
}

/// A number from an environment variable.
fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is {text:?}, which is not a number")))
}
