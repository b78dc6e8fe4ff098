//! What docs/DRIVERS.md says about each driver, seen on the driver.

use local_rds::Engine;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder, SslOpts};
use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio_postgres::config::Config;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::hostile;
use crate::world::World;

/// What stands for a token where none is checked.
const TOKEN: &str = "db.abc123def456.eu-west-1.rds.amazonaws.com:5432/?Action=connect&DBUser=u&\
                     X-Amz-Credential=AKID%2F20261130%2Feu-west-1%2Frds-db%2Faws4_request&\
                     X-Amz-Signature=0123456789abcdef";

#[tokio::test]
async fn tokio_postgres_falls_back_to_plaintext() {
    let server = hostile::Server::start(Engine::Postgres);
    let mut config = Config::new();
    config.host("localhost").port(server.port()).user("u").password(TOKEN).dbname("d");
    let root = iam_auth::TrustStore::rds("eu-west-1", std::time::SystemTime::now()).unwrap();
    let tls = MakeRustlsConnect::new((*root.client_config()).clone());
    assert!(config.connect(tls).await.is_err());
    assert!(server.received().contains(TOKEN), "{}", server.received());
}

#[tokio::test]
async fn sqlx_falls_back_to_plaintext() {
    let server = hostile::Server::start(Engine::Postgres);
    let options = PgConnectOptions::new_without_pgpass().host("localhost").port(server.port());
    assert!(options.username("u").password(TOKEN).connect().await.is_err());
    assert!(server.received().contains(TOKEN), "{}", server.received());

    let server = hostile::Server::start(Engine::MySql);
    let options = MySqlConnectOptions::new().host("localhost").port(server.port()).username("u");
    let options = options.password(TOKEN).enable_cleartext_plugin(true);
    assert!(options.connect().await.is_err());
    assert!(server.received().contains(TOKEN), "{}", server.received());
}

#[tokio::test]
async fn mysql_async_sends_the_token_in_clear_text_unless_it_has_ssl_opts() {
    let server = hostile::Server::start(Engine::MySql);
    let options = || {
        let options = OptsBuilder::default().ip_or_hostname("localhost").tcp_port(server.port());
        options.prefer_socket(false).user(Some("u")).pass(Some(TOKEN))
    };
    let error = Conn::new(options()).await.unwrap_err();
    assert!(format!("{error:?}").contains("CleartextPluginDisabled"), "{error:?}");
    assert!(!server.received().contains(TOKEN));
    assert!(Conn::new(options().enable_cleartext_plugin(true)).await.is_err());
    assert!(server.received().contains(TOKEN), "{}", server.received());
}

#[tokio::test]
async fn sqlx_verifies_nothing_with_require_and_no_name_with_verify_ca() {
    let world = World::new(Engine::Postgres); // dialled by an address, which no certificate names
    let db = &world.db;
    let options = PgConnectOptions::new_without_pgpass().host(db.address.host());
    let options = options.port(db.address.port()).username(db.signer.user()).database(&db.name);
    let options = options.password(&world.token().await);
    options.clone().ssl_mode(PgSslMode::Require).connect().await.expect("an unknown root");
    let options = options.ssl_root_cert_from_pem(db.trust.pem().into_bytes());
    options.clone().ssl_mode(PgSslMode::VerifyCa).connect().await.expect("another name");
    let error = options.ssl_mode(PgSslMode::VerifyFull).connect().await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");

    let world = World::new(Engine::MariaDb);
    let db = &world.db;
    let options = MySqlConnectOptions::new().host(db.address.host()).port(db.address.port());
    let options = options.username(db.signer.user()).database(&db.name);
    let options = options.password(&world.token().await);
    let error = options.clone().ssl_mode(MySqlSslMode::Required).connect().await.unwrap_err();
    assert!(error.to_string().contains("cleartext_plugin disabled"), "{error}");
    let options = options.enable_cleartext_plugin(true);
    options.clone().ssl_mode(MySqlSslMode::Required).connect().await.expect("an unknown root");
    let options = options.ssl_ca_from_pem(db.trust.pem().into_bytes());
    options.clone().ssl_mode(MySqlSslMode::VerifyCa).connect().await.expect("another name");
    let error = options.ssl_mode(MySqlSslMode::VerifyIdentity).connect().await.unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
}

