//! One way to log in: verified TLS first, then a token signed for this login.
//!
//! The driver would send a password over an unencrypted connection if it were told to, and trust
//! the web's roots. [`MySql::new`] is the only place that builds its options, always with TLS, and
//! with the roots of the trust store alone.

use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};
use sql_function::session::{Connector, Login};
use sql_function::{Deadline, Error, dial};
use std::time::Duration;

use crate::failure;
use crate::query::{Connection, READ_ONLY};

/// The largest packet sent or accepted. An event is at most 6 MB, and so is a response: a longer row
/// ends the result before it fills the function's memory.
const MAX_PACKET: usize = 8 << 20;
/// Given to the driver so that it does not ask the server. Staleness is handled by the session.
const WAIT_TIMEOUT: usize = 28_800;
/// What is kept of the time for a login, to find out which of its steps hangs.
const PROBE: Duration = Duration::from_millis(500);

/// Logs in to MySQL and MariaDB.
pub(crate) struct MySql {
    login: Login,
    /// All but addresses and token. Holds the TLS configuration, built at the first login.
    opts: Opts,
}

impl Connector for MySql {
    type Connection = Connection;
    const ENGINE: &'static str = "MySQL";
    const DEFAULT_PORT: u16 = 3306;

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
            .init(vec![READ_ONLY])
            .prefer_socket(false) // three questions to the server less
            .max_allowed_packet(Some(MAX_PACKET))
            .wait_timeout(Some(WAIT_TIMEOUT));
        MySql { login, opts: opts.into() }
    }

    fn login(&self) -> &Login {
        &self.login
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, Error> {
        let login = &self.login;
        let addresses = dial::resolve(&login.connect_to, deadline).await?;
        let token = login.token().await?;
        let opts = OptsBuilder::from_opts(self.opts.clone())
            .resolved_ips(Some(addresses.clone()))
            .pass(Some(token.expose()));
        let attempt = async { Conn::new(opts).await.map_err(|error| failure::login(login, error)) };
        match deadline.less(PROBE).bound(|| "TLS and login".into(), attempt).await {
            Ok(connection) => Ok(Connection::new(connection)),
            // The driver does TCP, TLS and login in one: see whether TCP alone comes through.
            Err(error) if error.kind() == sql_function::Kind::Timeout => {
                dial::connect(&login.connect_to, &addresses, deadline).await?;
                Err(error)
            }
            Err(error) => Err(error),
        }
    }
}
