//! Clusters: what the writer wrote is on the reader, and the writer moves.

use std::fs;

use local_rds::{Cluster, Engine, Server};

use crate::lifecycle::processes_in;

const SETUP: &str = "CREATE TABLE a (id INT PRIMARY KEY)";

/// The ids in the table.
fn ids(server: &Server) -> Vec<String> {
    let rows = server.execute("SELECT id FROM a ORDER BY id").unwrap();
    rows.into_iter().flatten().flatten().collect()
}

/// Whether the server says that it is a reader.
fn is_reader(server: &Server) -> bool {
    let sql = match server.engine() {
        Engine::Postgres => "SELECT pg_is_in_recovery()",
        _ => "SELECT @@global.read_only",
    };
    let row = server.execute(sql).unwrap().remove(0);
    ["t", "1", "ON"].contains(&row[0].as_deref().unwrap())
}

fn the_writer_moves_with_everything(engine: Engine) {
    let begun = std::time::Instant::now();
    let cluster = Cluster::builder(engine).setup(SETUP).start().unwrap();
    println!("{engine}: started in {:?}", begun.elapsed());
    let folders =
        cluster.members().each_ref().map(|it| it.ca_bundle().parent().unwrap().to_owned());
    let bundles = cluster.members().each_ref().map(|it| fs::read(it.ca_bundle()).unwrap());
    assert_eq!(bundles[0], bundles[1]);

    let mut written = vec![];
    for (round, trouble) in ["none", "none", "paused", "killed", "reader killed"].iter().enumerate()
    {
        assert!(!is_reader(cluster.writer()) && is_reader(cluster.reader()), "round {round}");
        let sql = format!("INSERT INTO a VALUES ({round})");
        cluster.writer().execute(&sql).unwrap();
        written.push(round.to_string());
        cluster.catch_up().unwrap();
        assert_eq!(ids(cluster.reader()), written);
        match *trouble {
            "paused" => cluster.writer().pause(),
            "killed" => cluster.writer().kill().unwrap(),
            "reader killed" => cluster.reader().kill().unwrap(),
            _ => {}
        }
        let (writer, begun) = (cluster.writer().address(), std::time::Instant::now());
        cluster.fail_over().unwrap_or_else(|error| {
            let logs = cluster.members().each_ref().map(|it| it.log());
            panic!("{trouble}: {}\n{}\n---\n{}", crate::client::chain(&error), logs[0], logs[1])
        });
        println!("{engine}: {trouble}: moved in {:?}", begun.elapsed());
        assert_eq!(cluster.reader().address(), writer);
        for member in cluster.members() {
            assert_eq!(ids(member), written, "{trouble}");
        }
    }
    // A server that comes back is what it was.
    for member in cluster.members() {
        let was = is_reader(member);
        member.kill().unwrap();
        member.restart().unwrap();
        assert_eq!(is_reader(member), was);
    }
    cluster.writer().execute("INSERT INTO a VALUES (99)").unwrap();
    cluster.catch_up().unwrap();
    assert_eq!(ids(cluster.reader()).last().unwrap(), "99");
    drop(cluster);
    for folder in folders {
        assert_eq!(processes_in(&folder), [0; 0]);
        assert!(!folder.exists());
    }
}

crate::for_each_engine! {
    the_writer_moves_with_everything,
}
