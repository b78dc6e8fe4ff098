//! What other programs read: the JSON document, and the environment of several servers.

use std::collections::BTreeMap;
use std::process;

use local_rds::{Engine, Server};
use serde_json::json;

/// The document of `--json`, on one line.
pub(crate) fn document(servers: &[Server]) -> String {
    let key = servers.first().map(Server::access_key);
    let servers: Vec<_> = servers.iter().map(server).collect();
    json!({
        "pid": process::id(),
        "access_key_id": key.as_ref().map(|key| &key.id),
        "secret_access_key": key.as_ref().map(|key| &key.secret),
        "session_token": key.as_ref().and_then(|key| key.session_token.as_ref()),
        "servers": servers,
    })
    .to_string()
}

fn server(server: &Server) -> serde_json::Value {
    json!({
        "engine": server.engine().name(),
        "version": server.version(),
        "host": server.host(),
        "port": server.port(),
        "region": server.region(),
        "user": server.user(),
        "database": server.database(),
        "connect_host": server.address().ip(),
        "connect_port": server.address().port(),
        "ca_bundle": server.ca_bundle(),
        "login_log": server.iam().log_path(),
        "server_log": server.log_path(),
        "env_file": server.environment_file(),
        "resource_arn": server.resource_arn(server.user()),
    })
}

/// The environment of all servers. With several, the names of each database's variables begin with the
/// engine.
pub(crate) fn environment(servers: &[Server]) -> BTreeMap<String, String> {
    let variables = servers.iter().flat_map(|server| {
        let prefix = if servers.len() > 1 { prefix(server.engine()) } else { String::new() };
        let named = move |name: &str| match name.starts_with("DB_") {
            true => format!("{prefix}{name}"),
            false => name.to_owned(),
        };
        server.environment().into_iter().map(move |(name, value)| (named(name), value))
    });
    variables.collect()
}

/// What stands before the names of an engine's variables: `MYSQL_`.
pub(crate) fn prefix(engine: Engine) -> String {
    format!("{}_", engine.name().to_uppercase())
}
