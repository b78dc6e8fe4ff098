//! sqlx for PostgreSQL: a fresh token before each acquire, for the connection that it may open.

use driver_examples::{Database, Failure};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode, Postgres};
use std::time::SystemTime;

pub(crate) fn pool(db: &Database) -> PgPool {
    let options = PgConnectOptions::new_without_pgpass()
        .host(db.address.host()) // also the name that the certificate must have
        .port(db.address.port())
        .username(db.signer.user())
        .database(&db.name)
        .ssl_mode(PgSslMode::VerifyFull) // `Require` verifies nothing
        .ssl_root_cert_from_pem(db.trust.pem().into_bytes());
    PgPoolOptions::new().connect_lazy_with(options)
}

pub(crate) async fn acquire(
    pool: &PgPool,
    db: &Database,
) -> Result<PoolConnection<Postgres>, Failure> {
    let token = db.signer.token(SystemTime::now()).await?;
    pool.set_connect_options((*pool.connect_options()).clone().password(token.expose()));
    Ok(pool.acquire().await?)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let db = Database::from_environment().await?;
    let mut connection = acquire(&pool(&db), &db).await?;
    let query = sqlx::query_scalar("SELECT current_user::text");
    let user: String = query.fetch_one(&mut *connection).await?;
    println!("logged in as {user}");
    Ok(())
}
