//! mysql_async: a pool whose connections log in with a token each.

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use driver_examples::{Database, Failure};
use mysql_async::{Conn, OptsBuilder, SslOpts, prelude::Queryable};
use std::time::SystemTime;

/// In place of `mysql_async::Pool`, which keeps one password.
pub(crate) struct Logins(pub(crate) Database);

impl Manager for Logins {
    type Type = Conn;
    type Error = Failure;

    async fn create(&self) -> Result<Conn, Failure> {
        let Database { signer, trust, address, name } = &self.0;
        let tls = SslOpts::default()
            .with_root_certs(vec![trust.pem().into_bytes().into()])
            .with_disable_built_in_roots(true) // the roots of the web
            .with_danger_tls_hostname_override(Some(signer.endpoint().host().to_owned()));
        let token = signer.token(SystemTime::now()).await?;
        let server = OptsBuilder::default().ip_or_hostname(address.host()).tcp_port(address.port());
        let login = server.user(Some(signer.user())).pass(Some(token.expose())).db_name(Some(name));
        // The token is sent as it is: never enable the one without the other.
        Ok(Conn::new(login.ssl_opts(tls).enable_cleartext_plugin(true).prefer_socket(false))
            .await?)
    }

    async fn recycle(&self, connection: &mut Conn, _: &Metrics) -> RecycleResult<Failure> {
        connection.ping().await.map_err(|error| Failure::from(error).into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let pool: Pool<_> = Pool::builder(Logins(Database::from_environment().await?)).build()?;
    let mut connection = pool.get().await.map_err(|error| format!("{error:?}"))?;
    let user: Option<String> = connection.query_first("SELECT CURRENT_USER()").await?;
    println!("logged in as {}", user.unwrap_or_default());
    Ok(())
}
