//! Reads, writes and transactions side by side, in several functions, while something happens to the servers of
//! a cluster: all of them are in one ledger.

use engine::Engine;
use fault_proxy::Ending;
use function_harness::faults::{self, Answer, Ledger, Outcome, Report};
use function_harness::{ClusterHarness, Deployed, until};
use futures_util::future::join_all;
use local_rds::Server;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// The statement that says which server runs it.
pub(crate) const WHERE: &str = r#"{"statement":"where"}"#;
/// Between two events of a worker: more of them would only keep the machine busy.
const PACE: Duration = Duration::from_millis(10);

/// What an event does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Read,
    Write,
    /// Two writes, and a read between them.
    Transaction,
}

impl Work {
    pub(crate) const ALL: &[Work] = &[Work::Read, Work::Write, Work::Transaction];
    /// Three workers that do one kind of work each.
    pub(crate) const APART: [&[Work]; 3] = [&[Work::Read], &[Work::Write], &[Work::Transaction]];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Work::Read => "a read",
            Work::Write => "a write",
            Work::Transaction => "a transaction",
        }
    }
}

/// The statement called `where`, as [`ClusterHarness::deploy`] takes it.
pub(crate) fn where_statement(engine: Engine) -> (&'static str, &'static str) {
    let sql = match engine {
        Engine::Postgres => "SELECT inet_server_port() AS port",
        Engine::MySql | Engine::MariaDb => "SELECT @@port AS port",
    };
    ("where", sql)
}

/// Which server ran a statement that returns its port.
pub(crate) fn port(response: &Value) -> u64 {
    response["rows"][0]["port"].as_u64().unwrap_or_else(|| panic!("no port: {response}"))
}

/// Whether `server` ran a statement that returned this port.
pub(crate) fn is_at(port: u64, server: &Server) -> bool {
    port == u64::from(server.address().port())
}

/// Ends all connections between functions and servers.
pub(crate) fn sever_all(rig: &ClusterHarness) {
    for member in rig.cluster.members() {
        rig.proxy(member).sever(Ending::Reset);
    }
}

/// Workers, each with a function of its own, what they did, and how it ended.
pub(crate) struct Moving<'a> {
    workers: Vec<Worker<'a>>,
    pub(crate) ledger: Ledger,
    seen: Mutex<Vec<Seen>>,
    pace: Duration,
    is_over: AtomicBool,
}

/// A function, which gets one event at a time.
struct Worker<'a> {
    function: Deployed<'a>,
    /// What its events do, in turn.
    work: &'static [Work],
    rests: AtomicBool,
    /// Whether an event of it is going on.
    is_busy: AtomicBool,
}

/// An event that has been answered.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The number of the worker.
    pub(crate) worker: usize,
    pub(crate) work: Work,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
    /// Where a read ran, also that of a transaction.
    pub(crate) answer: Option<Answer>,
}

impl Seen {
    pub(crate) fn ended(&self) -> Instant {
        self.began + self.took
    }

    /// Whether a read ran there, if it is known where it ran.
    pub(crate) fn may_be_at(&self, server: &Server) -> bool {
        self.answer.as_ref().is_none_or(|answer| is_at(answer.port, server))
    }
}

impl<'a> Moving<'a> {
    /// A worker for each list of what its events do in turn. Its function has `more` statements and `changes` of
    /// its environment variables, as [`ClusterHarness::deploy`] takes them.
    pub(crate) async fn start(
        rig: &'a ClusterHarness,
        timeout: Duration,
        more: &[(&str, &str)],
        changes: &[(&str, &str)],
        works: &[&'static [Work]],
    ) -> Moving<'a> {
        let (name, newest) = faults::newest(rig.cluster.engine());
        let statements = [more, &[(name, &newest)]].concat();
        let mut workers = vec![];
        for work in works {
            let function = rig.deploy(timeout, &statements, changes).await;
            let (rests, is_busy) = Default::default();
            workers.push(Worker { function, work, rests, is_busy });
        }
        Moving {
            workers,
            ledger: Ledger::default(),
            seen: Mutex::default(),
            pace: PACE,
            is_over: AtomicBool::new(false),
        }
    }

