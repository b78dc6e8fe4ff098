//! What scenarios of faults share: a function whose connections go through a proxy, a ledger of its
//! writes, and a report.

mod ledger;
mod report;
mod view;

pub use ledger::{Answer, Ledger, settled};
pub use report::Report;
pub use view::newest;

use engine::Engine;
use fault_proxy::{Protocol, Proxy};
use local_rds::{Builder, Row, Server};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::deployed::Deployed;
use crate::harness::{self, Harness, borrowed};
use crate::names::Names;

/// A table in which each write is counted under its id.
pub(crate) const TABLE: &str = "CREATE TABLE hits (id INT PRIMARY KEY, n INT NOT NULL);";

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
    let server = &harness.server;
    Proxy::start(server.address(), protocol(server)).await.expect("the proxy starts")
}

/// Starts a proxy in front of the harness's server at the endpoint's port, for a function that dials its
/// endpoint by [name](crate::names): at an address of loopback that nobody else uses, or at `address`.
pub async fn proxy_on(harness: &Harness, address: Option<IpAddr>) -> Proxy {
    match address {
        Some(address) => proxy_at(harness, (address, harness.server.port()).into()).await,
        None => proxy_to(&harness.server).await,
    }
}

/// Starts a proxy in front of `server` at the endpoint's port, at an address of loopback that nobody else
/// uses.
pub async fn proxy_to(server: &Server) -> Proxy {
    let port = server.port();
    // 127.0.0.1 is the server's. The others are the whole machine's too.
    for last in 2..=u8::MAX {
        let address = SocketAddr::from(([127, 16, 0, last], port));
        if let Ok(proxy) = Proxy::start_on(address, server.address(), protocol(server)).await {
            return proxy;
        }
    }
    panic!("no address of loopback has port {port} free");
}

/// Starts a proxy in front of the harness's server at `address`. Port 0 stands for a free one.
pub async fn proxy_at(harness: &Harness, address: SocketAddr) -> Proxy {
    let server = &harness.server;
    let proxy = Proxy::start_on(address, server.address(), protocol(server)).await;
    proxy.unwrap_or_else(|error| panic!("{address}: {error}"))
}

/// Starts two proxies in front of the harness's server, at one port of these addresses.
pub async fn proxies_at_one_port(harness: &Harness, [one, other]: [IpAddr; 2]) -> [Proxy; 2] {
    let server = &harness.server;
    for _ in 0..20 {
        let first = proxy_at(harness, (one, 0).into()).await;
        // A port that is free at one address may be in use at the other.
        let address = (other, first.address().port()).into();
        match Proxy::start_on(address, server.address(), protocol(server)).await {
            Ok(second) => return [first, second],
            Err(error) => assert_eq!(error.kind(), ErrorKind::AddrInUse, "{address}: {error}"),
        }
    }
    panic!("no port is free at both {one} and {other}");
}

fn protocol(server: &Server) -> Protocol {
    match server.engine() {
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
pub fn is_honest_for_a_read(error_type: &str) -> bool {
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
