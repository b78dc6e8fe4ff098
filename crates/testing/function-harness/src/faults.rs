//! What scenarios of faults share: a function whose connections go through a proxy, a ledger of its
//! writes, and a report.

mod ledger;
mod report;

pub use ledger::{Ledger, settled};
pub use report::Report;

use engine::Engine;
use fault_proxy::{Protocol, Proxy};
use local_rds::{Builder, Row, Server};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::deployed::Deployed;
use crate::harness::{self, Harness, borrowed};
use crate::names::Names;

/// A table in which each write is counted under its id.
const TABLE: &str = "CREATE TABLE hits (id INT PRIMARY KEY, n INT NOT NULL);";

/// Starts a server with the table of the [`Ledger`].
pub async fn start(server: Builder, bootstrap: &str) -> Harness {
    Harness::with_tables(server, TABLE, bootstrap).await
}

/// Starts a second server with that table, which knows the access key of the first.
pub async fn start_second(server: Builder, harness: &Harness) -> Server {
    harness::start(server.access_key(harness.server.access_key()), TABLE).await
}

/// Starts a proxy in front of the harness's server.
pub async fn proxy(harness: &Harness) -> Proxy {
    let protocol = protocol(harness);
    Proxy::start(harness.server.address(), protocol).await.expect("the proxy starts")
}

/// Starts a proxy in front of the harness's server at the endpoint's port, for a function that dials its
/// endpoint by [name](crate::names): at an address of loopback that nobody else uses, or at `address`.
pub async fn proxy_on(harness: &Harness, address: Option<IpAddr>) -> Proxy {
    let port = harness.server.port();
    if let Some(address) = address {
        return proxy_at(harness, (address, port).into()).await;
    }
    let start = async |address: IpAddr| {
        let address = SocketAddr::new(address, port);
        Proxy::start_on(address, harness.server.address(), protocol(harness)).await
    };
    // 127.0.0.1 is the server's. The others are the whole machine's too.
    for last in 2..=u8::MAX {
        if let Ok(proxy) = start([127, 16, 0, last].into()).await {
            return proxy;
        }
    }
    panic!("no address of loopback has port {port} free");
}

/// Starts a proxy in front of the harness's server at `address`. Port 0 stands for a free one.
pub async fn proxy_at(harness: &Harness, address: SocketAddr) -> Proxy {
    let proxy = Proxy::start_on(address, harness.server.address(), protocol(harness)).await;
    proxy.unwrap_or_else(|error| panic!("{address}: {error}"))
}

fn protocol(harness: &Harness) -> Protocol {
    match harness.server.engine() {
        Engine::Postgres => Protocol::Postgres,
        Engine::MySql | Engine::MariaDb => Protocol::MySql,
    }
}

/// Deploys the function with the statements `hit` and `echo`, and `more`, and has it connect to
/// `address`.
pub async fn deploy<'a>(
    harness: &'a Harness,
    address: SocketAddr,
    timeout: Duration,
    more: &[(&str, &str)],
) -> Deployed<'a> {
    deploy_with(harness, address, timeout, more, &[]).await
}

/// Deploys the function with the statements `hit` and `echo` without time-outs, and has it dial its endpoint
/// by name, as `names` says, with more `changes` of its environment variables.
pub async fn deploy_named<'a>(
    harness: &'a Harness,
    names: &Names,
    timeout: Duration,
    changes: &[(&str, &str)],
) -> Deployed<'a> {
    let changes = [&names.environment()[..], changes].concat();
    let untimed = own_statements(harness.server.engine());
    deploy_with(harness, harness.server.address(), timeout, &borrowed(&untimed), &changes).await
}

