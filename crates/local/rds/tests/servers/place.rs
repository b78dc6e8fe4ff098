//! Where a server listens, and by which name it is dialled.

use local_rds::{Engine, Server};

use crate::client;
use crate::token::{Claim, good};

fn a_port_that_is_named_is_the_servers(engine: Engine) {
    let free = Server::builder(engine).start().unwrap();
    let port = free.address().port();
    let taken = Server::builder(engine).port(port).start().unwrap_err();
    let said = client::chain(&taken);
    assert!(said.contains(&format!("port {port} of 127.0.0.1: take another one")), "{said}");
    drop(free);
    let server = Server::builder(engine).port(port).start().unwrap();
    assert_eq!(server.address().port(), port);
    client::log_in(&server, &good(&server)).unwrap();
}

/// What a program has that knows one host and one port.
fn an_endpoint_that_is_dialled_is_the_only_one(engine: Engine) {
    let server = Server::builder(engine).dialled_as("LocalHost").start().unwrap();
    assert_eq!((server.host(), server.port()), ("localhost", server.address().port()));
    client::log_in(&server, &good(&server)).unwrap();

    let port = engine.default_port();
    client::log_in(&server, &Claim { port, ..Claim::of(&server) }.sign()).unwrap_err();
    let host = format!("local-{engine}.abc123def456.eu-west-1.rds.amazonaws.com");
    client::log_in(&server, &Claim { host, ..Claim::of(&server) }.sign()).unwrap_err();
    let refusals = server.iam().refusals();
    assert!(refusals[0].contains(&server.port().to_string()), "{refusals:?}");
    assert!(refusals[1].contains("\"localhost\""), "{refusals:?}");
}

/// As an instance of Aurora has its own endpoint and its cluster's, all with one port.
fn a_server_with_several_endpoints_accepts_tokens_for_each(engine: Engine) {
    let cluster = "db.cluster-abc123def456.eu-west-1.rds.amazonaws.com";
    let instance = "db-1.abc123def456.eu-west-1.rds.amazonaws.com";
    let server = Server::builder(engine).dialled_as(instance).also_endpoint(cluster).start();
    let server = server.unwrap();
    assert_eq!(server.port(), server.address().port());
    let claim = |host: &str| Claim { host: host.to_owned(), ..Claim::of(&server) };
    for host in [instance, cluster] {
        client::log_in(&server, &claim(host).sign()).unwrap();
    }
    let claim = Claim { port: engine.default_port(), ..claim(cluster) };
    client::log_in(&server, &claim.sign()).unwrap_err();
}

crate::for_each_engine! {
    a_port_that_is_named_is_the_servers,
    an_endpoint_that_is_dialled_is_the_only_one,
    a_server_with_several_endpoints_accepts_tokens_for_each,
}
