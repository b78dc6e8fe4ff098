//! One way to log in: verified TLS first, then a token signed for this login.
//!
//! The driver would send a password over an unencrypted connection if it were told to, and trust
//! the web's roots. [`MySql::new`] is the only place that builds its options, always with TLS, and
//! with the roots of the trust store alone.

use diagnosis::{Cause, EngineTexts};
use engine::Engine;
use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};
use sql_function::NameLimit;
use sql_function::sql::Dialect;
use sql_function::{Connector, Deadline, Error, Kind, Login, dial};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::query::{CancelHandle, Connection, Floats};
use crate::session::{MAX_PACKET, startup};
use crate::texts::MYSQL;
use crate::{failure, token};

/// Given to the driver so that it does not ask the server. Staleness is handled by the session.
const WAIT_TIMEOUT: usize = 28_800;
/// What is kept of the time for a login, to find out which of its steps hangs.
const PROBE: Duration = Duration::from_millis(500);
/// How long TCP, TLS and login may take together: a server that hangs must not take all the time
/// there is.
const LOGIN: Duration = Duration::from_secs(6);

/// A connection whose session has begun, and what the server said of it.
type LoggedIn = (Conn, StatusFlags);

/// Logs in to MySQL and MariaDB.
pub(crate) struct MySql {
    login: Login,
    /// All but addresses and token. Holds the TLS configuration, built at the first login.
    opts: Opts,
    /// What a session begins with.
    startup: Arc<[String]>,
    floats: Floats,
}

impl Connector for MySql {
    type Connection = Connection;
    const ENGINE: Engine = Engine::MySql;
    // MariaDB's (USERNAME_CHAR_LENGTH in mysql_com.h). MySQL keeps 32: which it is, its greeting says.
    const USER_NAME_LIMIT: NameLimit = NameLimit::Characters(128);
    const TEXTS: &'static EngineTexts = MYSQL;
    const DIALECT: Dialect = sql_function::sql::MYSQL;

    fn new(login: Login) -> MySql {
        // The driver takes its crypto provider from the process. It is there already when a test
        // made two connectors.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let roots = login.trust.certificates();
        let roots = roots.iter().map(|root| root.to_vec().into()).collect();
        let tls = SslOpts::default().with_root_certs(roots).with_disable_built_in_roots(true);
        let opts = OptsBuilder::default()
            .ip_or_hostname(login.endpoint().host()) // the name that the certificate must carry
            .tcp_port(login.connect_to.port())
            .user(Some(login.signer.user()))
            .db_name(Some(&login.database))
            .ssl_opts(tls)
            .enable_cleartext_plugin(true) // the token, inside TLS
            .stmt_cache_size(0)
            .prefer_socket(false) // three questions to the server less
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
        // One at a time, to know which server it is that a statement would be cancelled on.
        for address in dial::resolve(&self.login.connect_to, deadline).await? {
            match self.log_in(address, deadline).await {
                Ok((conn, status)) => {
                    let floats = self.floats.clone();
                    let through_proxy = self.login.is_through_proxy();
                    let startup = self.startup.clone();
                    return Ok(Connection::new(
                        conn,
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

    /// KILL QUERY, over a connection of its own to the same server: a user may end what runs in the
    /// sessions of its own.
    async fn cancel(&self, handle: &CancelHandle, deadline: Deadline) -> Result<(), Error> {
        let CancelHandle { address, thread } = *handle;
        if self.login.is_through_proxy() {
            let message = "an RDS Proxy does not tell which of the server's sessions this is";
            return Err(Error::new(Kind::Query, message));
        }
        // There is little time left, and none to find out what hangs if something does.
        let (mut conn, _) = self.try_log_in(address, deadline).await?;
        let kill = async {
            let killed = conn.query_drop(format!("KILL QUERY {thread}")).await;
            killed.map_err(|error| failure::command("KILL QUERY", error))?;
            let _ = conn.disconnect().await; // it has done its work
            Ok(())
        };
        deadline.bound(|| "KILL QUERY".into(), kill).await
    }
}

impl MySql {
    /// Logs in at one address. Where that hangs, the error tells whether TCP does.
    async fn log_in(&self, address: IpAddr, deadline: Deadline) -> Result<LoggedIn, Error> {
        match self.try_log_in(address, deadline.less(PROBE)).await {
            // The driver does TCP, TLS and login in one: see whether TCP alone comes through.
            Err(error) if error.kind() == Kind::Timeout => {
                let deadline = deadline.at_most(Some(PROBE));
                dial::connect(&self.login.connect_to, &[address], deadline).await?;
                Err(error)
            }
            outcome => outcome,
        }
    }

    /// Dials one address, verifies the server, logs in, and has the driver forget the token.
    async fn try_log_in(&self, address: IpAddr, deadline: Deadline) -> Result<LoggedIn, Error> {
        let login = &self.login;
        let token = login.token().await?;
        let opts = OptsBuilder::from_opts(self.opts.clone())
            .resolved_ips(Some(vec![address]))
            .pass(Some(token.expose()));
        drop(token);
        let attempt = async {
            let mut conn = Conn::new(opts).await?;
            let status = token::forget(&mut conn, &self.startup).await?;
            Ok((conn, status))
        };
        let attempt = async { attempt.await.map_err(|error| failure::login(login, error)) };
        deadline.at_most(Some(LOGIN)).bound(|| "TLS and login".into(), attempt).await
    }
}
