//! What a session begins with, under each profile.

use local_rds::{Engine, Profile, Server};

use crate::client::{Transport, query};
use crate::token::good;

/// The settings of an IAM user's session, in one text.
fn session(server: &Server) -> String {
    let sql = match server.engine() {
        Engine::Postgres => {
            "SELECT concat_ws(' ', current_setting('default_transaction_read_only'), \
             current_setting('search_path'), current_setting('default_transaction_isolation'), \
             current_setting('DateStyle'), current_setting('TimeZone'))"
        }
        Engine::MySql | Engine::MariaDb => {
            "SELECT CONCAT_WS(' ', @@sql_mode, @@autocommit = 1, @@completion_type, \
             @@character_set_client, @@character_set_results, @@max_allowed_packet <= 1048576, \
             @@sql_select_limit = 2, @@time_zone, @@character_set_database)"
        }
    };
    query(server, Transport::Verified, server.user(), &good(server), sql).unwrap().join("")
}

fn a_session_begins_as_on_rds(engine: Engine) {
    let server = Server::builder(engine).start().unwrap();
    let expected = match engine {
        Engine::Postgres => "off \"$user\", public read committed ISO, MDY UTC",
        _ => "NO_ENGINE_SUBSTITUTION 1 NO_CHAIN utf8mb4 utf8mb4 0 0 +00:00 utf8mb4",
    };
    assert_eq!(session(&server), expected);
}

fn an_untidy_server_is_so_for_its_users_alone(engine: Engine) {
    let setup = "CREATE TABLE a (id INT); INSERT INTO a VALUES (1), (2), (3)";
    let server = Server::builder(engine).profile(Profile::Untidy).setup(setup).start().unwrap();
    let expected = match engine {
        Engine::Postgres => "on own, public repeatable read SQL, DMY UTC",
        _ => " 0 CHAIN latin1 latin1 1 1 +00:00 utf8mb4",
    };
    if engine != Engine::Postgres {
        let seen = server.execute("SELECT @@GLOBAL.character_set_server").unwrap();
        assert_eq!(seen, [[Some("latin1".to_owned())]]);
    }
    // The administrator writes, and reads every row, before and after a restart.
    for rows in [4, 5] {
        assert_eq!(session(&server), expected);
        server.execute(&format!("INSERT INTO a VALUES ({rows})")).unwrap();
        server.kill().unwrap();
        server.restart().unwrap();
        assert_eq!(server.execute("SELECT id FROM a").unwrap().len(), rows);
    }
}

fn a_setting_comes_on_top_of_a_profile(engine: Engine) {
    let (name, sql) = match engine {
        Engine::Postgres => ("timezone", "SHOW timezone"),
        _ => ("default_time_zone", "SELECT @@GLOBAL.time_zone"),
    };
    let zone = "-05:00";
    let server = Server::builder(engine).profile(Profile::Untidy).setting(name, zone);
    let seen = server.start().unwrap().execute(sql).unwrap();
    assert!(seen[0][0].as_ref().unwrap().contains("05"), "{seen:?}");
}

#[test]
fn a_profile_is_read_by_its_name() {
    assert_eq!("rds".parse(), Ok(Profile::default()));
    assert_eq!("untidy".parse(), Ok(Profile::Untidy));
    let error = "Untidy".parse::<Profile>().unwrap_err();
    assert_eq!(error, r#"unknown profile "Untidy"; use rds or untidy"#);
}

crate::for_each_engine! {
    a_session_begins_as_on_rds,
    an_untidy_server_is_so_for_its_users_alone,
    a_setting_comes_on_top_of_a_profile,
}