    /// The same with this time between two events of a worker.
    pub(crate) fn at_pace(self, pace: Duration) -> Moving<'a> {
        Moving { pace, ..self }
    }

    /// Whether a worker rests from its current event on: its function gets none, and Lambda freezes the
    /// environment.
    pub(crate) fn rest(&self, worker: usize, rests: bool) {
        self.workers[worker].rests.store(rests, Ordering::SeqCst);
    }

    pub(crate) fn rests(&self, worker: usize) -> bool {
        self.workers[worker].rests.load(Ordering::SeqCst)
    }

    /// Has a worker rest, and waits until it does.
    pub(crate) async fn stop(&self, worker: usize) {
        self.rest(worker, true);
        let is_busy = &self.workers[worker].is_busy;
        until("its event is answered", async || !is_busy.load(Ordering::SeqCst)).await;
    }

    /// Does a worker's work again and again until it is over.
    async fn work(&self, worker: usize) {
        let Worker { function, work, rests, is_busy } = &self.workers[worker];
        let mut turns = work.iter().copied().cycle();
        while !self.is_over.load(Ordering::SeqCst) {
            sleep(self.pace).await;
            if rests.load(Ordering::SeqCst) {
                continue;
            }
            let Some(work) = turns.next() else { return };
            is_busy.store(true, Ordering::SeqCst);
            let began = Instant::now();
            let ended = match work {
                Work::Read => self.ledger.read(function).await.map(Some),
                Work::Write => self.ledger.write(function).await.map(|()| None),
                Work::Transaction => self.ledger.transaction_with_look(function).await.map(Some),
            };
            let took = began.elapsed();
            is_busy.store(false, Ordering::SeqCst);
            let (outcome, answer) = match ended {
                Ok(answer) => (Ok(()), answer),
                Err(kind) => (Err(kind), None),
            };
            lock(&self.seen).push(Seen { worker, work, began, took, outcome, answer });
        }
    }

    /// Has all of them work while `act` runs.
    pub(crate) async fn during<T>(&self, act: impl Future<Output = T>) -> T {
        let act = async {
            let result = act.await;
            self.is_over.store(true, Ordering::SeqCst);
            result
        };
        let workers = join_all((0..self.workers.len()).map(|worker| self.work(worker)));
        tokio::join!(workers, act).1
    }

    /// What was answered, in this order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// The events that were sent since then, and answered.
    pub(crate) fn since(&self, then: Instant) -> Vec<Seen> {
        lock(&self.seen).iter().filter(|seen| seen.began >= then).cloned().collect()
    }

    /// Waits until each worker that does not rest has succeeded this often from now on with all that it does.
    pub(crate) async fn succeed(&self, times: usize) {
        let now = Instant::now();
        until("reads, writes and transactions succeed", async || {
            let mut seen = self.since(now);
            seen.retain(|seen| seen.outcome.is_ok());
            let succeeded = |worker: usize, work: &Work| {
                seen.iter().filter(|it| it.worker == worker && it.work == *work).count() >= times
            };
            self.workers.iter().enumerate().all(|(number, worker)| {
                self.rests(number) || worker.work.iter().all(|work| succeeded(number, work))
            })
        })
        .await;
    }

    /// Counts all that has ended, each as `fault` during its kind of work.
    pub(crate) fn report(&self, fault: &str, report: &mut Report) {
        for seen in &*lock(&self.seen) {
            report.count(&format!("{fault} during {}", seen.work.words()), &seen.outcome);
        }
    }

    /// The function of a worker.
    pub(crate) fn function(&self, worker: usize) -> &Deployed<'a> {
        &self.workers[worker].function
    }

    /// What all functions have printed.
    pub(crate) fn logs(&self) -> String {
        self.workers.iter().map(|worker| worker.function.logs()).collect()
    }
}

/// Fails unless the ledger is balanced on both servers, and they hold the same: a write of unknown outcome
/// that one of them alone has was run on a reader.
pub(crate) async fn assert_balanced(rig: &ClusterHarness, ledger: &Ledger) {
    rig.catch_up().await;
    let [one, other] = rig.cluster.members().each_ref().map(|member| {
        ledger.assert_balanced(member);
        let held = "SELECT id, n FROM hits ORDER BY id";
        tokio::task::block_in_place(|| member.execute(held)).expect("the server answers")
    });
    assert_eq!(one, other, "the two servers hold other rows");
}

/// Acts on a server while others act.
pub(crate) async fn blocking(server: &Arc<Server>, act: fn(&Server)) {
    let server = Arc::clone(server);
    spawn_blocking(move || act(&server)).await.unwrap();
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
