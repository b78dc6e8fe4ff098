//! Logins that take long, or are denied for a moment, and connections of two roles.

use diagnosis::Cause;
use engine::Engine;
use fault_proxy::{Condition, Ending, Proxy};
use function_harness::event::ITEMS;
use function_harness::faults;
use function_harness::{Deployed, Harness, closed_port};
use local_rds::Server;
use local_rds::iam::AccessKey;
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

use super::denied::lists;
use super::{STEPS, diagnosis, is_healthy, names};

const CLUSTER: &str = "shop.cluster-abc123def456.eu-west-1.rds.amazonaws.com";
const READERS: &str = "shop.cluster-ro-abc123def456.eu-west-1.rds.amazonaws.com";
/// Longer than a step takes without a reason.
const PAUSE: Duration = Duration::from_millis(7500);
/// Longer than a pause.
const TIMEOUT: Duration = Duration::from_secs(40);
/// Shorter than any.
const TOO_SHORT: Duration = Duration::from_secs(4);

/// A database that resumes, one that does not in time, RDS's own check that fails for some seconds; then a
/// function with a reader, and a writer that takes no writes. What takes long goes on side by side.
pub async fn waits(engine: Engine, bootstrap: &str) {
    let server = Server::builder(engine).named(CLUSTER).also_endpoint(READERS);
    let harness = Harness::with(server, bootstrap).await;
    tokio::join!(
        resumes(&harness, "tcp", Condition::Unanswered),
        resumes(&harness, "tls", Condition::Freeze),
        resumes(&harness, "login", Condition::HoldLogins),
        resumes_at_the_start(&harness),
        is_silent(&harness, "tcp", Condition::Unanswered, false),
        is_silent(&harness, "tcp", Condition::Unanswered, true),
        is_silent(&harness, "tls", Condition::Freeze, false),
        is_silent(&harness, "login", Condition::HoldLogins, true),
        denied_for_a_moment(&harness),
    );
    reader(&harness).await;
    read_only(engine, &harness).await;
}

async fn deploy<'a>(harness: &'a Harness, proxy: &Proxy, timeout: Duration) -> Deployed<'a> {
    let address = proxy.address().to_string();
    harness.deploy_limited(timeout, &[("DB_CONNECT_TO", &*address)], &[]).await
}

fn step<'a>(diagnosis: &'a Value, name: &str) -> &'a Value {
    let at = STEPS.iter().position(|step| *step == name).unwrap();
    &diagnosis["steps"][at]
}

/// The diagnosis waits for it, and says what it was, and how long it took.
async fn resumes(harness: &Harness, at: &str, condition: Condition) {
    let proxy = faults::proxy(harness).await;
    let function = deploy(harness, &proxy, TIMEOUT).await;
    function.ok(ITEMS).await;
    proxy.set(condition);
    let diagnosis = resumed(&function, &proxy, at).await;
    assert!(step(&diagnosis, at)["ms"].as_f64().unwrap() > 5_000.0, "{at}: {diagnosis:#}");
    is_healthy(&function).await;
}

/// The login of the initialization waits, before the diagnosis begins.
async fn resumes_at_the_start(harness: &Harness) {
    let proxy = faults::proxy(harness).await;
    proxy.set(Condition::HoldLogins);
    let function = deploy(harness, &proxy, TIMEOUT).await;
    let diagnosis = resumed(&function, &proxy, "login").await;
    let because = diagnosis["causes"][0]["because"].as_str().unwrap();
    assert!(because.contains("the login before this one took "), "{because}");
    is_healthy(&function).await;
}

async fn resumed(function: &Deployed<'_>, proxy: &Proxy, at: &str) -> Value {
    let resume = async {
        sleep(PAUSE).await;
        proxy.set(Condition::Clear);
    };
    let (diagnosis, ()) = tokio::join!(names(function, at, Cause::DatabasePaused), resume);
    let seen = step(&diagnosis, at)["seen"].as_str().unwrap();
    assert!(seen.ends_with("s, and went well then"), "{at}: {diagnosis:#}");
    assert_eq!(step(&diagnosis, "statements")["verdict"], "ok", "{at}: {diagnosis:#}");
    let suspect = &diagnosis["causes"][0];
    assert!(suspect["title"].as_str().unwrap().contains("was paused, and resumes"), "{suspect:#}");
    assert!(suspect["fix"].as_str().unwrap().contains("keeps it awake, and billed"), "{suspect:#}");
    diagnosis
}

