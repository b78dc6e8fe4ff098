//! How servers end, and that nothing is left of them.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::TryRecvError;
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

/// The text of `file` of proc(5) for each process that still exists: PostgreSQL's come and go.
fn told_of(processes: impl IntoIterator<Item = u32>, file: &str) -> Vec<String> {
    let file = |id| fs::read_to_string(format!("/proc/{id}/{file}")).ok();
    processes.into_iter().filter_map(file).collect()
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
    let statuses = told_of(processes_in(server.ca_bundle().parent().unwrap()), "status");
    assert!(!statuses.is_empty(), "the server is not found in /proc");
    for status in statuses {
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:")).unwrap();
        assert!(user.split_whitespace().all(|id| id != "0"), "{status}");
    }
}

fn a_mistake_in_the_setup_is_named(engine: Engine) {
    let setup = "CREATE TABLE a (id INT);\n\nINSERT INTO\nnowhere VALUES (1)";
    let error = Server::builder(engine).setup(setup).start().unwrap_err();
    let (line, server_says) = match engine {
        Engine::Postgres => (4, "42P01 relation \"nowhere\" does not exist"),
        _ => (3, "1146 (42S02) Table 'app.nowhere' doesn't exist"),
    };
    let said = chain(&error);
    let start = format!("cannot start {engine}: the SQL for setting up failed at line {line}: ");
    assert_eq!(said, start + server_says);
    assert_eq!(error.setup_line(), Some(line));
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

/// Whether the administrator can log in on the Unix socket. PostgreSQL refuses with an error message;
/// MySQL does so only after the handshake, so the account is looked up.
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

fn a_limit_holds_for_every_process_while_connections_come_and_go(engine: Engine) {
    let server = &Server::builder(engine).start().unwrap();
    let folder = server.ca_bundle().parent().unwrap();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        // Each has a process of its own on PostgreSQL, until that sees the connection's end.
        scope.spawn(move || {
            while ended.try_recv() == Err(TryRecvError::Empty) {
                let mut stream = TcpStream::connect(server.address()).unwrap();
                let asks_for_tls = [0, 0, 0, 8, 4, 210, 22, 47];
                stream.write_all(&asks_for_tls).unwrap();
                let _ = stream.read(&mut [0]);
            }
        });
        let _end = end;
        for round in 0..20 {
            let limit = (40 << 20) + round;
            server.limit_file_size(Some(limit)).unwrap();
            assert_eq!(file_size_limits(folder), BTreeSet::from([limit.to_string()]));
        }
        server.limit_file_size(None).unwrap();
        assert_eq!(file_size_limits(folder), BTreeSet::from(["unlimited".to_owned()]));
    });
}

/// The file size limits of the server's process and its children.
fn file_size_limits(folder: &Path) -> BTreeSet<String> {
    // A new child of PostgreSQL's still has its parent's command line, and so is found too.
    let mut all = processes_in(folder);
    for id in all.clone() {
        let children = told_of([id], &format!("task/{id}/children")).concat();
        all.extend(children.split_whitespace().map(|id| id.parse::<u32>().unwrap()));
    }
    let limits = told_of(all, "limits").into_iter().filter_map(|limits| {
        let line = limits.lines().find_map(|line| line.strip_prefix("Max file size"))?;
        Some(line.split_whitespace().next()?.to_owned())
    });
    limits.collect()
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
    a_limit_holds_for_every_process_while_connections_come_and_go,
    a_paused_server_answers_when_it_goes_on,
    a_setting_is_the_servers,
    a_dropped_server_leaves_nothing,
    no_server_runs_as_root,
    a_mistake_in_the_setup_is_named,
}
