//! The SQL for a user, run twice on real servers; then the user logs in with a token.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test

#[allow(dead_code, reason = "this test needs a part of them")]
#[path = "../../../local/rds/tests/servers/client.rs"]
mod client;
#[allow(dead_code, reason = "this test needs a part of them")]
#[path = "../../../local/rds/tests/servers/token.rs"]
mod token;

use client::{Transport, query};
use deployment::user::{User, statements};
use local_rds::{Engine, Server};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use token::Claim;

/// Names with a special meaning to servers, shells and wildcards.
const NAMES: [&str; 6] = [
    "reader",
    "Lambda-User.2",
    "o'brien \"x\" `y`",
    r"back\slash\\",
    "100%_sure; -- ",
    "dätä$make$ $$ é",
];

fn server(engine: Engine) -> Server {
    let server = Server::builder(engine).start().expect("a server");
    let everybody = server.resource_arn("*");
    server
        .iam()
        .set_policy(&format!(
            r#"{{"Version":"2012-10-17","Statement":[
                {{"Effect":"Allow","Action":"rds-db:connect","Resource":"{everybody}"}}]}}"#
        ))
        .unwrap();
    server
}

fn user(name: &str, database: &str, schema: &str, grants: &str) -> User {
    User {
        engine: None,
        target: None,
        name: name.to_owned(),
        database: database.to_owned(),
        schema: schema.to_owned(),
        grants: grants.to_owned(),
    }
}

/// The server's engine.
fn engine(server: &Server) -> engine::Engine {
    server.engine().name().parse().unwrap()
}

fn twice(server: &Server, user: &User) {
    let sql = statements(engine(server), user).unwrap();
    for _ in 0..2 {
        server.execute(&sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    }
}

/// Logs in as `user` with a token, and runs `sql`.
fn ask(server: &Server, user: &str, sql: &str) -> Result<Vec<String>, String> {
    let token = Claim { user: user.to_owned(), ..Claim::of(server) }.sign();
    query(server, Transport::Verified, user, &token, sql)
}

fn quoted(name: &str, quote: char) -> String {
    format!("{quote}{}{quote}", name.replace(quote, &format!("{quote}{quote}")))
}

fn on_mysql(engine: Engine) {
    let server = server(engine);
    for name in NAMES {
        let name = name.trim();
        let database = quoted(name, '`');
        server
            .execute(&format!(
                "CREATE DATABASE {database}; CREATE TABLE {database}.t (v TEXT);
                 INSERT INTO {database}.t VALUES ('mine')"
            ))
            .unwrap();
        // The login uses the server's default database.
        twice(&server, &user(name, server.database(), "public", "SELECT"));
        let read = format!("SELECT v FROM {database}.t");
        let refused = ask(&server, name, &read).unwrap_err();
        assert!(refused.starts_with("1142 "), "{name}: {refused}");
        twice(&server, &user(name, name, "public", "SELECT"));
        assert_eq!(ask(&server, name, &read).unwrap(), ["mine"], "{name}");
        let write = ask(&server, name, &format!("INSERT INTO {database}.t VALUES ('x')"));
        assert!(write.unwrap_err().starts_with("1142 "), "{name}");
        let token = Claim { user: name.to_owned(), ..Claim::of(&server) }.sign();
        let plain = query(&server, Transport::Plain, name, &token, "SELECT 1");
        assert!(plain.is_err(), "{name} logged in without TLS");
    }
    // Wildcards in a name grant nothing on a database that they would match.
    server
        .execute("CREATE DATABASE a_b; CREATE DATABASE axb; CREATE TABLE axb.t (v TEXT)")
        .unwrap();
    twice(&server, &user("narrow", server.database(), "public", "SELECT"));
    twice(&server, &user("narrow", "a_b", "public", "ALL"));
    assert!(ask(&server, "narrow", "SELECT v FROM axb.t").unwrap_err().starts_with("1142 "));
    any_name(&server, |name| {
        let count = format!(
            "SELECT COUNT(*) FROM mysql.user WHERE HEX(CONVERT(user USING utf8mb4)) = '{}' \
             AND host = '%' AND plugin = 'AWSAuthenticationPlugin'",
            hex(name)
        );
        (server.database().to_owned(), count)
    });
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02X}")).collect()
}

