//! How servers end: nothing of them is left, however they do.

use std::fs;
use std::path::Path;

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

crate::for_each_engine! {
    a_dropped_server_leaves_nothing,
    no_server_runs_as_root,
    a_mistake_in_the_setup_is_named,
}
