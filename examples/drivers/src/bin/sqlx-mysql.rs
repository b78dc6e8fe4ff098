//! sqlx for MySQL and MariaDB: a fresh token before each acquire, for the connection that it may open.

use driver_examples::{Database, Failure};
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlPool, MySqlPoolOptions, MySqlSslMode};
use sqlx::pool::PoolConnection;
use std::time::SystemTime;

pub(crate) fn pool(db: &Database) -> MySqlPool {
    let options = MySqlConnectOptions::new()
        .host(db.address.host()) // also the name that the certificate must have
        .port(db.address.port())
        .username(db.signer.user())
        .database(&db.name)
        .ssl_mode(MySqlSslMode::VerifyIdentity) // `Required` verifies nothing
        .ssl_ca_from_pem(db.trust.pem().into_bytes())
        .enable_cleartext_plugin(true);
    MySqlPoolOptions::new().connect_lazy_with(options)
}

pub(crate) async fn acquire(
    pool: &MySqlPool,
    db: &Database,
) -> Result<PoolConnection<MySql>, Failure> {
    let token = db.signer.token(SystemTime::now()).await?;
    pool.set_connect_options((*pool.connect_options()).clone().password(token.expose()));
    Ok(pool.acquire().await?)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let db = Database::from_environment().await?;
    let mut connection = acquire(&pool(&db), &db).await?;
    let user: String =
        sqlx::query_scalar("SELECT CURRENT_USER()").fetch_one(&mut *connection).await?;
    println!("logged in as {user}");
    Ok(())
}
