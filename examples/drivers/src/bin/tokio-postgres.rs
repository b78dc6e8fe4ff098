//! tokio-postgres: one login.

use driver_examples::{Database, Failure};
use std::time::SystemTime;
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let db = Database::from_environment().await?;
    let token = db.signer.token(SystemTime::now()).await?;
    let mut config = Config::new();
    // The default, `Prefer`, sends the token in clear text to a server that offers no TLS.
    config.ssl_mode(SslMode::Require);
    config.host(db.signer.endpoint().host()).port(db.address.port()).dbname(&db.name);
    config.user(db.signer.user()).password(token.expose());
    config.hostaddr(db.ip().await?); // what is dialled; `host` is what is verified
    let tls = MakeRustlsConnect::new((*db.trust.client_config()).clone());
    let (client, connection) = config.connect(tls).await?;
    tokio::spawn(connection);
    let row = client.query_one("SELECT current_user::text", &[]).await?;
    println!("logged in as {}", row.get::<_, String>(0));
    Ok(())
}
