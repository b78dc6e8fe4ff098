//! What databases and networks do to connections: restarts, freezes, idle time-outs, changed
//! credentials and clocks, full servers, and networks that are slow or down.
//!
//! Each fault is either healed within the invocation or reported for what it is, and the next
//! invocation without the fault gets its own rows.

use engine::Engine;
use fault_proxy::{Condition, Direction, Ending};
use function_harness::faults::{self, Ledger, Report, query};
use function_harness::{Harness, until};
use local_rds::Server;
use local_rds::iam::AccessKey;
use std::net::TcpStream;
use std::time::Duration;

/// The functions' time-out: short, because some faults last until then.
const TIMEOUT: Duration = Duration::from_secs(4);

/// SIGKILL and restart of the server while the connection is idle, during a login, a read, a write and a
/// transaction.
pub async fn restarts(engine: Engine, bootstrap: &str) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    let slow = slow_statements(engine);
    let slow = slow.each_ref().map(|(name, sql)| (*name, sql.as_str()));
    let address = harness.server.address();
    let function = faults::deploy(&harness, address, Duration::from_secs(60), &slow).await;
    let hasty = faults::deploy(&harness, address, TIMEOUT, &[]).await;
    let ledger = Ledger::default();
    let mut report = Report::new(engine, "restarts");

    faults::echo(&function, 0).await.unwrap();
    faults::echo(&hasty, 0).await.unwrap();
    harness.server.kill().unwrap();
    let ending = right_or(&["Connect.Tcp", "ConnectionLost"], faults::echo(&hasty, 1).await);
    report.count("server killed, read while it is away", &ending);
    let ending = right_or(&["Connect.Tcp"], ledger.write(&hasty).await);
    report.count("server killed, write while it is away", &ending);
    let (ending, ()) = tokio::join!(faults::echo(&function, 2), restart(&harness));
    report.count("server killed and restarted between invocations", &ending);
    ending.expect("it waits for the server");

    for (statement, write, fault) in [
        ("slow-read", false, "server killed and restarted during a read"),
        ("slow-hit", true, "server killed and restarted during a write"),
    ] {
        let run = async {
            if write {
                return ledger.write_with(&function, statement).await;
            }
            function
                .invoke(r#"{"statement":"slow-read"}"#)
                .await
                .map(drop)
                .map_err(|(kind, _)| kind)
        };
        let (ending, ()) = tokio::join!(run, kill_when_slow(&harness));
        let kind = ending.as_ref().unwrap_err();
        assert_eq!(kind, if write { "OutcomeUnknown" } else { "ConnectionLost" }, "{fault}");
        report.count(fault, &ending);
        faults::echo(&function, 3).await.unwrap();
    }
    let transaction = ledger.transaction_with(&function, "slow-read");
    let (ending, ()) = tokio::join!(transaction, kill_when_slow(&harness));
    assert!(ending.is_err(), "a transaction without an end was done");
    report.count("server killed and restarted during a transaction", &ending);
    faults::echo(&function, 4).await.unwrap();
    ledger.assert_balanced(&harness.server);
    assert_eq!(
        query(&harness.server, "SELECT id FROM hits WHERE id > 1"),
        [[]; 0],
        "half a transaction"
    );
    report.write(bootstrap);
}

