//! deadpool-postgres: a pool whose connections log in with a token each.

use deadpool::managed::{Manager, Metrics, Pool, RecycleResult};
use deadpool_postgres::ClientWrapper;
use driver_examples::{Database, Failure};
use std::time::SystemTime;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

/// In place of `deadpool_postgres::Manager`, which keeps one password.
pub(crate) struct Logins(pub(crate) Database);

impl Manager for Logins {
    type Type = ClientWrapper;
    type Error = Failure;

    async fn create(&self) -> Result<ClientWrapper, Failure> {
        let Database { signer, trust, address, name } = &self.0;
        let mut config = Config::new();
        config.ssl_mode(SslMode::Require).host(signer.endpoint().host()).port(address.port());
        config.hostaddr(self.0.ip().await?);
        let token = signer.token(SystemTime::now()).await?;
        config.user(signer.user()).password(token.expose()).dbname(name);
        let tls = MakeRustlsConnect::new((*trust.client_config()).clone());
        let (client, connection) = config.connect(tls).await?;
        Ok(ClientWrapper::new(client, tokio::spawn(async { connection.await.unwrap_or(()) })))
    }

    async fn recycle(&self, client: &mut ClientWrapper, _: &Metrics) -> RecycleResult<Failure> {
        client.simple_query("").await.map(drop).map_err(|error| Failure::from(error).into())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let pool: Pool<_> = Pool::builder(Logins(Database::from_environment().await?)).build()?;
    let client = pool.get().await.map_err(|error| format!("{error:?}"))?;
    let row = client.query_one("SELECT current_user::text", &[]).await?;
    println!("logged in as {}", row.get::<_, String>(0));
    Ok(())
}
