//! Logs in: verified TLS first, then a token that is signed for this login.
//!
//! With other options, the driver would send a password unencrypted or trust public web roots.
//! [`MySql::new`] is the only place that builds its options, always with TLS and only with the
//! roots of the trust store.

use diagnosis::{Cause, EngineTexts};
use engine::Engine;
use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};
use sql_function::NameLimit;
use sql_function::sql::Dialect;
use sql_function::{Connector, Deadline, Error, Kind, Login, dial, token_at};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::{CancelHandle, Connection, Floats};
use crate::session::{MAX_PACKET, Session, UNTRACKED, startup};
use crate::texts::MYSQL;
use crate::{failure, token};

/// Set so that the driver does not query it. The pool checks idle connections.
const WAIT_TIMEOUT: usize = 28_800;
/// The part of the time for a login that is reserved to find out which step hangs.
const PROBE_RESERVE: Duration = Duration::from_millis(500);
/// How long TCP, TLS and login may take together, so that a server that hangs does not use up all
/// the time.
const LOGIN_LIMIT: Duration = Duration::from_secs(6);

/// A connection with a new session.
struct LoggedIn {
    conn: Conn,
    /// What the server said of the session.
    session: Session,
    /// The status that the server reported for it.
    status: StatusFlags,
    /// The statements that set it up.
    startup: Arc<[String]>,
}

/// Logs in to MySQL and MariaDB.
pub struct MySql {
    login: Login,
    /// Everything except addresses and token. Contains the TLS configuration, built at the first
    /// login.
    opts: Opts,
    /// The statements that set up a session.
    startup: Arc<[String]>,
    floats: Floats,
}

impl Connector for MySql {
    type Connection = Connection;
    const ENGINE: Engine = Engine::MySql;
    // MariaDB's (USERNAME_CHAR_LENGTH in mysql_com.h). MySQL's is 32; the greeting tells which it
    // is.
    const USER_NAME_LIMIT: NameLimit = NameLimit::Characters(128);
    const TEXTS: &'static EngineTexts = MYSQL;
    const DIALECT: Dialect = sql_function::sql::MYSQL;

    fn new(login: Login) -> MySql {
        // The driver uses the process's default crypto provider. Fails if it is set already, by a
        // second connector in a test.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots = login.trust.certificates();
        let roots = roots.iter().map(|root| root.to_vec().into()).collect();
        let tls = SslOpts::default().with_root_certs(roots).with_disable_built_in_roots(true);
        let opts = OptsBuilder::default()
            .ip_or_hostname(login.endpoint().host()) // the name that the certificate must have
            .tcp_port(login.connect_to.port())
            .user(Some(login.signer.user()))
            .db_name(Some(&login.database))
            .ssl_opts(tls)
            .enable_cleartext_plugin(true) // the token, inside TLS
            .stmt_cache_size(0)
            .prefer_socket(false) // saves three queries
            .max_allowed_packet(Some(MAX_PACKET))
            .wait_timeout(Some(WAIT_TIMEOUT));
        let startup = startup(&login).into();
        MySql { login, opts: opts.into(), startup, floats: Floats::default() }
    }

    fn login(&self) -> &Login {
        &self.login
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, Error> {
        let mut failure = None;
        // One at a time, to know the server's address for cancel requests.
        for address in dial::resolve(&self.login.connect_to, deadline).await? {
            match self.log_in(address, deadline).await {
                Ok(LoggedIn { conn, session, status, startup }) => {
                    let floats = self.floats.clone();
                    let through_proxy = self.login.is_through_proxy();
                    return Ok(Connection::new(
                        conn,
                        session,
                        status,
                        address,
                        startup,
                        floats,
                        through_proxy,
                    ));
                }
                Err(error) if error.kind() == Kind::ConnectTcp => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failure.unwrap_or_else(|| {
            dial::no_tcp(&self.login.connect_to, Cause::NameUnresolved, "no address to try")
        }))
    }

    /// KILL QUERY over a second connection to the same server: users may cancel their own
    /// statements. Behind an RDS Proxy, the server's connection may be another client's by then.
    async fn cancel(&self, handle: &CancelHandle, deadline: Deadline) -> Result<(), Error> {
        let CancelHandle { address, thread } = *handle;
        if self.login.is_through_proxy() {
            let message = "nothing is killed through an RDS Proxy, where the server's connection may \
                           be another client's";
            return Err(Error::new(Kind::Query, message));
        }
        // Without a probe: there is too little time left.
        let LoggedIn { mut conn, .. } = self.try_log_in(address, deadline).await?;
        let kill = async {
            let killed = conn.query_drop(format!("KILL QUERY {thread}")).await;
            killed.map_err(|error| failure::command("KILL QUERY", error, false))?;
            let _ = conn.disconnect().await; // it is done
            Ok(())
        };
        deadline.bound(|| "KILL QUERY".into(), kill).await
    }
}

impl MySql {
    /// Logs in at one address. If that hangs, the error tells whether TCP does.
    async fn log_in(&self, address: IpAddr, deadline: Deadline) -> Result<LoggedIn, Error> {
        match self.try_log_in(address, deadline.less(PROBE_RESERVE)).await {
            // The driver does TCP, TLS and login in one call: try TCP alone.
            Err(error) if error.kind() == Kind::Timeout => {
                let deadline = deadline.at_most(Some(PROBE_RESERVE));
                dial::connect(&self.login.connect_to, &[address], deadline).await?;
                Err(error)
            }
            outcome => outcome,
        }
    }

    /// Dials one address, verifies the server, logs in, and erases the token from the driver's
    /// memory.
    async fn try_log_in(&self, address: IpAddr, deadline: Deadline) -> Result<LoggedIn, Error> {
        let login = &self.login;
        let token = token_at::<MySql>(login, address, deadline).await?;
        let opts = OptsBuilder::from_opts(self.opts.clone())
            .resolved_ips(Some(vec![address]))
            .pass(Some(token.expose()));
        drop(token);
        let attempt = async {
            let mut conn = Conn::new(opts).await?;
            let mut startup = self.startup.clone();
            let (session, status) = token::erase(&mut conn, &startup).await?;
            if session.is_limited && login.is_through_proxy() {
                tracing::warn!(
                    "completion_type or sql_select_limit is set on the server, which would change \
                     results: setting it for the session pins the RDS Proxy's connection"
                );
                let untracked = format!("SET {UNTRACKED}");
                conn.query_drop(&untracked).await?;
                startup = startup.iter().cloned().chain([untracked]).collect();
            }
            Ok(LoggedIn { conn, session, status, startup })
        };
        let attempt = async { attempt.await.map_err(|error| failure::login(login, error)) };
        deadline.at_most(Some(LOGIN_LIMIT)).bound(|| "TLS and login".into(), attempt).await
    }
}