/// Statements that take long enough to be interrupted.
fn slow_statements(engine: Engine) -> [(&'static str, String); 2] {
    match engine {
        Engine::Postgres => [
            ("slow-read", "SELECT 1 AS one FROM pg_sleep(50)".into()),
            (
                "slow-hit",
                "-- mode: write\nINSERT INTO hits (id, n) SELECT $1::int, 1 FROM pg_sleep(50)"
                    .into(),
            ),
        ],
        Engine::MySql | Engine::MariaDb => [
            ("slow-read", "SELECT SLEEP(50) AS slept".into()),
            (
                "slow-hit",
                "-- mode: write\nINSERT INTO hits (id, n) SELECT CAST(? AS SIGNED), 1 + SLEEP(50)"
                    .into(),
            ),
        ],
    }
}

/// Kills the server once it executes a slow statement, and restarts it.
async fn kill_when_slow(harness: &Harness) {
    until("a slow statement is executed", async || harness.asleep("(50)").await == 1).await;
    harness.server.kill().unwrap();
    restart(harness).await;
}

async fn restart(harness: &Harness) {
    tokio::task::block_in_place(|| harness.server.restart()).expect("the server starts again");
}

/// The error must be one of `kinds`.
fn right_or(kinds: &[&str], ending: faults::Outcome) -> faults::Outcome {
    if let Err(kind) = &ending {
        assert!(kinds.contains(&&**kind), "{kind} is none of {kinds:?}");
    }
    ending
}

/// SIGSTOP of the server for longer than the deadline. What was sent meanwhile may still run when the
/// server resumes; its answer is not taken for another invocation's.
pub async fn frozen_server(engine: Engine, bootstrap: &str) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    let proxy = faults::proxy(&harness).await;
    let function = faults::deploy(&harness, proxy.address(), TIMEOUT, &[]).await;
    let ledger = Ledger::default();
    let mut report = Report::new(engine, "frozen-server");

    faults::echo(&function, 0).await.unwrap();
    harness.server.pause();
    let ending = faults::echo(&function, 1).await;
    assert_eq!(ending, Err("Timeout".into()));
    report.count("server frozen during a read", &ending);
    let ending = faults::echo(&function, 2).await;
    assert!(ending.is_err());
    report.count("server frozen during a login", &ending);
    harness.server.resume();
    for value in 3..6 {
        faults::echo(&function, value).await.unwrap();
    }

    harness.server.pause();
    let ending = ledger.write(&function).await;
    assert!(ending.is_err(), "the server was frozen");
    report.count("server frozen before a write", &ending);
    harness.server.resume();
    ledger.write(&function).await.unwrap();
    // The server has prepared it, so that only its execution remains.
    harness.server.pause();
    let ending = ledger.write(&function).await;
    assert_eq!(ending, Err("OutcomeUnknown".into()));
    report.count("server frozen during a write", &ending);
    harness.server.resume();

    ledger.transaction(&function).await.unwrap();
    harness.server.pause();
    let ending = ledger.transaction(&function).await;
    assert!(ending.is_err());
    report.count("server frozen during a transaction", &ending);
    harness.server.resume();
    faults::echo(&function, 7).await.unwrap();
    proxy.sever(Ending::Reset);
    faults::settled(&harness.server, 0).await;
    ledger.assert_balanced(&harness.server);
    report.write(bootstrap);
}

/// The network is slow, throttled, frozen, lossy, or refuses connections.
pub async fn network(engine: Engine, bootstrap: &str) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    let proxy = faults::proxy(&harness).await;
    let function = faults::deploy(&harness, proxy.address(), TIMEOUT, &[]).await;
    let ledger = Ledger::default();
    let mut report = Report::new(engine, "network");
    let mut value = 0;

    let conditions = [
        (Condition::Delay(Duration::from_millis(20)), "each packet 20 ms late"),
        (Condition::Bandwidth(50_000), "50 kB a second"),
        (Condition::Freeze, "nothing passes"),
        (Condition::Swallow(Direction::ToServer), "what is sent is lost"),
        (Condition::Swallow(Direction::ToClient), "what is answered is lost"),
        (Condition::Refuse, "connections are reset"),
        (Condition::BlackHole, "connections are not answered"),
    ];
    for (condition, fault) in conditions {
        let slow = matches!(condition, Condition::Delay(_) | Condition::Bandwidth(_));
        let only_new = matches!(condition, Condition::Refuse | Condition::BlackHole);
        for what in ["a read", "a write", "a transaction", "a login"] {
            if only_new && what != "a login" {
                continue;
            }
            proxy.set(Condition::Clear);
            value += 1;
            faults::echo(&function, value).await.unwrap();
            proxy.set(condition);
            value += 1;
            let ending = match what {
                "a write" => ledger.write(&function).await,
                "a transaction" => ledger.transaction(&function).await,
                "a login" => {
                    let read = async || faults::echo(&function, value).await;
                    faults::at_login(&proxy, read).await
                }
                _ => faults::echo(&function, value).await,
            };
            assert!(!slow || ending.is_ok(), "{fault} during {what}: {ending:?}");
            assert!(slow || ending.is_err(), "{fault} during {what}: it did not notice");
            report.count(&format!("{fault} during {what}"), &ending);
        }
    }
    proxy.set(Condition::Clear);
    proxy.sever(Ending::Reset);
    faults::settled(&harness.server, 0).await;
    ledger.assert_balanced(&harness.server);
    report.write(bootstrap);
}

