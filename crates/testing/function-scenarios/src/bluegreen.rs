//! The switchover of a blue/green deployment: two servers with resource ids of their own, of which the
//! name of one passes to the other.
//!
//! The order of events is AWS's ("Switching a blue/green deployment", Amazon RDS User Guide): writes are
//! stopped on both, connections are dropped and new ones refused, green catches up, the names change,
//! connections are let in, and at last writes.

use diagnosis::Cause;
use engine::Engine;
use fault_proxy::{Condition, Ending, Proxy};
use function_harness::event::ITEMS;
use function_harness::faults::{self, Ledger, Outcome, Report, connections, query};
use function_harness::{Deployed, Harness, until};
use local_rds::iam::Resource;
use local_rds::{Row, Server};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A time-out shorter than the switchover, so that invocations end in each of its phases.
const SHORT_TIMEOUT: Duration = Duration::from_secs(5);
/// A time-out that a busy machine does not exceed: Lambda would start another environment.
const LONG_TIMEOUT: Duration = Duration::from_secs(30);
/// How many invocations of each worker end in a phase before the next begins.
const IN_EACH_PHASE: u32 = 5;
/// The same where writes wait for a server that takes them, as long as they may.
const WHILE_WRITES_WAIT: u32 = 2;
/// Between two phases.
const CHANGE: &str = "";
/// What each worker does.
const WORK: [&str; 3] = ["a read", "a write", "a transaction"];

/// Both databases, and the name that leads to one of them.
struct Deployment {
    harness: Harness,
    green: Server,
    name: Proxy,
    /// The roots of both: on RDS they are the same.
    roots: String,
}

impl Deployment {
    async fn start(engine: Engine, bootstrap: &str) -> Self {
        let harness = faults::start(Server::builder(engine), bootstrap).await;
        let green = faults::start_second(Server::builder(engine), &harness).await;
        let name = faults::proxy(&harness).await;
        let roots = harness.folder().join("roots.pem");
        let both = [harness.server.ca_bundle(), green.ca_bundle()];
        fs::write(&roots, both.map(|file| fs::read_to_string(file).unwrap()).concat()).unwrap();
        let roots = roots.display().to_string();
        let deployment = Self { harness, green, name, roots };
        deployment.green.iam().stand_for(Resource {
            host: deployment.renamed("-green-abc123"),
            ..deployment.green_resource()
        });
        // Green takes no writes but those that are replicated.
        take_writes(&deployment.green, false).await;
        deployment
    }

    async fn deploy(&self, timeout: Duration) -> Deployed<'_> {
        let changes = [("DB_CA_BUNDLE", &*self.roots)];
        faults::deploy_with(&self.harness, self.name.address(), timeout, &[], &changes).await
    }

    fn blue(&self) -> &Server {
        &self.harness.server
    }

    /// Green, once it has the production name.
    fn green_resource(&self) -> Resource {
        let blue = self.blue().iam().resource();
        Resource { resource_id: "db-GREEN000000000000000000000".into(), ..blue.clone() }
    }

    /// The production name with an addition to its first part.
    fn renamed(&self, addition: &str) -> String {
        let (first, rest) = self.blue().host().split_once('.').unwrap();
        format!("{first}{addition}.{rest}")
    }

    /// Has both verifiers enforce a policy with these resource ids.
    fn allow(&self, ids: &[&str]) {
        let user = self.blue().user();
        let arn = |id: &&str| {
            let resource = Resource { resource_id: (*id).into(), ..self.green_resource() };
            format!("{:?}", resource.arn(user))
        };
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",
                "Action":"rds-db:connect","Resource":[{}]}}]}}"#,
            ids.iter().map(arn).collect::<Vec<_>>().join(",")
        );
        for server in [self.blue(), &self.green] {
            server.iam().set_policy(&policy).unwrap();
        }
    }

    fn ids(&self) -> [String; 2] {
        let blue = self.blue().iam().resource().resource_id.clone();
        [blue, self.green_resource().resource_id]
    }

    /// Drops blue's connections, lets nobody in, and copies to green what it lacks. Returns blue's rows.
    async fn cut_and_catch_up(&self) -> Vec<Row> {
        self.name.set(Condition::Refuse);
        until("blue has no connection", async || {
            disconnect(self.blue());
            connections(self.blue()) == 0
        })
        .await;
        // One whose login is going on has no user yet.
        until("nobody logs in to blue", async || {
            disconnect(self.blue());
            self.name.sever(Ending::Close);
            self.name.open() == 0 && connections(self.blue()) == 0
        })
        .await;
        let rows = hits(self.blue());
        if !rows.is_empty() {
            let values: Vec<_> = rows.iter().map(values).collect();
            replicate(&self.green, &format!("INSERT INTO hits VALUES {}", values.join(", ")));
        }
        rows
    }

    /// Gives green the production name, and lets connections in.
    fn rename(&self) {
        let old = Resource { host: self.renamed("-old1"), ..self.blue().iam().resource().clone() };
        self.blue().iam().stand_for(old);
        self.green.iam().stand_for(self.green_resource());
        self.name.move_to(self.green.address());
        self.name.set(Condition::Clear);
    }
}

