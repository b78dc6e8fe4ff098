//! Functions behind a transaction pooler, which stands for an RDS Proxy: each transaction gets any of
//! two connections to the database, which all environments share.

use engine::Engine;
use function_harness::event::{ITEMS, call};
use function_harness::faults::{self, Ledger};
use function_harness::{Deployed, Harness, until};
use local_rds::Server;
use pooled_proxy::Proxy;
use serde_json::json;
use std::time::Duration;

const HOST: &str = "app.proxy-abc123def456.eu-west-1.rds.amazonaws.com";
/// The connections of the pooler to the database.
const CONNECTIONS: u32 = 2;
/// How many events are sent at once, and how many one after another.
const AT_ONCE: usize = 4;
const EVENTS: usize = 500;

const MADE: &str = "\
CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE place AS (x INT, m mood)";
const HIT: &str = "-- mode: write\n-- timeout: 9s\n\
INSERT INTO hits (id, n) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = hits.n + 1";
const SLOW: &str = "-- exclusive: true\nSELECT pg_sleep(2)::text AS slept";

/// Starts a server, and a proxy in front of it.
async fn start(engine: Engine, bootstrap: &str) -> (Harness, Proxy) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    harness.execute(MADE).await;
    let proxy = Proxy::start(&harness.server, HOST, CONNECTIONS).await.unwrap();
    (harness, proxy)
}

/// Deploys the function behind the proxy.
async fn deploy<'a>(
    harness: &'a Harness,
    proxy: &Proxy,
    statements: &[(&str, &str)],
) -> Deployed<'a> {
    let (address, bundle) = (proxy.address().to_string(), proxy.ca_bundle());
    let changes = [
        ("DB_HOST", HOST),
        ("DB_CONNECT_TO", &address),
        ("DB_CA_BUNDLE", bundle.to_str().unwrap()),
        ("AWS_LAMBDA_LOG_LEVEL", "WARN"),
    ];
    let statements = [&[("hit", HIT), ("slow", SLOW)], statements].concat();
    harness.deploy_limited(Duration::from_secs(20), &changes, &statements).await
}