/// The server ends idle connections.
pub async fn idle_timeout(engine: Engine, bootstrap: &str) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    let mut report = Report::new(engine, "idle-timeout");
    query(
        &harness.server,
        match engine {
            Engine::Postgres => "ALTER ROLE lambda_user SET idle_session_timeout = '1s'",
            Engine::MySql | Engine::MariaDb => "SET GLOBAL wait_timeout = 1",
        },
    );
    let proxy = faults::proxy(&harness).await;
    let function = faults::deploy(&harness, proxy.address(), TIMEOUT, &[]).await;
    let ledger = Ledger::default();
    for value in 0..2 {
        faults::echo(&function, value).await.unwrap();
        faults::settled(&harness.server, 0).await;
        let ending = ledger.write(&function).await;
        report.count("the server's idle time-out passed, then a write", &ending);
        ending.expect("it connects again before anything is sent");
        faults::settled(&harness.server, 0).await;
        let ending = faults::echo(&function, 10 + value).await;
        report.count("the server's idle time-out passed, then a read", &ending);
        ending.expect("it connects again");
    }
    ledger.assert_balanced(&harness.server);
    report.write(bootstrap);
}

/// Credentials are rotated, the server's clock is wrong, a token expires before it arrives.
pub async fn logins(engine: Engine, bootstrap: &str) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    let proxy = faults::proxy(&harness).await;
    let function = faults::deploy(&harness, proxy.address(), Duration::from_secs(6), &[]).await;
    let mut report = Report::new(engine, "logins");
    let iam = harness.server.iam();
    let (key, other) = (harness.server.access_key(), AccessKey::random());

    type Turn<'a> = Box<dyn Fn() + 'a>;
    let faults_and_cures: [(&str, Turn<'_>, Turn<'_>); 3] = [
        (
            "credentials rotated",
            Box::new(|| iam.set_keys(vec![other.clone()])),
            Box::new(|| iam.set_keys(vec![key.clone()])),
        ),
        (
            "server's clock 20 minutes ahead",
            Box::new(|| iam.set_clock_offset(20 * 60)),
            Box::new(|| iam.set_clock_offset(0)),
        ),
        (
            "server's clock 20 minutes behind",
            Box::new(|| iam.set_clock_offset(-20 * 60)),
            Box::new(|| iam.set_clock_offset(0)),
        ),
    ];
    for (fault, turn, cure) in faults_and_cures {
        faults::echo(&function, 1).await.unwrap();
        turn();
        let ending = faults::echo(&function, 2).await;
        report.count(&format!("{fault}, with a connection open"), &ending);
        ending.expect("an open connection goes on");
        let before = iam.refusals().len();
        let ending = faults::at_login(&proxy, async || {
            let (kind, message) = function.invoke(r#"{"statement":"items"}"#).await.unwrap_err();
            assert!(kind != "Login.Denied" || message.contains("rds-db:connect"), "{message}");
            Err(kind)
        });
        let ending = ending.await;
        assert_eq!(ending, Err("Login.Denied".into()));
        let tried = iam.refusals().len() - before;
        // After about 1 and 3 s more, and sooner when little time is left.
        assert!((2..=8).contains(&tried), "a denied login was tried {tried} times");
        report.count(&format!("{fault}, at a login"), &ending);
        cure();
        faults::echo(&function, 3).await.expect("it is well again");
    }

    let (accepted, refusals) = (proxy.accepted(), iam.refusals().len());
    proxy.set(Condition::Freeze);
    let expire = async {
        // The token was signed at the latest when the connection was made.
        until("it connects", async || proxy.accepted() > accepted).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        iam.set_clock_offset(16 * 60);
        proxy.set(Condition::Clear);
        until("a login is refused", async || iam.refusals().len() > refusals).await;
        iam.set_clock_offset(0);
    };
    let login = faults::at_login(&proxy, async || {
        let outcome = function.invoke(r#"{"statement":"items"}"#).await;
        outcome.map(drop).map_err(|(kind, _)| kind)
    });
    let (ending, ()) = tokio::join!(login, expire);
    let ending = right_or(&["Login.Denied"], ending);
    report.count("token expired between signing and login", &ending);
    faults::echo(&function, 4).await.unwrap();
    report.write(bootstrap);
}

/// The server cannot extend a table's file, as on a full disk: a limit on file sizes stands in for it.
/// The limit is above the size of the server's logs.
pub async fn disk_full(engine: Engine, bootstrap: &str) {
    const LIMIT: u64 = 40 << 20;
    let table = match engine {
        // Stored uncompressed.
        Engine::Postgres => {
            "CREATE TABLE big (v TEXT); ALTER TABLE big ALTER v SET STORAGE EXTERNAL;"
        }
        Engine::MySql | Engine::MariaDb => "CREATE TABLE big (v LONGTEXT);",
    };
    let harness = Harness::with_tables(Server::builder(engine), table, bootstrap).await;
    let fill = "-- mode: write\nINSERT INTO big (v) \
                SELECT REPEAT('x', 1000000) FROM items a, items b, items c, items d";
    let add = "-- mode: write\nINSERT INTO big (v) VALUES ('small')";
    let statements = [("fill", fill), ("add", add)];
    let quiet = [("AWS_LAMBDA_LOG_LEVEL", "WARN")];
    let function = harness.deploy_limited(Duration::from_secs(60), &quiet, &statements).await;
    let rows = || query(&harness.server, "SELECT COUNT(*) FROM big")[0][0].clone().unwrap();
    let mut report = Report::new(engine, "disk-full");

    let transaction = r#"{"transaction":[{"statement":"add"},{"statement":"fill"}]}"#;
    for (event, what, lost) in [
        (r#"{"statement":"fill"}"#, "write", "OutcomeUnknown"),
        (transaction, "transaction", "ConnectionLost"),
    ] {
        harness.server.limit_file_size(Some(LIMIT)).unwrap();
        let (kind, message) = function.invoke(event).await.unwrap_err();
        match engine {
            // A full disk is the only file error that it survives.
            Engine::MariaDb => {
                assert_eq!(kind, lost, "{message}\n{}", harness.server.log());
                harness.server.kill().unwrap();
                restart(&harness).await;
            }
            Engine::MySql => assert!(kind == "Query" && message.contains("is full"), "{message}"),
            Engine::Postgres => {
                assert!(kind == "Query" && message.contains("Check free disk space"), "{message}");
            }
        }
        assert_eq!(rows(), "0", "a part of it was kept");
        report.count(&format!("disk full during a {what}"), &Err(kind));
    }

    harness.server.limit_file_size(None).unwrap();
    let ending = function.invoke(r#"{"statement":"add"}"#).await;
    report.count("disk full, then room again", &ending.map(drop).map_err(|(kind, _)| kind));
    assert_eq!(rows(), "1");
    report.write(bootstrap);
}

/// The server has reached max_connections.
pub async fn too_many_connections(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).setting("max_connections", "10");
    let server = match engine {
        // Of ten, the administrator has one, and eight are reserved.
        Engine::Postgres => server.setting("superuser_reserved_connections", "8"),
        // How long a connection may take to log in.
        Engine::MySql | Engine::MariaDb => server.setting("connect_timeout", "300"),
    };
    let harness = faults::start(server, bootstrap).await;
    let proxy = faults::proxy(&harness).await;
    let function = faults::deploy(&harness, proxy.address(), TIMEOUT, &[]).await;
    let patient = faults::deploy(&harness, proxy.address(), Duration::from_secs(30), &[]).await;
    let mut report = Report::new(engine, "too-many-connections");

    let crowd = Crowd::fill(&harness).await;
    let (kind, message) = function.invoke(r#"{"statement":"items"}"#).await.unwrap_err();
    assert_eq!(kind, "Login.Refused", "{message}");
    assert!(message.contains("reserved concurrency"), "{message}");
    report.count("max_connections reached", &Err(kind));

    let relief = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        crowd.leave(&harness);
    };
    let (ending, ()) = tokio::join!(faults::echo(&patient, 1), relief);
    report.count("max_connections reached, for less than the deadline", &ending);
    ending.expect("it waits for its turn");
    report.write(bootstrap);
}

/// Clients that hold all connections.
struct Crowd(Vec<TcpStream>);

impl Crowd {
    async fn fill(harness: &Harness) -> Crowd {
        if harness.server.engine() == Engine::Postgres {
            // The one connection left.
            harness.deploy(&[]).await.ok(r#"{"statement":"items"}"#).await;
            return Crowd(vec![]);
        }
        // MySQL counts a connection before it has logged in.
        let connect = |_| TcpStream::connect(harness.server.address()).unwrap();
        let crowd = (0..10).map(connect).collect();
        let full = async || {
            let status = query(&harness.server, "SHOW STATUS LIKE 'Threads_connected'");
            status[0][1].as_deref().is_some_and(|count| count.parse::<u32>().unwrap() >= 10)
        };
        until("there is no room", full).await;
        Crowd(crowd)
    }

    fn leave(self, harness: &Harness) {
        if harness.server.engine() == Engine::Postgres {
            let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                       WHERE usename = 'lambda_user'";
            query(&harness.server, sql);
        }
        drop(self.0);
    }
}
