//! The examples as programs: the login that works, and those that must not.

use local_rds::{Engine, Server};

use crate::example::{ASSUME_ROLE, Example, attempts, examples, other_root, server};
use crate::hostile;
use crate::sts::Sts;

/// How a server denies a login, in each engine's code.
fn denied(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Postgres => &["28000", "28P01", "PAM authentication failed"],
        // For a user that does not exist MySQL may name another plug-in.
        Engine::MySql | Engine::MariaDb => &["1045", "Access denied", "sha256_password"],
    }
}

fn every_example(engine: Engine) {
    let server = server(engine);
    let folder = tempfile::tempdir().unwrap();
    let root = other_root(folder.path());
    for example in examples(engine) {
        logs_in(example, &server);
        a_wrong_ca_gets_no_token(example, &server, &root);
        another_user_and_an_old_token_are_denied(example, &server);
        plaintext_gets_no_token(example, &server);
    }
}

fn logs_in(example: &Example, server: &Server) {
    let output = example.command(server).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {stderr}", example.name);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let expected = format!("logged in as {}", server.user());
    assert!(stdout.starts_with(&expected), "{}: {stdout}", example.name);
}

fn a_wrong_ca_gets_no_token(example: &Example, server: &Server, root: &std::path::Path) {
    let before = attempts(server);
    let mut command = example.command(server);
    example.refused(command.env("DB_CA_BUNDLE", root), &["UnknownIssuer", "BadSignature"]);

    // The roots of RDS, which every example embeds, did not sign this server either.
    let mut command = example.command(server);
    example.refused(command.env_remove("DB_CA_BUNDLE"), &["UnknownIssuer", "BadSignature"]);

    // The right root, another name: of a server that somebody else has in the same region.
    let mut command = example.command(server);
    command.env("DB_HOST", "other.abc123def456.eu-west-1.rds.amazonaws.com");
    if example.address(1).starts_with("127.") {
        example.refused(&mut command, &["NotValidForName"]);
    }
    assert_eq!(attempts(server), before, "{} sent a token", example.name);
}

fn another_user_and_an_old_token_are_denied(example: &Example, server: &Server) {
    let denied = denied(server.engine());
    let before = attempts(server);
    example.refused(example.command(server).env("AWS_SECRET_ACCESS_KEY", "wrong"), denied);
    assert_eq!(attempts(server), before + 1, "{}: what counts attempts does not", example.name);
    example.refused(example.command(server).env("DB_USER", "somebody"), denied);
    server.iam().set_clock_offset(16 * 60);
    example.refused(&mut example.command(server), denied);
    server.iam().set_clock_offset(0);
}

fn plaintext_gets_no_token(example: &Example, server: &Server) {
    let hostile = hostile::Server::start(server.engine());
    let mut command = example.command(server);
    command.env("DB_CONNECT_TO", example.address(hostile.port()));
    example.refused(&mut command, &["TLS", "Tls", "SSL", "Ssl"]);
    assert!(!hostile.received().contains("X-Amz-Signature"), "{} sent a token", example.name);
}

#[test]
fn postgres() {
    every_example(Engine::Postgres);
}

#[test]
fn mysql() {
    every_example(Engine::MySql);
}

#[test]
fn mariadb() {
    every_example(Engine::MariaDb);
}

#[test]
fn a_role_of_another_account() {
    let server = server(Engine::Postgres);
    let role = "arn:aws:iam::210987654321:role/database";
    let sts = Sts::start(role, "AKIAOWNOWNOWNOWNOWNO", server.access_key());
    let command = || {
        let mut command = ASSUME_ROLE.command(&server);
        command
            .env("AWS_ENDPOINT_URL_STS", sts.url())
            .env("DB_ROLE_ARN", role)
            .env("AWS_ACCESS_KEY_ID", "AKIAOWNOWNOWNOWNOWNO")
            .env_remove("AWS_SESSION_TOKEN");
        command
    };
    let output = command().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "logged in as lambda_user\n");

    let before = attempts(&server);
    let folder = tempfile::tempdir().unwrap();
    let mut wrong_ca = command();
    wrong_ca.env("DB_CA_BUNDLE", other_root(folder.path()));
    ASSUME_ROLE.refused(&mut wrong_ca, &["UnknownIssuer", "BadSignature"]);
    let mut other = command();
    other.env("DB_ROLE_ARN", "arn:aws:iam::210987654321:role/other");
    ASSUME_ROLE.refused(&mut other, &["AccessDenied"]);
    assert_eq!(attempts(&server), before, "a token was sent");
}