/// Has the server refuse writes, or accept them again, as RDS does: MySQL and MariaDB by `read_only`,
/// PostgreSQL by `default_transaction_read_only` for the whole server.
async fn take_writes(server: &Server, yes: bool) {
    let read_only = if yes { "off" } else { "on" };
    match server.engine() {
        Engine::Postgres => {
            query(server, &format!("ALTER SYSTEM SET default_transaction_read_only = {read_only}"));
            query(server, "SELECT pg_reload_conf()");
            until("the setting is in force", async || {
                let now = query(server, "SHOW default_transaction_read_only");
                now == [[Some(read_only.to_owned())]]
            })
            .await;
        }
        Engine::MySql | Engine::MariaDb => {
            query(server, &format!("SET GLOBAL read_only = {read_only}"));
        }
    }
}

/// Ends every connection of the function's user.
fn disconnect(server: &Server) {
    match server.engine() {
        Engine::Postgres => {
            let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE usename = 'lambda_user'";
            query(server, all);
        }
        Engine::MySql | Engine::MariaDb => {
            let all = format!(
                "SELECT id FROM information_schema.processlist WHERE user = '{}'",
                server.user()
            );
            for row in query(server, &all) {
                // It may have ended by itself.
                let _ = server.execute(&format!("KILL {}", row[0].as_ref().unwrap()));
            }
        }
    }
}

/// Runs `sql` as replication does, which no read-only setting stops.
fn replicate(server: &Server, sql: &str) {
    let sql = match server.engine() {
        Engine::Postgres => format!("BEGIN READ WRITE; {sql}; COMMIT"),
        Engine::MySql | Engine::MariaDb => sql.to_owned(),
    };
    query(server, &sql);
}

fn hits(server: &Server) -> Vec<Row> {
    query(server, "SELECT id, n FROM hits ORDER BY id")
}

/// A row as SQL.
fn values(row: &Row) -> String {
    let cell = |at: usize| row[at].as_deref().unwrap();
    format!("({}, {})", cell(0), cell(1))
}