/// A pool that is given a token cannot log in with it once the credentials were rotated, or 15 minutes
/// have passed.
#[tokio::test]
async fn the_drivers_own_pools_keep_one_token() {
    let world = World::new(Engine::Postgres);
    let db = &world.db;
    let mut config = Config::new();
    config.host(db.signer.endpoint().host()).hostaddr(world.server.address().ip());
    config.port(db.address.port()).user(db.signer.user()).password(world.token().await);
    config.dbname(&db.name);
    let tls = MakeRustlsConnect::new((*db.trust.client_config()).clone());
    let manager = deadpool_postgres::Manager::new(config, tls);
    let pool = deadpool_postgres::Pool::builder(manager).build().unwrap();
    let first = pool.get().await.unwrap();
    world.server.iam().set_clock_offset(16 * 60);
    let error = pool.get().await.map(drop).unwrap_err();
    assert!(format!("{error:?}").contains("28000"), "{error:?}");
    // A token is for the login alone: the session outlives it.
    first.simple_query("SELECT 1").await.unwrap();

    let world = World::new(Engine::MariaDb);
    let db = &world.db;
    let tls = SslOpts::default().with_root_certs(vec![db.trust.pem().into_bytes().into()]);
    let tls = tls.with_danger_tls_hostname_override(Some(db.signer.endpoint().host().to_owned()));
    let options = OptsBuilder::default().ip_or_hostname(db.address.host());
    let options = options.tcp_port(db.address.port()).prefer_socket(false).ssl_opts(tls);
    let options = options.user(Some(db.signer.user())).pass(Some(world.token().await));
    let options = options.db_name(Some(&db.name)).enable_cleartext_plugin(true);
    let pool = mysql_async::Pool::new(options);
    let mut first = pool.get_conn().await.unwrap();
    world.server.iam().set_clock_offset(16 * 60);
    let error = pool.get_conn().await.unwrap_err();
    assert!(error.to_string().contains("1045"), "{error}");
    first.query_drop("SELECT 1").await.unwrap();
}

#[tokio::test]
async fn a_token_in_a_url_must_be_encoded() {
    let encoded: String = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let [raw, encoded] = [TOKEN, &encoded].map(|token| format!("://u:{token}@localhost/d"));

    let postgres = |rest: &str| format!("postgres{rest}").parse::<Config>();
    assert_eq!(postgres(&encoded).unwrap().get_password(), Some(TOKEN.as_bytes()));
    let decoded = postgres(&raw).unwrap();
    assert_ne!(decoded.get_password(), Some(TOKEN.as_bytes()), "it is decoded in silence");

    let mysql = |rest: &str| mysql_async::Opts::from_url(&format!("mysql{rest}"));
    assert_eq!(mysql(&encoded).unwrap().pass(), Some(TOKEN));
    assert!(mysql(&raw).is_err());

    assert!(format!("postgres{raw}").parse::<PgConnectOptions>().is_err());
    assert!(format!("mysql{raw}").parse::<MySqlConnectOptions>().is_err());
    let options = format!("mysql{encoded}").parse::<MySqlConnectOptions>().unwrap();
    assert!(format!("{options:?}").contains(TOKEN));
}

/// Which options must not be logged.
#[test]
fn who_prints_the_token_in_debug() {
    let mut config = Config::new();
    config.password(TOKEN);
    assert!(!format!("{config:?}").contains(TOKEN));
    let options: mysql_async::Opts = OptsBuilder::default().pass(Some(TOKEN)).into();
    assert!(format!("{options:?}").contains(TOKEN));
    let options = PgConnectOptions::new_without_pgpass().password(TOKEN);
    assert!(format!("{options:?}").contains(TOKEN));
    let options = MySqlConnectOptions::new().password(TOKEN);
    assert!(format!("{options:?}").contains(TOKEN));
}