/// [`deploy`], with more `changes` of its environment variables.
pub async fn deploy_with<'a>(
    harness: &'a Harness,
    address: SocketAddr,
    timeout: Duration,
    more: &[(&str, &str)],
    changes: &[(&str, &str)],
) -> Deployed<'a> {
    let own = own_statements(harness.server.engine());
    let own = own.map(|(name, sql)| (name, format!("-- timeout: {STATEMENT_TIMEOUT}\n{sql}")));
    let statements = [&borrowed(&own)[..], more].concat();
    let address = address.to_string();
    let own = [("DB_CONNECT_TO", &*address), ("AWS_LAMBDA_LOG_LEVEL", "WARN")];
    let changes = [&own, changes].concat();
    harness.deploy_limited(timeout, &changes, &statements).await
}

/// The statements `hit` and `echo` without a time-out of their own, to be deployed as further statements.
pub fn own_statements(engine: Engine) -> [(&'static str, String); 2] {
    let (hit, echo) = match engine {
        Engine::Postgres => (
            "INSERT INTO hits (id, n) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = hits.n + 1",
            "SELECT $1::int AS v",
        ),
        Engine::MySql | Engine::MariaDb => (
            "INSERT INTO hits (id, n) VALUES (?, 1) ON DUPLICATE KEY UPDATE n = n + 1",
            "SELECT CAST(? AS SIGNED) AS v",
        ),
    };
    [("hit", format!("-- mode: write\n{hit}")), ("echo", echo.to_owned())]
}

/// The time-out of the statements `hit` and `echo`.
const STATEMENT_TIMEOUT: &str = "800ms";

/// How an invocation ended: right, or with an error type.
pub type Outcome = Result<(), String>;

/// Has the server return `value`. A wrong answer fails the test.
pub async fn echo(function: &Deployed<'_>, value: u32) -> Outcome {
    let event = format!(r#"{{"statement":"echo","params":[{value}]}}"#);
    let response = function.invoke(&event).await.map_err(|(error_type, message)| {
        assert!(is_honest_for_a_read(&error_type), "{error_type}: {message}");
        error_type
    })?;
    assert_eq!(response["rows"][0]["v"], value, "another invocation's answer: {response}");
    Ok(())
}

/// Has the server return a value, which must fail. Returns the error type and message.
pub async fn echo_fails(function: &Deployed<'_>) -> (String, String) {
    loop {
        let event = r#"{"statement":"echo","params":[1]}"#;
        let (kind, message) = function.invoke(event).await.expect_err("it must fail");
        // On a machine that is very busy, Lambda may end it before it can answer.
        if kind != "Sandbox.Timedout" {
            return (kind, message);
        }
    }
}

/// Whether a read may end with this error type because of the network or the server: it says where the
/// read failed, and not that something may have been changed.
fn is_honest_for_a_read(error_type: &str) -> bool {
    matches!(
        error_type,
        "ConnectionLost"
            | "Timeout"
            | "Connect.Dns"
            | "Connect.Tcp"
            | "Connect.Tls"
            | "Login.Refused"
    )
}

/// Ends the function's connection, and acts until the function opens a new one.
pub async fn at_login(proxy: &Proxy, act: impl AsyncFn() -> Outcome) -> Outcome {
    let accepted = proxy.accepted();
    proxy.sever(fault_proxy::Ending::Reset);
    for _ in 0..3 {
        let ending = act().await;
        if proxy.accepted() > accepted {
            return ending;
        }
        // It only noticed that the connection is gone.
        assert!(ending.is_err(), "the severed connection answered");
    }
    panic!("the function does not reconnect");
}

/// How many connections the function has, according to the server.
pub fn connections(server: &Server) -> usize {
    let sql = match server.engine() {
        Engine::Postgres => {
            "SELECT pid FROM pg_stat_activity WHERE usename = 'lambda_user'".to_owned()
        }
        Engine::MySql | Engine::MariaDb => format!(
            "SELECT id FROM information_schema.processlist WHERE user = '{}'",
            server.user()
        ),
    };
    query(server, &sql).len()
}

/// Rows for the administrator.
pub fn query(server: &Server, sql: &str) -> Vec<Row> {
    server.execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}\n{}", server.log()))
}