/// A switchover in the middle of reads, writes and transactions, with a policy that names both resource
/// ids: every acknowledged write is in green once, nothing is written to blue after the copy nor to green
/// before it may be, and the same environments go on.
pub async fn both_ids(engine: Engine, bootstrap: &str) {
    let deployment = Deployment::start(engine, bootstrap).await;
    let [blue_id, green_id] = deployment.ids();
    deployment.allow(&[&blue_id, &green_id]);
    let soak = Soak::new(engine, deployment.deploy(SHORT_TIMEOUT).await);

    let (_, _, _, (copied, [stopped, resumed])) =
        tokio::join!(soak.work(0), soak.work(1), soak.work(2), async {
            soak.phase("before").await;
            let before = soak.environments();
            take_writes(deployment.blue(), false).await;
            let stopped = Instant::now();
            soak.phase("blue takes no writes").await;
            let copied = deployment.cut_and_catch_up().await;
            soak.phase("connections are refused").await;
            deployment.rename();
            soak.phase("green takes no writes").await;
            assert_eq!(hits(&deployment.green), copied, "a write in green while it is read-only");
            take_writes(&deployment.green, true).await;
            let resumed = Instant::now();
            soak.phase("after").await;
            let wrote = soak.wrote.load(Ordering::Relaxed);
            until("a write succeeds", async || soak.wrote.load(Ordering::Relaxed) > wrote).await;
            soak.is_over.store(true, Ordering::Relaxed);
            assert_eq!(soak.environments(), before, "it was deployed again");
            (copied, [stopped, resumed])
        });

    assert!(copied.len() >= IN_EACH_PHASE as usize, "nothing was written before: {copied:?}");
    assert_eq!(hits(deployment.blue()), copied, "blue was written to after the copy");
    soak.ledger.assert_balanced(&deployment.green);
    for (server, id) in [(deployment.blue(), blue_id), (&deployment.green, green_id)] {
        let refusals = server.iam().refusals();
        assert!(refusals.iter().all(|refusal| !refusal.contains("polic")), "{id}: {refusals:?}");
    }
    let pauses = soak.pauses.into_inner().unwrap();
    for (what, pause) in WORK.iter().zip(pauses) {
        let outage = pause.longest.as_millis();
        println!("{engine}: {outage} ms from the last success of {what} before to the first after");
    }
    let closed = resumed.duration_since(stopped).as_millis();
    println!("{engine}: the databases took no writes for {closed} ms");
    soak.report.into_inner().unwrap().write(bootstrap);
}

/// Invocations side by side, and how they end.
struct Soak<'a> {
    function: Deployed<'a>,
    ledger: Ledger,
    report: Mutex<Report>,
    phase: Mutex<&'static str>,
    /// How many invocations of each worker began and ended in this phase.
    ended: [AtomicU32; 3],
    /// How many writes and transactions succeeded.
    wrote: AtomicU32,
    pauses: Mutex<[Pause; 3]>,
    is_over: AtomicBool,
}

/// The time between two successes of a worker.
#[derive(Clone, Copy, Default)]
struct Pause {
    last: Option<Instant>,
    longest: Duration,
}

impl<'a> Soak<'a> {
    fn new(engine: Engine, function: Deployed<'a>) -> Self {
        Self {
            function,
            ledger: Ledger::default(),
            report: Mutex::new(Report::new(engine, "blue-green")),
            phase: Mutex::new(CHANGE),
            ended: Default::default(),
            wrote: AtomicU32::new(0),
            pauses: Mutex::default(),
            is_over: AtomicBool::new(false),
        }
    }

    /// Sends one kind of work until it is over.
    async fn work(&self, worker: usize) {
        let mut value = 0;
        while !self.is_over.load(Ordering::Relaxed) {
            let began = *self.phase.lock().unwrap();
            let ending = match worker {
                0 => {
                    value += 1;
                    faults::echo(&self.function, value).await
                }
                1 => self.ledger.write(&self.function).await,
                _ => self.ledger.transaction(&self.function).await,
            };
            self.count(worker, began, &ending);
        }
    }

    fn count(&self, worker: usize, began: &'static str, ending: &Outcome) {
        if ending.is_ok() {
            self.wrote.fetch_add(u32::from(worker > 0), Ordering::Relaxed);
            let mut pauses = self.pauses.lock().unwrap();
            let (pause, now) = (&mut pauses[worker], Instant::now());
            let since = pause.last.map_or(Duration::ZERO, |last| now.duration_since(last));
            *pause = Pause { last: Some(now), longest: pause.longest.max(since) };
        }
        let what = WORK[worker];
        if began != CHANGE && began == *self.phase.lock().unwrap() {
            self.ended[worker].fetch_add(1, Ordering::Relaxed);
            assert_fits(began, what, ending);
        }
        let fault = format!("blue/green switchover during {what}");
        self.report.lock().unwrap().count(&fault, ending);
    }