/// Creates users with random names, and counts those of exactly that name.
fn any_name(server: &Server, count: impl Fn(&str) -> (String, String)) {
    let mut runner =
        TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    // Up to 15 characters of the basic plane, which every engine accepts, in bytes too.
    let name = proptest::string::string_regex("[!-~¡-\u{d7ff}]{1,15}").unwrap();
    runner
        .run(&name, |name| {
            let (database, count) = count(&name);
            let user = user(&name, &database, "public", "SELECT");
            // A name that the engine reserves is refused first.
            let Ok(sql) = statements(engine(server), &user) else { return Ok(()) };
            server.execute(&sql).map_err(|error| TestCaseError::fail(format!("{error}\n{sql}")))?;
            let rows = server.execute(&count).unwrap();
            prop_assert_eq!(rows, vec![vec![Some("1".to_owned())]], "{}", sql);
            Ok(())
        })
        .unwrap();
}

#[test]
fn mysql() {
    on_mysql(Engine::MySql);
}

#[test]
fn mariadb() {
    on_mysql(Engine::MariaDb);
}

#[test]
fn postgres() {
    let server = server(Engine::Postgres);
    for name in NAMES {
        let name = name.trim();
        let schema = quoted(name, '"');
        server
            .execute(&format!(
                "CREATE SCHEMA {schema}; CREATE TABLE {schema}.t (id serial, v TEXT);
                 INSERT INTO {schema}.t (v) VALUES ('mine')"
            ))
            .unwrap();
        twice(&server, &user(name, server.database(), name, "SELECT"));
        let read = format!("SELECT v FROM {schema}.t");
        assert_eq!(ask(&server, name, &read).unwrap(), ["mine"], "{name}");
        let write = format!("INSERT INTO {schema}.t (v) VALUES ('x')");
        assert!(ask(&server, name, &write).unwrap_err().starts_with("42501 "), "{name}");
        twice(&server, &user(name, server.database(), name, "insert"));
        ask(&server, name, &write).unwrap();
        // A table that is created later.
        server.execute(&format!("CREATE TABLE {schema}.later AS SELECT 'later' AS v")).unwrap();
        let later = ask(&server, name, &format!("SELECT v FROM {schema}.later"));
        assert_eq!(later.unwrap(), ["later"], "{name}");
    }
    any_name(&server, |name| {
        let count = format!(
            "SELECT COUNT(*) FROM pg_roles WHERE encode(convert_to(rolname, 'UTF8'), 'hex') = '{}' \
             AND rolcanlogin AND pg_has_role(oid, 'rds_iam', 'member')",
            hex(name).to_lowercase()
        );
        (server.database().to_owned(), count)
    });
}

#[test]
fn what_is_no_name_is_refused() {
    let refused = |engine, name: &str| {
        let text = statements(engine, &user(name, "app", "public", "SELECT")).unwrap_err();
        text.to_string()
    };
    use engine::Engine::{MariaDb, MySql, Postgres};
    for engine in [MySql, MariaDb, Postgres] {
        assert!(refused(engine, "a\nb").contains("control character"));
        assert!(refused(engine, "").contains("is empty"));
        assert!(refused(engine, "a ").contains("ends with a space"));
    }
    assert!(refused(MySql, &"x".repeat(33)).contains("longer than 32 characters"));
    assert!(refused(MariaDb, &"x".repeat(81)).contains("longer than 80 characters"));
    assert!(refused(Postgres, &"é".repeat(32)).contains("longer than 63 bytes"));
    assert!(refused(Postgres, "pg_reader").contains("reserved by PostgreSQL"));
}
