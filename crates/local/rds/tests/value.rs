//! A server as a value of a test.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test, with the real clock")]

use std::time::SystemTime;

use aws_credential_types::Credentials;
use iam_auth::{Endpoint, TrustStore};
use local_rds::{Engine, Server};
use tokio_postgres::config::{Config, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

async fn count_items(server: &Server) -> Result<i64, tokio_postgres::Error> {
    let (key, now) = (server.access_key(), SystemTime::now());
    let credentials = Credentials::new(key.id, key.secret, key.session_token, None, "test");
    let endpoint = Endpoint::with_region(server.host(), server.port(), server.region()).unwrap();
    let token = iam_auth::sign(&endpoint, server.user(), &credentials, now).unwrap();
    let roots = TrustStore::load(server.ca_bundle(), now).unwrap();
    let mut config = Config::new();
    config.host(server.host()).hostaddr(server.address().ip()).port(server.address().port());
    config.user(server.user()).password(token.expose()).dbname(server.database());
    config.ssl_mode(SslMode::Require);
    let tls = MakeRustlsConnect::new((*roots.client_config()).clone());
    let (client, connection) = config.connect(tls).await?;
    tokio::spawn(connection);
    Ok(client.query_one("SELECT count(*) FROM items", &[]).await?.get(0))
}

#[tokio::test]
async fn a_token_is_accepted_until_it_expires() {
    let items = "CREATE TABLE items (id int); INSERT INTO items VALUES (1), (2)";
    let server = Server::builder(Engine::Postgres).setup(items).start().unwrap();
    assert_eq!(count_items(&server).await.unwrap(), 2);

    server.iam().set_clock_offset(1000);
    count_items(&server).await.unwrap_err();
    assert!(server.iam().refusals()[0].contains("for 900 seconds, and it is now"));
}