    /// Waits until enough invocations have begun and ended in this phase. How those end that reach into
    /// a change between two phases is not known.
    async fn phase(&self, name: &'static str) {
        *self.phase.lock().unwrap() = name;
        self.ended.iter().for_each(|ended| ended.store(0, Ordering::Relaxed));
        let enough = match name {
            "connections are refused" => 1,
            "blue takes no writes" | "green takes no writes" => WHILE_WRITES_WAIT,
            _ => IN_EACH_PHASE,
        };
        until(name, async || {
            self.ended.iter().all(|ended| ended.load(Ordering::Relaxed) >= enough)
        })
        .await;
        *self.phase.lock().unwrap() = CHANGE;
    }

    /// The processes of the function.
    fn environments(&self) -> Vec<PathBuf> {
        let mut processes = self.function.processes();
        processes.sort();
        processes
    }
}

/// Fails unless an invocation that began and ended in this phase ended as it may. A busy machine may
/// exceed a time-out in any; the ledger then knows what became of a write.
fn assert_fits(phase: &str, what: &str, ending: &Outcome) {
    let is_read = what == "a read";
    let kind = ending.as_ref().err().map(String::as_str);
    let is_slow = matches!(kind, Some("Timeout" | "OutcomeUnknown"));
    let fits = is_slow
        || match phase {
            "before" => kind.is_none(),
            "blue takes no writes" => kind == (!is_read).then_some("ServerReadOnly"),
            "connections are refused" => kind.is_some(),
            "green takes no writes" => kind == (!is_read).then_some("ServerReadOnly"),
            _ => kind.is_none(),
        };
    assert!(fits, "{what}, {phase}: {ending:?}");
}

/// The same with a policy that names blue alone: nobody gets in any more. The environments that had
/// logged in say why, and go on once the policy names both.
pub async fn one_id(engine: Engine, bootstrap: &str) {
    let deployment = Deployment::start(engine, bootstrap).await;
    let [blue_id, green_id] = deployment.ids();
    deployment.allow(&[&blue_id]);
    let function = deployment.deploy(LONG_TIMEOUT).await;
    let ledger = Ledger::default();
    // A busy machine may exceed a time-out.
    let works = async || {
        until("it reads", async || faults::echo(&function, 1).await.is_ok()).await;
        until("it writes", async || ledger.write(&function).await.is_ok()).await;
    };
    works().await;
    let environments = function.processes();

    take_writes(deployment.blue(), false).await;
    deployment.cut_and_catch_up().await;
    deployment.rename();
    take_writes(&deployment.green, true).await;

    let message = match function.invoke(ITEMS).await {
        // It trusts a connection that it used a moment ago.
        Err((kind, _)) if kind == "ConnectionLost" => function.fails(ITEMS, "Login.Denied").await,
        outcome => {
            let (kind, message) = outcome.expect_err("nobody gets in");
            assert_eq!(kind, "Login.Denied", "{message}");
            message
        }
    };
    assert!(message.contains("another resource id than before"), "{message}");
    ledger.write(&function).await.unwrap_err();
    let diagnosis = function.ok(diagnosis::EVENT).await["diagnose"].take();
    assert_eq!(diagnosis["causes"][0]["cause"], Cause::ResourceIdChanged.id(), "{diagnosis:#}");
    let refusals = deployment.green.iam().refusals();
    let arn = deployment.green_resource().arn(deployment.green.user());
    let reason = format!("no statement of the policy allows rds-db:connect on {arn}");
    assert!(!refusals.is_empty() && refusals.iter().any(|it| it.contains(&reason)), "{refusals:?}");

    deployment.allow(&[&blue_id, &green_id]);
    works().await;
    assert_eq!(function.processes(), environments, "it was deployed again");
    ledger.assert_balanced(&deployment.green);
}
