//! How servers end: nothing of them is left, however they do.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use local_rds::{Engine, Server};

use crate::client::chain;

/// The processes with `folder` in their command line.
pub(crate) fn processes_in(folder: &Path) -> Vec<u32> {
    let folder = folder.to_string_lossy();
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|id| {
            fs::read(format!("/proc/{id}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&*folder))
        })
        .collect()
}

fn a_dropped_server_leaves_nothing(engine: Engine) {
    let server = Server::builder(engine).start().unwrap();
    let folder = server.ca_bundle().parent().unwrap().to_owned();
    assert_ne!(processes_in(&folder), [0; 0], "the server is not found in /proc");
    drop(server);
    assert_eq!(processes_in(&folder), [0; 0]);
    assert!(!folder.exists());
}

fn no_server_runs_as_root(engine: Engine) {
    let server = Server::builder(engine).start().unwrap();
    for id in processes_in(server.ca_bundle().parent().unwrap()) {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        assert!(user.split_whitespace().all(|id| id != "0"), "{status}");
    }
}

fn a_mistake_in_the_setup_is_named(engine: Engine) {
    let setup = "CREATE TABLE a (id INT); INSERT INTO nowhere VALUES (1)";
    let error = Server::builder(engine).setup(setup).start().unwrap_err();
    let server_says = match engine {
        Engine::Postgres => "42P01 relation \"nowhere\" does not exist",
        _ => "statement 2: 1146 (42S02) Table 'app.nowhere' doesn't exist",
    };
    let said = chain(&error);
    let start = format!("cannot start {engine}: the SQL for setting up failed: {server_says}");
    assert!(said.starts_with(&start), "{said}");
}

fn a_killed_server_comes_back_with_what_was_committed(engine: Engine) {
    let setup =
        "CREATE TABLE a (id INT PRIMARY KEY, text VARCHAR(9)); INSERT INTO a VALUES (1, NULL)";
    let server = Server::builder(engine).setup(setup).start().unwrap();
    let (address, folder) = (server.address(), server.ca_bundle().parent().unwrap().to_owned());
    for round in 2..4 {
        server.execute(&format!("INSERT INTO a VALUES ({round}, 'x')")).unwrap();
        server.kill().unwrap();
        assert_eq!(processes_in(&folder), [0; 0]);
        assert!(server.execute("SELECT 1").is_err());
        assert!(server.kill().is_err(), "it was killed twice");
        server.restart().unwrap();
        assert!(server.restart().is_err(), "it was started twice");
        assert_eq!(server.address(), address);
    }
    let rows = server.execute("SELECT id, text FROM a ORDER BY id; SELECT 'end' AS x").unwrap();
    let text = |value: &str| Some(value.to_owned());
    let expected = [
        vec![text("1"), None],
        vec![text("2"), text("x")],
        vec![text("3"), text("x")],
        vec![text("end")],
    ];
    assert_eq!(rows, expected);
    assert_eq!(admission(&server), "refused", "the administrator may still log in");
    server.kill().unwrap();
    drop(server);
    assert!(!folder.exists());
}

/// Whether the Unix socket lets the administrator in, who has no password. PostgreSQL's refusal is an
/// error message; MySQL's comes only when the login is complete, so its client is asked.
fn admission(server: &Server) -> &'static str {
    let log = || server.log();
    let run = server.ca_bundle().parent().unwrap().join("run");
    let sql = match server.engine() {
        Engine::Postgres => {
            let socket = run.join(format!(".s.PGSQL.{}", server.address().port()));
            let mut stream = UnixStream::connect(socket).unwrap();
            let login = b"\0\x03\0\0user\0postgres\0database\0app\0\0";
            stream.write_all(&(login.len() as u32 + 4).to_be_bytes()).unwrap();
            stream.write_all(login).unwrap();
            let mut kind = [0];
            stream.read_exact(&mut kind).unwrap();
            return if kind == *b"E" { "refused" } else { "let in" };
        }
        Engine::MySql => "SELECT account_locked FROM mysql.user WHERE user = 'root'",
        Engine::MariaDb => {
            "SELECT IF(JSON_VALUE(priv, '$.account_locked') IN ('true', '1'), 'Y', 'N')
             FROM mysql.global_priv WHERE user = 'root'"
        }
    };
    let rows = server.execute(sql).unwrap_or_else(|error| panic!("{error}: {}", log()));
    assert_eq!(rows.len(), 1, "{rows:?}");
    if rows[0] == [Some("Y".to_owned())] { "refused" } else { "let in" }
}

fn a_paused_server_answers_when_it_goes_on(engine: Engine) {
    let server = Server::builder(engine).start().unwrap();
    server.pause();
    let (answers, answer) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| answers.send(server.execute("SELECT 1")));
        assert!(answer.recv_timeout(Duration::from_millis(300)).is_err(), "it answered");
        server.resume();
        let rows = answer.recv_timeout(Duration::from_secs(30)).unwrap().unwrap();
        assert_eq!(rows, [[Some("1".to_owned())]]);
    });
    server.pause();
    drop(server);
}

fn a_setting_is_the_servers(engine: Engine) {
    let server = Server::builder(engine).setting("max_connections", "33").start().unwrap();
    let sql = match engine {
        Engine::Postgres => "SHOW max_connections",
        _ => "SELECT @@max_connections",
    };
    assert_eq!(server.execute(sql).unwrap(), [[Some("33".to_owned())]]);
}

crate::for_each_engine! {
    a_killed_server_comes_back_with_what_was_committed,
    a_paused_server_answers_when_it_goes_on,
    a_setting_is_the_servers,
    a_dropped_server_leaves_nothing,
    no_server_runs_as_root,
    a_mistake_in_the_setup_is_named,
}
