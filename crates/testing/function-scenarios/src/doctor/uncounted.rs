//! What a diagnosis costs on the server: nothing that triggers an alarm on failed logins.

use diagnosis::Cause;
use engine::Engine;
use function_harness::{Harness, until};
use std::fs;

use super::{is_healthy, names};

/// If nothing is wrong, every login of a diagnosis succeeds, as counted by the verifier and the server,
/// and there are no more than it needs. MySQL's second login looks at the certificate.
pub async fn uncounted(engine: Engine, bootstrap: &str) {
    const TIMES: usize = 3;
    let logins = if engine == Engine::Postgres { 1 } else { 2 };
    let harness = Harness::start(engine, bootstrap).await;
    let function = harness.deploy(&[]).await;
    function.ok(r#"{"statement":"items"}"#).await;
    let before = (failed(&harness).await, allowed(&harness));
    for _ in 0..TIMES {
        is_healthy(&function).await;
    }
    until("the diagnoses' connections are closed", async || harness.connections().await == 1).await;
    assert_eq!(failed(&harness).await, before.0);
    assert_eq!(harness.server.iam().refusals(), Vec::<String>::new());
    assert_eq!(allowed(&harness) - before.1, TIMES * logins);
}

/// A user not created for IAM is denied once, and MySQL is asked once for each other spelling of the
/// name, which it counts too. No token is sent.
pub async fn denied_once(engine: Engine, bootstrap: &str) {
    let harness = Harness::start(engine, bootstrap).await;
    let (user, expected) = match engine {
        Engine::Postgres => ("CREATE ROLE by_password LOGIN PASSWORD 'secret'", 1),
        Engine::MySql => ("CREATE USER by_password@'%' IDENTIFIED BY 'secret'", 2),
        Engine::MariaDb => ("CREATE USER by_password@'%' IDENTIFIED BY 'secret'", 2),
    };
    harness.execute(user).await;
    let function = harness.deploy(&[("DB_USER", "by_password")]).await;
    function.fails(r#"{"statement":"items"}"#, "Login.Denied").await;
    let before = denials(&harness).await;
    names(&function, "login", Cause::UserNotForIam).await;
    until("the server has counted", async || denials(&harness).await >= before + expected).await;
    assert_eq!(denials(&harness).await, before + expected);
    assert_eq!(harness.server.iam().refusals(), Vec::<String>::new());
}

/// How many logins the server has denied, according to the server.
async fn denials(harness: &Harness) -> usize {
    let counters = failed(harness).await;
    match harness.server.engine() {
        Engine::Postgres => {
            counters.iter().filter(|line| line.contains("authentication failed")).count()
        }
        Engine::MySql | Engine::MariaDb => {
            let at = counters.iter().position(|name| name == "Aborted_connects").unwrap();
            counters[at + 1].parse().unwrap()
        }
    }
}

/// The logins that the verifier allowed.
fn allowed(harness: &Harness) -> usize {
    let log = fs::read_to_string(harness.server.iam().log_path()).unwrap();
    log.lines().filter(|line| line.contains(" allowed ")).count()
}

/// The server's counters of failed connections, or its log lines about them.
async fn failed(harness: &Harness) -> Vec<String> {
    if harness.server.engine() == Engine::Postgres {
        let log = harness.server.log();
        let words = ["FATAL", "failed", "incomplete", "could not", "EOF"];
        let tells = |line: &&str| words.iter().any(|word| line.contains(word));
        return log.lines().filter(tells).map(str::to_owned).collect();
    }
    let counters = harness.execute(
        "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Aborted%' \
         OR Variable_name LIKE 'Connection_errors%' OR Variable_name = 'Access_denied_errors'",
    );
    let counters: Vec<_> = counters.await.into_iter().flatten().flatten().collect();
    assert!(counters.iter().any(|name| name == "Aborted_connects"), "{counters:?}");
    counters
}