/// Silence to the end may be a pause. That comes first where rules of the network do not explain it: the
/// server accepts connections, or has let the environment in before.
async fn is_silent(harness: &Harness, at: &str, condition: Condition, is_known: bool) {
    let proxy = faults::proxy(harness).await;
    let function = deploy(harness, &proxy, TOO_SHORT).await;
    if is_known {
        function.ok(ITEMS).await;
    }
    proxy.set(condition);
    proxy.sever(Ending::Close);
    let other = match at {
        "tcp" => Cause::TcpSilent,
        "tls" => Cause::ServerSilent,
        _ => Cause::LoginSilent,
    };
    let first = if at == "tcp" && !is_known { other } else { Cause::DatabasePaused };
    let diagnosis = names(&function, at, first).await;
    lists(&diagnosis, &[other, Cause::DatabasePaused]);
    proxy.set(Condition::Clear);
}

/// The server has accepted a token of the environment before, and denies one for some seconds: longer than
/// everything else takes that is tried.
async fn denied_for_a_moment(harness: &Harness) {
    let key = AccessKey::random();
    let iam = harness.server.iam();
    let accept = |keys: &[&AccessKey]| {
        iam.set_keys(
            keys.iter().map(|&key| key.clone()).chain([harness.server.access_key()]).collect(),
        );
    };
    accept(&[&key]);
    let function = harness.deploy_signed_by(key.clone(), &[]).await;
    function.ok(ITEMS).await;
    accept(&[]);
    let mend = async {
        sleep(Duration::from_secs(5)).await;
        accept(&[&key]);
    };
    let (diagnosis, ()) = tokio::join!(names(&function, "login", Cause::IamCheckFails), mend);
    lists(&diagnosis, &[Cause::Throttled]);
    let tried = step(&diagnosis, "login")["facts"]["tried"].as_array().unwrap();
    let last = tried.last().unwrap();
    assert!(last["what"].as_str().unwrap().starts_with("the same login"), "{diagnosis:#}");
    assert_eq!(last["accepted"], true, "{diagnosis:#}");
    is_healthy(&function).await;
}

/// What both roles are; and a reader that is away is a warning.
async fn reader(harness: &Harness) {
    let to = harness.server.address().to_string();
    let with = async |address: &str| {
        let at = [("DB_READER_HOST", READERS), ("DB_READER_CONNECT_TO", address)];
        harness.deploy(&at).await
    };
    let function = with(&to).await;
    let same = diagnosis(&function).await;
    assert_eq!(same["ok"], true, "{same:#}");
    assert_eq!(same["causes"][0]["cause"], Cause::ReaderIsWriter.id(), "{same:#}");
    let endpoint = step(&same, "endpoint")["seen"].as_str().unwrap();
    assert!(endpoint.contains(&format!("statements that read go to {READERS}")), "{endpoint}");
    assert_eq!(step(&same, "settings")["facts"]["db_reader_host"], READERS);
    assert_eq!(step(&same, "database")["facts"]["reader"]["read_only"], false, "{same:#}");

    let closed = closed_port();
    let away = with(&closed.local_addr().unwrap().to_string()).await;
    let away = names(&away, "database", Cause::ReaderAway).await;
    let because = away["causes"][0]["because"].as_str().unwrap();
    assert!(because.contains(READERS) && because.contains("refused"), "{because}");
    assert_eq!(step(&away, "statements")["verdict"], "ok", "{away:#}");
}

/// The name of a cluster's writer leads to a server that takes no writes, as for a while after a failover. If
/// it does not tell the writer in time, the diagnosis goes on without.
async fn read_only(engine: Engine, harness: &Harness) {
    let sql = |of_mysql: &str, of_postgres: &str| {
        let sql = if engine == Engine::Postgres { of_postgres } else { of_mysql };
        harness.server.execute(sql).unwrap();
    };
    // PostgreSQL ends a question that takes long by itself.
    if engine != Engine::Postgres {
        let user = harness.server.user();
        let grant = format!("GRANT SELECT ON mysql.rds_topology TO '{user}'@'%'");
        for of_mysql in ["CREATE VIEW mysql.rds_topology AS SELECT SLEEP(600) AS id", &grant] {
            harness.server.execute(of_mysql).unwrap();
        }
    }
    sql("SET GLOBAL read_only = ON", "ALTER DATABASE app SET default_transaction_read_only = on");
    let to = harness.server.address().to_string();
    let at = [("DB_READER_HOST", READERS), ("DB_READER_CONNECT_TO", &*to)];
    let function = harness.deploy(&at).await;
    let moved = names(&function, "database", Cause::WriterMoved).await;
    lists(&moved, &[Cause::ReadOnly]);
    assert_eq!(step(&moved, "database")["facts"]["reader"]["read_only"], true, "{moved:#}");
    assert_eq!(step(&moved, "statements")["verdict"], "ok", "{moved:#}");
}
