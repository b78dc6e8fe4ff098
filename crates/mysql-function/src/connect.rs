//! Logs in: verified TLS first, then a token that is signed for this login.
//!
//! With other options, the driver would send a password unencrypted or trust public web roots.
//! [`MySql::new`] is the only place that builds its options, always with TLS and only with the
//! roots of the trust store.

use diagnosis::EngineTexts;
use engine::Engine;
use mysql_async::consts::StatusFlags;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};
use sql_function::NameLimit;
use sql_function::dial::{Beside, Preference, Race};
use sql_function::sql::Dialect;
use sql_function::{Connector, Deadline, Error, Kind, Login, see_writer, token_at};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::connection::{CancelHandle, Connection, Floats};
use crate::session::{MAX_PACKET, Session, UNTRACKED, startup};
use crate::texts::MYSQL;
use crate::{failure, token, version};

/// Set so that the driver does not query it. The pool checks idle connections.
const WAIT_TIMEOUT: usize = 28_800;
/// How long the login for a KILL QUERY may take.
const KILL_LIMIT: Duration = Duration::from_secs(6);

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
    /// The family of addresses that is dialled first.
    preference: Preference,
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
        // The driver uses the process's default crypto provider: the trust store's, since MySQL too
        // accepts P-256 and not X25519. Fails if it is set already, by a second connector in a test.
        let provider = login.trust.client_config().crypto_provider().as_ref().clone();
        let _ = provider.install_default();
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
        let (floats, preference) = (Floats::default(), Preference::default());
        MySql { login, opts: opts.into(), startup, floats, preference }
    }

    fn login(&self) -> &Login {
        &self.login
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, Error> {
        let login = &self.login;
        let preference = Some(&self.preference);
        let mut race = Race::start(&login.connect_to, preference, deadline).await?;
        let seen = see_writer::<MySql>(login, &mut race, deadline).await?;
        // One at a time, to know the server's address for cancel requests.
        let mut next = seen.or_else(|| race.take_next());
        while let Some(address) = next {
            let attempt = self.log_in(address, deadline).await?;
            let attempt = self.preference.learn(address, attempt, failure::is_answer);
            next = match race.beside(address, deadline, attempt).await? {
                Beside::Ended(Ok(LoggedIn { conn, session, status, startup })) => {
                    let floats = self.floats.clone();
                    let through_proxy = login.is_through_proxy();
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
                Beside::Ended(Err(failure)) => match failure::unreached(&failure) {
                    Some(error) => {
                        race.failed(address, error);
                        race.take_next()
                    }
                    None => return Err(failure::login(login, failure)),
                },
                Beside::Overtaken(other) => Some(other),
            };
        }
        Err(race.error())
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
        let attempt = self.log_in(address, deadline).await?;
        let attempt = async { attempt.await.map_err(|error| failure::login(&self.login, error)) };
        let soon = deadline.at_most(Some(KILL_LIMIT));
        let LoggedIn { mut conn, .. } = soon.bound(|| "TLS and login".into(), attempt).await?;
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
    /// A login at one address, with a new token: it dials, verifies the server, logs in, and erases the
    /// token from the driver's memory.
    async fn log_in(
        &self,
        address: IpAddr,
        deadline: Deadline,
    ) -> Result<impl Future<Output = Result<LoggedIn, mysql_async::Error>> + Send, Error> {
        let login = &self.login;
        let token = token_at::<MySql>(login, address, deadline).await?;
        let opts = OptsBuilder::from_opts(self.opts.clone())
            .resolved_ips(Some(vec![address]))
            .pass(Some(token.expose()));
        drop(token);
        Ok(async move {
            // The driver dials first: what is done beside it takes no longer than the greeting.
            let (conn, ()) = tokio::join!(Conn::new(opts), async { version::expect() });
            let mut conn = conn?;
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
        })
    }
}
