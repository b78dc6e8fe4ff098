//! Reads, writes and transactions side by side, each in a function of its own, while the writer of a cluster
//! moves.

use engine::Engine;
use fault_proxy::Ending;
use function_harness::faults::{self, Ledger, Outcome, Report};
use function_harness::{ClusterHarness, Deployed, until};
use local_rds::Server;
use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The statement that says which server runs it.
pub(crate) const WHERE: &str = r#"{"statement":"where"}"#;
/// Between two invocations of a worker: more of them would only keep the machine busy.
const PACE: Duration = Duration::from_millis(10);
/// What workers do, in their order.
pub(crate) const WORK: [&str; 3] = ["a read", "a write", "a transaction"];

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

/// The functions, what they did, and how it ended.
pub(crate) struct Moving<'a> {
    functions: [Deployed<'a>; 3],
    pub(crate) ledger: Ledger,
    seen: Mutex<Vec<Seen>>,
    is_over: AtomicBool,
}

/// An invocation that has ended.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Its place in [`WORK`].
    pub(crate) worker: usize,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    pub(crate) outcome: Outcome,
    /// Where a read ran.
    pub(crate) port: Option<u64>,
}

impl<'a> Moving<'a> {
    pub(crate) async fn start(
        rig: &'a ClusterHarness,
        timeout: Duration,
        changes: &[(&str, &str)],
    ) -> Moving<'a> {
        let statement = [where_statement(rig.cluster.engine())];
        let deploy = || rig.deploy(timeout, &statement, changes);
        Moving {
            functions: [deploy().await, deploy().await, deploy().await],
            ledger: Ledger::default(),
            seen: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Does one kind of work again and again until it is over.
    pub(crate) async fn work(&self, worker: usize) {
        let function = &self.functions[worker];
        while !self.is_over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let (outcome, port) = match worker {
                0 => match function.invoke(WHERE).await {
                    Ok(response) => (Ok(()), Some(port(&response))),
                    Err((kind, message)) => {
                        assert!(faults::is_honest_for_a_read(&kind), "{kind}: {message}");
                        (Err(kind), None)
                    }
                },
                1 => (self.ledger.write(function).await, None),
                _ => (self.ledger.transaction(function).await, None),
            };
            let seen = Seen { worker, began, took: began.elapsed(), outcome, port };
            self.seen.lock().unwrap().push(seen);
            sleep(PACE).await;
        }
    }

    /// Does all of it while `act` runs.
    pub(crate) async fn during<T>(&self, act: impl Future<Output = T>) -> T {
        let act = async {
            let result = act.await;
            self.is_over.store(true, Ordering::Relaxed);
            result
        };
        let (.., result) = tokio::join!(self.work(0), self.work(1), self.work(2), act);
        result
    }

    /// The invocations that have begun since then and ended.
    pub(crate) fn since(&self, then: Instant) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.began >= then).cloned().collect()
    }

    /// Waits until each worker has succeeded this often from now on.
    pub(crate) async fn succeed(&self, times: usize) {
        let now = Instant::now();
        until("reads, writes and transactions succeed", async || {
            let seen = self.since(now);
            let succeeded =
                |worker| seen.iter().filter(|it| it.worker == worker && it.outcome.is_ok()).count();
            (0..WORK.len()).all(|worker| succeeded(worker) >= times)
        })
        .await;
    }

    /// Counts all that has ended, each as `fault` during its kind of work.
    pub(crate) fn report(&self, fault: &str, report: &mut Report) {
        for seen in &*self.seen.lock().unwrap() {
            report.count(&format!("{fault} during {}", WORK[seen.worker]), &seen.outcome);
        }
    }

    /// The function that writes.
    pub(crate) fn writing(&self) -> &Deployed<'a> {
        &self.functions[1]
    }

    /// What all functions have printed.
    pub(crate) fn logs(&self) -> String {
        self.functions.iter().map(Deployed::logs).collect()
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
