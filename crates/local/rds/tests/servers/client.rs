//! A client for every engine, which sends passwords in clear text.

use std::error::Error;
use std::fs;
use std::sync::Arc;

use local_rds::{Engine, Server};
use mysql_async::prelude::Queryable;
use mysql_async::{Opts, OptsBuilder, SslOpts};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

/// How a client connects.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Transport {
    /// With TLS that verifies the chain and the name of the endpoint.
    Verified,
    /// Without TLS.
    Plain,
}

/// Logs in, runs `sql`, and returns the first column of its rows as text.
///
/// The error is the server's own: `1045 (28000) Access denied …`, `28000 PAM authentication …`.
pub(crate) fn query(
    server: &Server,
    transport: Transport,
    user: &str,
    password: &str,
    sql: &str,
) -> Result<Vec<String>, String> {
    // The first of the concurrent tests installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match server.engine() {
            Engine::MySql | Engine::MariaDb => {
                query_mysql(server, transport, user, password, sql).await
            }
            Engine::Postgres => query_postgres(server, transport, user, password, sql).await,
        }
    })
}

/// Logs in as the server's own user over verified TLS, and returns nothing.
pub(crate) fn log_in(server: &Server, password: &str) -> Result<(), String> {
    query(server, Transport::Verified, server.user(), password, "SELECT 1").map(|_| ())
}

async fn query_mysql(
    server: &Server,
    transport: Transport,
    user: &str,
    password: &str,
    sql: &str,
) -> Result<Vec<String>, String> {
    let tls = SslOpts::default()
        .with_root_certs(vec![server.ca_bundle().to_owned().into()])
        .with_disable_built_in_roots(true);
    let options: Opts = OptsBuilder::default()
        .ip_or_hostname(server.host())
        .resolved_ips(Some(vec![server.address().ip()]))
        .tcp_port(server.address().port())
        .prefer_socket(false)
        .ssl_opts((transport == Transport::Verified).then_some(tls))
        .enable_cleartext_plugin(true)
        .user(Some(user))
        .pass(Some(password))
        .db_name(Some(server.database()))
        .into();
    let rows = async {
        let mut connection = mysql_async::Conn::new(options).await?;
        let rows: Vec<mysql_async::Row> = connection.query(sql).await?;
        connection.disconnect().await?;
        Ok(rows)
    };
    let rows: Vec<mysql_async::Row> = rows.await.map_err(|error| match error {
        mysql_async::Error::Server(error) => {
            format!("{} ({}) {}", error.code, error.state, error.message)
        }
        other => chain(&other),
    })?;
    Ok(rows.into_iter().filter_map(|mut row| row.take::<String, _>(0)).collect())
}

async fn query_postgres(
    server: &Server,
    transport: Transport,
    user: &str,
    password: &str,
    sql: &str,
) -> Result<Vec<String>, String> {
    let mut roots = RootCertStore::empty();
    let bundle = fs::read(server.ca_bundle()).unwrap();
    for root in CertificateDer::pem_slice_iter(&bundle) {
        roots.add(root.unwrap()).unwrap();
    }
    let tls = ClientConfig::builder().with_root_certificates(Arc::new(roots)).with_no_client_auth();
    let mut config = tokio_postgres::Config::new();
    config
        .host(server.host())
        .hostaddr(server.address().ip())
        .port(server.address().port())
        .ssl_mode(match transport {
            Transport::Verified => SslMode::Require,
            Transport::Plain => SslMode::Disable,
        })
        .user(user)
        .password(password)
        .dbname(server.database());
    let result = async {
        let (client, connection) = config.connect(MakeRustlsConnect::new(tls)).await?;
        let connection = tokio::spawn(connection);
        let rows = client.simple_query(sql).await?;
        drop(client);
        // It ends with the client.
        let _ = connection.await;
        Ok(rows)
    };
    let messages =
        result.await.map_err(|error: tokio_postgres::Error| match error.as_db_error() {
            Some(error) => format!("{} {}", error.code().code(), error.message()),
            None => chain(&error),
        })?;
    let text = |message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    };
    Ok(messages.into_iter().filter_map(text).collect())
}

/// An error and its sources.
pub(crate) fn chain(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
