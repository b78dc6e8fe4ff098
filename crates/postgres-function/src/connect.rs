//! One way to log in: verified TLS first, then a token signed for this login.
//!
//! The driver would fall back to an unencrypted connection if it were left to its defaults, and
//! answer a request for a password on it. [`Postgres::new`] is the only place that builds its
//! options, always with TLS, and with the roots of the trust store alone.

use sql_function::session::{Connector, Login};
use sql_function::{Deadline, Error, dial};
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslMode};
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::failure;
use crate::query::Connection;

/// Logs in to PostgreSQL.
pub(crate) struct Postgres {
    login: Login,
    /// All but the token.
    config: Config,
    tls: MakeRustlsConnect,
}

impl Connector for Postgres {
    type Connection = Connection;
    const ENGINE: &'static str = "PostgreSQL";
    const DEFAULT_PORT: u16 = 5432;

    fn new(login: Login) -> Postgres {
        let tls = MakeRustlsConnect::new(login.trust.client_config().as_ref().clone());
        let mut config = Config::new();
        config
            .user(login.signer.user())
            .dbname(&login.database)
            .application_name("rds-iam-lambda")
            .ssl_mode(SslMode::Require)
            .channel_binding(ChannelBinding::Disable); // it exists for SCRAM, which IAM is not
        Postgres { login, config, tls }
    }

    fn login(&self) -> &Login {
        &self.login
    }

    async fn connect(&self, deadline: Deadline) -> Result<Connection, Error> {
        let login = &self.login;
        let stream = dial::dial(&login.connect_to, deadline).await?;
        let name = login.endpoint().host(); // the name that the certificate must carry
        let tls =
            MakeTlsConnect::<tokio::net::TcpStream>::make_tls_connect(&mut self.tls.clone(), name);
        let tls = tls.map_err(|error| failure::name(login, error))?;
        let token = login.token().await?;
        let mut config = self.config.clone();
        config.password(token.expose());
        let attempt = async {
            config.connect_raw(stream, tls).await.map_err(|error| failure::login(login, error))
        };
        let (client, connection) = deadline.bound(|| "TLS and login".into(), attempt).await?;
        // Carries the bytes of the connection, and ends with it.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection ended");
            }
        });
        Ok(Connection::new(client))
    }
}