/// Sends events one after another. Every answer must be that of its own statement.
async fn send(function: &Deployed<'_>, ledger: &Ledger, lane: usize) {
    for event in 0..EVENTS {
        match event % 5 {
            0 | 1 => ledger.write(function).await.unwrap(),
            2 if event % 20 == 2 => {
                ledger.transaction_with(function, "typed").await.unwrap();
            }
            2 => {
                let response = function.ok(&call("typed")).await;
                let typed = [json!([{"m": "ok"}]), json!([{"p": "(7,sad)"}])];
                assert_eq!(response["rows"], typed[lane % 2], "{response}");
            }
            _ => {
                let number = lane * EVENTS + event;
                let response =
                    function.ok(&format!(r#"{{"statement":"own","params":[{number}]}}"#)).await;
                let own = [json!([{"a": number}]), json!([{"b": number.to_string(), "who": "b"}])];
                assert_eq!(response["rows"], own[lane % 2], "{response}");
            }
        }
    }
}

/// Two functions with statements of their own share two connections: each of 2,000 events gets its own
/// answer, and each write is carried out once.
pub(crate) async fn events_side_by_side(engine: Engine, bootstrap: &str) {
    let (harness, proxy) = start(engine, bootstrap).await;
    let functions = [
        [("own", "SELECT $1::int AS a"), ("typed", "SELECT 'ok'::mood AS m")],
        [
            ("own", "SELECT $1::text AS b, 'b' AS who"),
            ("typed", "SELECT ROW(7, 'sad')::place AS p"),
        ],
    ];
    let functions = [
        deploy(&harness, &proxy, &functions[0]).await,
        deploy(&harness, &proxy, &functions[1]).await,
    ];
    let ledger = Ledger::default();
    let lanes: [_; AT_ONCE] = std::array::from_fn(|lane| send(&functions[lane % 2], &ledger, lane));
    let [a, b, c, d] = lanes;
    tokio::join!(a, b, c, d);
    ledger.assert_balanced(&harness.server);
    let sent = proxy.sent();
    assert!((2..=AT_ONCE).contains(&sent.logins), "{} logins", sent.logins);
    assert!(harness.connections().await <= CONNECTIONS as usize, "{}", proxy.log());
    assert_eq!((sent.names, sent.cancel_requests), (vec![], 0));
    assert_eq!((proxy.iam().refusals(), harness.server.iam().refusals()), (vec![], vec![]));
}

/// A run through the proxy and one past it exclude each other.
pub(crate) async fn one_lock(engine: Engine, bootstrap: &str) {
    let (harness, proxy) = start(engine, bootstrap).await;
    let through = deploy(&harness, &proxy, &[]).await;
    let past = harness.deploy_with(&[], &[("slow", SLOW)]).await;
    for (first, second) in [(&through, &past), (&past, &through)] {
        let event = call("slow");
        let late = async {
            until("the first one runs", async || harness.asleep("slept").await == 1).await;
            second.ok(&event).await
        };
        let (ran, skipped) = tokio::join!(first.ok(&event), late);
        assert_eq!((ran.get("skipped"), &skipped["skipped"]), (None, &json!(true)));
    }
    assert_eq!(through.ok(&call("slow")).await["connection"]["reused"], true);
    // What cannot be in a transaction gives the lock back itself: the session at the database goes on.
    harness.execute("CREATE PROCEDURE calm() LANGUAGE sql AS 'SELECT 1'").await;
    let calls = [("calm", "-- exclusive: true\n-- mode: write\nCALL calm()")];
    let function = deploy(&harness, &proxy, &calls).await;
    for _ in 0..2 {
        let response = function.ok(&call("calm")).await;
        assert_eq!(response.get("skipped"), None, "{response}");
        let held = "SELECT count(*)::text FROM pg_locks WHERE locktype = 'advisory'";
        assert_eq!(harness.execute(held).await[0][0].as_deref(), Some("0"));
    }
}

/// A statement does not run without the transaction that is to contain it: the proxy refuses the BEGIN
/// for want of a connection, and has one a moment later.
pub(crate) async fn refused_begin(engine: Engine, bootstrap: &str) {
    let (harness, proxy) = start(engine, bootstrap).await;
    harness
        .execute(
            "INSERT INTO hits VALUES (1, 0); CREATE FUNCTION w() RETURNS int LANGUAGE plpgsql AS \
             $$ BEGIN UPDATE hits SET n = n + 100 WHERE id = 1; RETURN 1; END $$; \
             ALTER FUNCTION w() SECURITY DEFINER",
        )
        .await;
    let statements = [
        ("writes", "SELECT w()"),
        (
            "both",
            "-- mode: write\nWITH one AS (UPDATE hits SET n = n + 1 WHERE id = 1 RETURNING id) \
             INSERT INTO hits SELECT 1000 + (SELECT max(id) FROM hits), 1 FROM one",
        ),
    ];
    let n = async || harness.execute("SELECT n::text FROM hits WHERE id = 1").await[0][0].clone();
    for (own, done) in [("off", "1"), ("on", "2")] {
        let own = format!("ALTER ROLE lambda_user SET default_transaction_read_only = {own}");
        harness.execute(&own).await;
        let function = deploy(&harness, &proxy, &statements).await;
        assert_eq!(function.ok(ITEMS).await["row_count"], 3);
        proxy.refuse_next_begin();
        assert_eq!(function.ok(&call("both")).await["rows_affected"], 2);
        assert_eq!(n().await.as_deref(), Some(done), "{own}");
        proxy.refuse_next_begin();
        let message = function.fails(&call("writes"), "Query").await;
        assert!(message.contains("25006"), "{message}");
        assert_eq!(n().await.as_deref(), Some(done), "{own}");
        proxy.refuse_next_begin();
        assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    }
}

/// A read in a transaction of writes is read-only, and nothing of that is left on the connection for the
/// next client: after a commit, a rollback, an error, and a client that is gone.
pub(crate) async fn nothing_left(engine: Engine, bootstrap: &str) {
    let harness = faults::start(Server::builder(engine), bootstrap).await;
    // One connection: every client gets it after the one before.
    let proxy = Proxy::start(&harness.server, HOST, 1).await.unwrap();
    harness
        .execute(
            "CREATE FUNCTION w() RETURNS int LANGUAGE plpgsql AS \
             $$ BEGIN DELETE FROM items; RETURN 1; END $$",
        )
        .await;
    let state = "SELECT current_setting('transaction_read_only') AS read_only, \
                 current_setting('default_transaction_read_only') AS by_default, \
                 current_setting('search_path') AS path, pg_backend_pid() AS pid";
    let statements = [
        ("writes", "SELECT w()"),
        ("state", &*format!("-- mode: write\n{state}")),
        ("sleep", "SELECT pg_sleep(20)::text AS slept"),
    ];
    let one = deploy(&harness, &proxy, &statements).await;
    let other = deploy(&harness, &proxy, &statements).await;
    let fresh = other.ok(&call("state")).await["rows"].clone();
    assert_eq!(fresh[0]["read_only"], "off");
    let hit = |id: u32| format!(r#"{{"statement":"hit","params":[{id}]}}"#);
    let again = async |when: &str| {
        let now = other.ok(&call("state")).await["rows"].clone();
        assert_eq!(now[0]["pid"] == fresh[0]["pid"], when != "a client that is gone", "{when}");
        assert_eq!(
            (&now[0]["read_only"], &now[0]["by_default"], &now[0]["path"]),
            (&fresh[0]["read_only"], &fresh[0]["by_default"], &fresh[0]["path"]),
            "after {when}"
        );
        assert_eq!(other.ok(&hit(99)).await["rows_affected"], 1, "after {when}");
    };
    one.ok(&format!(r#"{{"transaction":[{},{ITEMS},{}]}}"#, hit(1), hit(2))).await;
    again("a commit").await;
    let message =
        one.fails(&format!(r#"{{"transaction":[{},{}]}}"#, hit(3), call("writes")), "Query").await;
    assert!(message.contains("25006"), "{message}");
    again("a read that writes").await;
    let wrong = r#"{"statement":"hit","params":["x"]}"#;
    one.fails(&format!(r#"{{"transaction":[{},{ITEMS},{wrong}]}}"#, hit(4)), "Query").await;
    again("a rollback").await;
    let gone = format!(r#"{{"transaction":[{},{}]}}"#, hit(5), call("sleep"));
    let killed = async {
        until("the read runs", async || harness.asleep("slept").await == 1).await;
        one.kill();
    };
    let (outcome, ()) = tokio::join!(one.invoke(&gone), killed);
    assert!(outcome.is_err(), "{outcome:?}");
    again("a client that is gone").await;
    let hits = harness.execute("SELECT id FROM hits WHERE id < 99 ORDER BY id").await;
    let hits: Vec<_> = hits.iter().map(|row| row[0].as_deref().unwrap()).collect();
    assert_eq!(hits, ["1", "2"]);
    assert_eq!(proxy.sent().names, [""; 0]);
}

/// A token is checked twice: that of the client by the proxy, whose resource the policy names, and that
/// of the proxy by the database.
pub(crate) async fn two_verifiers(engine: Engine, bootstrap: &str) {
    let (harness, proxy) = start(engine, bootstrap).await;
    let function = deploy(&harness, &proxy, &[]).await;
    proxy.iam().set_policy(&policy(&harness.server.resource_arn(harness.server.user()))).unwrap();
    function.fails(ITEMS, "Login.Denied").await;
    assert!(proxy.iam().refusals()[0].contains("prx-"), "{:?}", proxy.iam().refusals());
    assert_eq!(harness.server.iam().refusals(), [""; 0]);
    let arn = proxy.iam().resource().arn(harness.server.user());
    proxy.iam().set_policy(&policy(&arn)).unwrap();
    assert_eq!(function.ok(ITEMS).await["row_count"], 3);
    // A function past the proxy needs the database's own resource.
    assert_eq!(harness.deploy(&[]).await.ok(ITEMS).await["row_count"], 3);
}

fn policy(arn: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Action":"rds-db:connect","Resource":"{arn}"}}]}}"#
    )
}
